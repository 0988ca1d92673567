"""Callers of every door, who ask again and again and tell an answer from a loss."""

from __future__ import annotations

import json
import shutil
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any, NamedTuple

import grpc
import httpx
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import connect

from mycelium_fractal_net._proto import mfn_pb2
from tests.service.helpers import AUTH, ION, Server
from tests.service.rpc.helpers import DETAILS, Caller

__all__ = ["ASKERS", "Tally", "ask_on"]

CONFIG: dict[str, Any] = {"grid_size": 16, "steps": 8}
CLIP = {"config": CONFIG, "frames": 2}
ENDS = {"completed", "error"}

Ask = Callable[[], bool]
"""Asks once; tells whether an answer came, be it a refusal, or the connection was cut; raises Over at the end."""


class OverError(Exception):
    """Nobody listens any more: nothing was asked, and nothing is lost."""


class Tally(NamedTuple):
    """What became of the requests of a caller."""

    answered: int
    lost: list[str]


@contextmanager
def _http(server: Server, path: str, body: dict[str, Any], last: set[str] | None = None) -> Iterator[Ask]:
    """Ask over HTTP/1.1; an answer of events is whole if one of the last ones ends it."""

    def ask() -> bool:
        try:
            answer = client.post(path, json=body)
        except httpx.ConnectError:
            raise OverError from None
        if answer.status_code == 503:
            return True
        answer.raise_for_status()
        return last is None or any(f"\nevent: {name}\n" in answer.text for name in last)

    with httpx.Client(base_url=server.url, headers=AUTH, timeout=120) as client:
        yield ask


@contextmanager
def _websocket(server: Server, _place: str) -> Iterator[Ask]:
    def ask() -> bool:
        try:
            with connect(f"ws{server.url[4:]}/ws/simulate", additional_headers=AUTH, compression=None) as socket:
                socket.send(json.dumps({"type": "start", "config": CONFIG, "every": 8}))
                return any(json.loads(text)["type"] in ENDS for text in socket)
        except InvalidStatus as refused:
            return refused.response.status_code == 503
        except ConnectionClosed as closed:
            return closed.rcvd is not None
        except ConnectionRefusedError:
            raise OverError from None

    yield ask


@contextmanager
def _grpc(place: str, call: Callable[[Caller], object]) -> Iterator[Ask]:
    """Ask over gRPC; what the service refuses has details, what has no connection was never asked."""

    def ask() -> bool:
        try:
            call(caller)
        except grpc.RpcError as error:
            trailing = dict(error.trailing_metadata() or ())
            if DETAILS in trailing:
                time.sleep(float(trailing.get("retry-after", 0)))
                return True
            if "onnect" in error.details():
                raise OverError from None
            raise
        return True

    caller = Caller(place)
    with caller.channel:
        yield ask


def _nernst(caller: Caller) -> object:
    request = mfn_pb2.NernstRequest(concentration_out_molar=0.005, concentration_in_molar=0.14)
    return caller.unary("Nernst", request, mfn_pb2.NernstResponse)


def _simulated(caller: Caller) -> object:
    *_, last = caller.simulate(config=CONFIG, every=8)
    assert last.WhichOneof("event") == "completed"
    return last


ASKERS: list[tuple[str, Callable[[Server, str], Any]]] = [
    *4 * [("REST", lambda server, _: _http(server, "/nernst", ION))],
    ("SSE", lambda server, _: _http(server, "/stream/simulate", {"config": CONFIG, "every": 8}, ENDS)),
    ("WebSocket", _websocket),
    *2 * [("gRPC", lambda _, place: _grpc(place, _nernst))],
    ("gRPC stream", lambda _, place: _grpc(place, _simulated)),
    *([("clip", lambda server, _: _http(server, "/clip", CLIP))] if shutil.which("ffmpeg") else []),
]
"""Who asks, and at which door."""


def ask_on(
    make: Callable[[Server, str], Any], server: Server, place: str, asked: threading.Semaphore, over: threading.Event
) -> Tally:
    """Ask until nobody listens any more."""
    answered, lost = 0, []
    with ExitStack() as stack:
        ask: Ask = stack.enter_context(make(server, place))
        while not over.is_set():
            try:
                if ask():
                    answered += 1
                else:
                    lost.append("cut short")
            except OverError:
                break
            except Exception as error:  # noqa: BLE001 # whatever a client says of a connection that was cut
                lost.append(repr(error))
            asked.release()
    return Tally(answered, lost)
