"""Readers of streams for the benchmark: those who read nothing more, and viewers who draw each frame."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

import grpc
from websockets.asyncio.client import ClientConnection, connect

from mycelium_fractal_net._proto import mfn_pb2
from tests.service.helpers import AUTH, KEY

__all__ = ["STALLED", "Stall", "draw", "opened", "stale_after_pause"]

_SMALL: dict[str, Any] = {"grid_size": 16, "steps": 10_000}
_START: dict[str, Any] = {"config": _SMALL, "every": 1, "include": ["field"], "flow": "none"}
_CALLS_A_CHANNEL = 100

Stall = Callable[[AsyncExitStack, str, str, int], Awaitable[None]]


async def _websockets(stack: AsyncExitStack, url: str, _place: str, number: int) -> None:
    for _ in range(number):
        socket = await stack.enter_async_context(opened(url, _START))
        await socket.recv()


async def _events(stack: AsyncExitStack, url: str, _place: str, number: int) -> None:
    host, _, port = url.removeprefix("http://").rpartition(":")
    body = json.dumps({name: value for name, value in _START.items() if name != "flow"}).encode()
    head = f"POST /stream/simulate HTTP/1.1\r\nHost: x\r\nX-API-Key: {KEY}\r\nContent-Type: application/json\r\n"
    for _ in range(number):
        reader, writer = await asyncio.open_connection(host, int(port))
        stack.callback(writer.close)
        writer.write(f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body)
        answer = await reader.readuntil(b"\r\n\r\n")
        if b" 200 " not in answer.partition(b"\r\n")[0]:
            raise RuntimeError(f"a stream was refused: {answer!r}")
        reader_transport: Any = writer.transport
        reader_transport.pause_reading()


async def _calls(stack: AsyncExitStack, _url: str, place: str, number: int) -> None:
    start = {name: value for name, value in _START.items() if name != "flow"}
    for first in range(0, number, _CALLS_A_CHANNEL):
        channel = grpc.aio.insecure_channel(place, [("grpc.use_local_subchannel_pool", 1)])
        stack.push_async_callback(channel.close)
        simulate = channel.unary_stream(
            "/mfn.v1.MyceliumFractalNet/Simulate",
            request_serializer=lambda message: message.SerializeToString(),
            response_deserializer=mfn_pb2.SimulateResponse.FromString,
        )
        for _ in range(min(_CALLS_A_CHANNEL, number - first)):
            call = simulate(mfn_pb2.SimulateRequest(**start), metadata=(("x-api-key", KEY),))
            await call.read()
            stack.callback(call.cancel)


STALLED: Mapping[str, Stall] = {"WebSocket": _websockets, "Server-Sent Events": _events, "gRPC": _calls}
"""``stall(stack, url, place, number)`` opens streams and reads the first message of each, by transport."""


@asynccontextmanager
async def opened(url: str, start: Mapping[str, Any]) -> AsyncIterator[ClientConnection]:
    """Open a WebSocket and begin a stream."""
    address = f"ws{url.removeprefix('http')}/ws/simulate"
    options: dict[str, Any] = {"additional_headers": AUTH, "compression": None, "max_size": None, "open_timeout": 120}
    async with connect(address, **options) as socket:
        await socket.send(json.dumps({"type": "start", **start}))
        yield socket


async def _frame(socket: ClientConnection) -> int | None:
    """Return the sequence of the next frame, its field read; None at the end."""
    while True:
        message = json.loads(await socket.recv())
        if message["type"] in {"completed", "error"}:
            return None
        if message["type"] == "frame":
            await socket.recv()
            return int(message["sequence"])


async def draw(url: str, start: Mapping[str, Any], seconds: float) -> float:
    """Acknowledge each frame at once for so long; return frames a second."""
    async with opened(url, start) as socket:
        await _frame(socket)
        begin, count = time.perf_counter(), 0
        await socket.send(json.dumps({"type": "ack", "sequence": 1}))
        while time.perf_counter() - begin < seconds:
            sequence = await _frame(socket)
            if sequence is None:
                raise RuntimeError("the stream ended; take more steps")
            count += 1
            await socket.send(json.dumps({"type": "ack", "sequence": sequence}))
        return count / (time.perf_counter() - begin)


async def stale_after_pause(url: str, start: Mapping[str, Any], pause_s: float) -> int:
    """Draw for a second, read nothing for a while; return how many frames come that were made before that ended."""
    async with opened(url, start) as socket:
        end = time.perf_counter() + 1.0
        while time.perf_counter() < end:
            last = await _frame(socket)
            await socket.send(json.dumps({"type": "ack", "sequence": last}))
        await asyncio.sleep(pause_s)
        stale = 0
        while True:  # without acknowledgements comes what is on its way, and nothing more
            try:
                await asyncio.wait_for(_frame(socket), 1.0)
            except TimeoutError:
                return stale
            stale += 1
