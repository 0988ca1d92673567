"""Attacks on gRPC: whatever one caller does, calls of others are answered, here and over REST."""

from __future__ import annotations

import asyncio
import struct
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from itertools import count
from typing import Self

import grpc
import httpx
import pytest
from grpc_health.v1 import health_pb2

from mycelium_fractal_net._proto import mfn_pb2
from mycelium_fractal_net.service.rpc.health import Health
from tests.attacks.doors import resident_kib
from tests.attacks.http2 import (
    CALL,
    CONTINUATION,
    DATA,
    GOAWAY,
    HEADERS,
    PING,
    PREFACE,
    RST_STREAM,
    SETTINGS,
    WINDOW_UPDATE,
    Upload,
    answered,
    frame,
    head,
    literal,
    message,
    opened,
)
from tests.service.helpers import ION, Server
from tests.service.rpc.helpers import Caller, details_of, grpc_server

pytestmark = pytest.mark.slow

ASKED = mfn_pb2.NernstRequest(concentration_out_molar=0.005, concentration_in_molar=0.14)
OTHER = "another-key-of-many-letters"
STREAMS, CONNECTIONS, OF_ONE = 64, 200, 150
BUDGET = 200_000_000
SERVING, NOT_SERVING = health_pb2.HealthCheckResponse.SERVING, health_pb2.HealthCheckResponse.NOT_SERVING
WATCH = "/grpc.health.v1.Health/Watch"
CANCEL = struct.pack("!I", 8)


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Server, int]]:
    bounds = {"STREAMS": str(STREAMS), "MAX_CONNECTIONS": str(CONNECTIONS), "MAX_MEMORY_BYTES": str(BUDGET)}
    bounds |= {"MAX_CONNECTIONS_PER_ADDRESS": str(OF_ONE), "API_KEYS": OTHER}
    with grpc_server(tmp_path_factory.mktemp("rpc"), **bounds) as (server, place):
        yield server, int(place.rpartition(":")[2])


class Neighbour:
    """Another caller with another key, who asks all the while over both doors."""

    def __init__(self, server: Server, port: int) -> None:
        self.answers = 0
        self.faults: list[object] = []
        self._server, self._port = server, port
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._ask)

    def _ask(self) -> None:
        caller = Caller(f"127.0.0.1:{self._port}", metadata=(("x-api-key", OTHER),))
        with caller.channel, httpx.Client(base_url=self._server.url, headers={"X-API-Key": OTHER}, timeout=120) as rest:
            while not self._over.is_set():
                try:
                    caller.unary("Nernst", ASKED, mfn_pb2.NernstResponse)
                    rest.post("/nernst", json=ION).raise_for_status()
                except (grpc.RpcError, httpx.HTTPError) as error:
                    self.faults.append(error)
                    return
                self.answers += 1

    def wait(self, more: int = 20) -> None:
        """Wait until so many more of its questions are answered."""
        wanted = self.answers + more
        while self.answers < wanted and not self.faults:
            time.sleep(0.005)

    def __enter__(self) -> Self:
        self._thread.start()
        self.wait(1)
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()


@contextmanager
def undisturbed(served: tuple[Server, int]) -> Iterator[Neighbour]:
    """Let somebody else ask all the while, and see that all of it is answered."""
    with Neighbour(*served) as neighbour:
        yield neighbour
        neighbour.wait()
    assert neighbour.faults == []


def _many(stack: ExitStack, port: int, connections: int, calls: bytes) -> None:
    for _ in range(connections):
        stack.enter_context(opened(port)).sendall(calls)


@pytest.mark.parametrize("connections", [10, pytest.param(100, marks=pytest.mark.long)])
def test_calls_without_a_request_take_half_of_the_places_at_most(served: tuple[Server, int], connections: int) -> None:
    calls = b"".join(head(stream, CALL + "Nernst") for stream in range(1, 200, 2))
    with ExitStack() as stack, undisturbed(served) as neighbour:
        _many(stack, served[1], connections, calls)
        neighbour.wait()
        greedy = Caller(f"127.0.0.1:{served[1]}")
        with greedy.channel, pytest.raises(grpc.RpcError) as refused:
            greedy.unary("Nernst", ASKED, mfn_pb2.NernstResponse)
    assert details_of(refused.value.trailing_metadata())["ErrorInfo"].reason == "RATE_LIMIT_EXCEEDED"


def test_strangers_who_watch_keep_nobody_out(served: tuple[Server, int]) -> None:
    calls = b"".join(head(stream, WATCH, None) + message(stream, b"") for stream in range(1, 200, 2))
    with ExitStack() as stack, undisturbed(served):
        _many(stack, served[1], 20, calls)


def test_strangers_who_ask_and_say_nothing_keep_no_probe_waiting(served: tuple[Server, int]) -> None:
    calls = b"".join(head(stream, "/grpc.health.v1.Health/Check", None) for stream in range(1, 200, 2))
    caller = Caller(f"127.0.0.1:{served[1]}", metadata=())
    with ExitStack() as stack, caller.channel, undisturbed(served):
        _many(stack, served[1], 3, calls)
        for _ in range(20):
            found = caller.unary(
                "/grpc.health.v1.Health/Check", health_pb2.HealthCheckRequest(), health_pb2.HealthCheckResponse
            )
            assert found.status == SERVING


def test_messages_that_never_end_hold_a_part_of_the_budget(served: tuple[Server, int]) -> None:
    server, port = served
    with ExitStack() as stack, undisturbed(served) as neighbour:
        before = resident_kib(server)
        uploads = [Upload(stack.enter_context(opened(port)), "ExtractFeatures", 40, 4_000_000) for _ in range(2)]
        for upload in uploads:
            upload.send(silence_s=0.5)
        neighbour.wait()
        grown = resident_kib(server) - before
    assert 0 < sum(upload.sent for upload in uploads) < BUDGET / 4
    assert grown < 2 * BUDGET / 4 / 1024


@pytest.mark.parametrize("said", [b"", PREFACE[:10], PREFACE + frame(SETTINGS)], ids=["nothing", "half", "hello"])
def test_one_address_cannot_have_all_connections(served: tuple[Server, int], said: bytes) -> None:
    with ExitStack() as stack, undisturbed(served):
        for _ in range(CONNECTIONS + 40):
            stack.enter_context(opened(served[1], said))
        _wait_until(lambda: "there were too many" in served[0].log.read_text())
        Neighbour(*served).__enter__().__exit__()  # who comes now finds a place


def _wait_until(holds: Callable[[], bool]) -> None:
    for _ in range(3000):
        if holds():
            return
        time.sleep(0.02)
    raise AssertionError("it never came to hold")


def _resets() -> Iterator[bytes]:
    for first in count(1, 200):
        calls = range(first, first + 200, 2)
        yield b"".join(head(each, CALL + "Nernst") + frame(RST_STREAM, each, CANCEL) for each in calls)


def _endless(once: bytes, begin: bytes = b"") -> Iterator[bytes]:
    yield begin
    while True:
        yield once * 1000


FLOODS: dict[str, Callable[[], Iterator[bytes]]] = {
    "rapid reset": _resets,
    "settings": lambda: _endless(frame(SETTINGS, content=struct.pack("!HI", 4, WINDOW_UPDATE))),
    "pings": lambda: _endless(frame(PING, content=bytes(8))),
    "windows": lambda: _endless(frame(WINDOW_UPDATE, content=struct.pack("!I", 1))),
    "empty data": lambda: _endless(frame(DATA, 1), head(1, CALL + "Nernst")),
    "resets of nothing": lambda: _endless(frame(RST_STREAM, 1, CANCEL), head(1, CALL + "Nernst")),
    "a head without end": lambda: _endless(frame(CONTINUATION, 1, literal("a", "b" * 60)), frame(HEADERS, 1)),
    "unknown frames": lambda: _endless(frame(0xFA, 0, bytes(60))),
}


@pytest.mark.parametrize("flood", FLOODS)
def test_floods_of_frames_disturb_nobody(served: tuple[Server, int], flood: str) -> None:
    with undisturbed(served) as neighbour, opened(served[1]) as connection:
        before = resident_kib(served[0])
        connection.settimeout(1)
        with suppress(OSError):  # the server stops to read, or closes
            for _, frames in zip(range(60), FLOODS[flood](), strict=False):
                connection.sendall(frames)
        neighbour.wait()
        assert resident_kib(served[0]) - before < 16 * 1024
    assert "Traceback" not in served[0].log.read_text()


def test_a_head_that_is_too_long_is_refused(served: tuple[Server, int]) -> None:
    long = {f"x{number}": "v" * 100 for number in range(140)}
    with undisturbed(served), opened(served[1]) as connection, suppress(ConnectionError):
        connection.sendall(head(1, CALL + "Nernst", **long))
        assert any(kind in {HEADERS, RST_STREAM, GOAWAY} for kind, _, _ in answered(connection))


def test_a_message_is_not_read_that_announces_too_much(served: tuple[Server, int]) -> None:
    with undisturbed(served), opened(served[1]) as connection:
        connection.sendall(head(1, CALL + "Nernst") + message(1, bytes(1000), announced=2**32 - 1))
        assert any(kind in {HEADERS, RST_STREAM} and stream for kind, stream, _ in answered(connection))


def test_readers_who_read_nothing_hold_what_the_budget_allows(served: tuple[Server, int]) -> None:
    server, port = served
    asked = mfn_pb2.SimulateRequest(config={"grid_size": 64, "steps": 400}, every=1, include=["field"])
    with ExitStack() as stack, undisturbed(served) as neighbour:
        before = resident_kib(server)
        for _ in range(20):
            connection = stack.enter_context(opened(port))
            connection.sendall(head(1, CALL + "Simulate") + message(1, asked.SerializeToString()))
        _wait_until(lambda: server.metric("mfn_streams_open") == 20)
        neighbour.wait(50)
        assert resident_kib(server) - before < 128 * 1024  # the kernels' libraries included
    _wait_until(lambda: server.metric("mfn_streams_open") == 0)


class Told(list[int]):
    """A context that notes the statuses that are written."""

    async def write(self, response: health_pb2.HealthCheckResponse) -> None:
        self.append(response.status)


@pytest.mark.anyio
async def test_a_watcher_who_leaves_takes_nobody_s_word_along() -> None:
    health, told = Health(), [Told(), Told()]
    await health.set("", SERVING)
    watching = [asyncio.create_task(health.Watch(health_pb2.HealthCheckRequest(), one)) for one in told]
    while told != 2 * [[SERVING]]:
        await asyncio.sleep(0)
    watching[0].cancel()
    await asyncio.gather(watching[0], return_exceptions=True)
    await health.enter_graceful_shutdown()
    while len(told[1]) < 2:
        await asyncio.sleep(0)
    assert told == [[SERVING], [SERVING, NOT_SERVING]]
    watching[1].cancel()
