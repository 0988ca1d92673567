"""A stream over each transport, as one series of messages."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from typing import Any, NamedTuple

import grpc
import httpx
from google.protobuf import json_format
from websockets.exceptions import InvalidStatus
from websockets.sync.client import connect

from mycelium_fractal_net._proto import mfn_pb2
from tests.service.helpers import KEY
from tests.service.rpc.helpers import Caller, details_of

__all__ = ["TRANSPORTS", "Where", "watched"]


class Where(NamedTuple):
    """Where streams are had."""

    url: str
    grpc: str
    key: str = KEY


Messages = Iterator[dict[str, Any]]


@contextmanager
def _websocket(where: Where, start: Mapping[str, Any]) -> Iterator[Messages]:
    url = f"ws{where.url.removeprefix('http')}/ws/simulate"
    try:
        socket = connect(url, additional_headers={"X-API-Key": where.key}, open_timeout=60)
    except InvalidStatus as refused:
        yield iter([{"type": "error", "problem": json.loads(refused.response.body), "resume_after": None}])
        return

    def messages() -> Messages:
        last: dict[str, Any] = {"type": ""}
        while last["type"] not in {"completed", "error"}:
            content = socket.recv(timeout=300)
            if isinstance(content, str):
                last = json.loads(content)
                yield last

    with socket:
        socket.send(json.dumps({"type": "start", **start}))
        yield messages()


@contextmanager
def _events(where: Where, start: Mapping[str, Any]) -> Iterator[Messages]:
    def messages(answer: httpx.Response) -> Messages:
        if answer.status_code != 200:
            yield {"type": "error", "problem": json.loads(answer.read()), "resume_after": None}
            return
        for line in answer.iter_lines():
            if line.startswith("data: "):
                yield json.loads(line[6:])
            elif line == ": heartbeat":
                yield {"type": "heartbeat"}

    headers = {"X-API-Key": where.key}
    with httpx.stream("POST", f"{where.url}/stream/simulate", json=start, headers=headers, timeout=300) as answer:
        yield messages(answer)


@contextmanager
def _grpc(where: Where, start: Mapping[str, Any]) -> Iterator[Messages]:
    caller = Caller(where.grpc, (("x-api-key", where.key),))
    request = json_format.ParseDict(dict(start), mfn_pb2.SimulateRequest())
    call = caller.simulate(**{field.name: value for field, value in request.ListFields()})

    def messages() -> Messages:
        try:
            for event in call:
                kind = event.WhichOneof("event")
                yield {"type": kind} if kind == "heartbeat" else {"type": kind, "sequence": event.sequence}
        except grpc.RpcError as error:
            problem = details_of(error.trailing_metadata())["Problem"]
            told = json_format.MessageToDict(problem, preserving_proto_field_name=True)
            yield {"type": "error", "problem": told, "resume_after": told.get("resume_after")}

    try:
        yield messages()
    finally:
        call.cancel()
        caller.channel.close()


TRANSPORTS: Mapping[str, Callable[[Where, Mapping[str, Any]], Any]] = {
    "websocket": _websocket,
    "sse": _events,
    "grpc": _grpc,
}


@contextmanager
def watched(transport: str, where: Where, times: int = 1, **start: Any) -> Iterator[list[Messages]]:
    """Open a stream so many times over a transport."""
    with ExitStack() as stack:
        yield [stack.enter_context(TRANSPORTS[transport](where, start)) for _ in range(times)]
