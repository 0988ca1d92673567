"""``/stream/simulate``: a simulation as Server-Sent Events."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import aclosing
from functools import partial
from typing import Any
from urllib.parse import parse_qsl

from mycelium_fractal_net.service.core.access import Access
from mycelium_fractal_net.service.core.errors import ServiceError, problem_of
from mycelium_fractal_net.service.http.body import content_kind, parse_json, read_body
from mycelium_fractal_net.service.operations.stream_messages import Message, StreamStart, as_json
from mycelium_fractal_net.service.operations.streaming import Stream
from mycelium_fractal_net.service.services import Services

__all__ = ["STREAM_ACCESS", "STREAM_PATH", "EventStream"]

STREAM_PATH = "/stream/simulate"
"""Where events are had."""

STREAM_ACCESS = Access("simulate", "simulate")
"""What they ask of their reader."""

_LONGEST = 64 * 2**10
_HEADERS = [
    (b"content-type", b"text/event-stream"),
    (b"cache-control", b"no-store"),
    (b"x-accel-buffering", b"no"),  # nginx would hold events back to compress them
]
_RETRY = b"retry: 2000\n\n"
_OF_START = frozenset(StreamStart.model_fields) - {"config"}


class EventStream:
    """Answer with events until the run is complete.

    Parameters
    ----------
    services : Services
        Of this application.
    """

    def __init__(self, services: Services) -> None:
        self._services = services

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Serve one reader that was admitted."""
        headers, record = scope["mfn.headers"], scope["mfn.record"]
        if scope["method"] == "GET":
            members = _of_query(scope["query_string"].decode("latin-1"))
        else:
            content_kind(headers, arrays=False)
            with self._services.memory.hold() as held:
                members = parse_json(await read_body(receive, _LONGEST, held))
        start = StreamStart.model_validate(_resumed(members, headers))
        stream = Stream(start, record.call, self._services, partial(as_json, inline=True))
        if stream.is_known():
            await send({"type": "http.response.start", "status": 204, "headers": _HEADERS[1:]})
            await send({"type": "http.response.body", "body": b""})
            return
        await stream.check()
        watch = record.call.on_disconnect
        forget = None if watch is None else watch(stream.cancel)
        try:
            await self._serve(stream, record, send)
        finally:
            if forget is not None:
                forget()

    async def _serve(self, stream: Stream, record: Any, send: Any) -> None:
        begun = False
        try:
            async with aclosing(stream.batches()) as batches:
                async for batch in batches:
                    body = b"".join([_event(stream.name, message) for message in batch])
                    if not begun:
                        await send({"type": "http.response.start", "status": 200, "headers": _HEADERS})
                        begun, body = True, _RETRY + body
                    await send({"type": "http.response.body", "body": body, "more_body": True})
        except Exception as error:
            if not begun or problem_of(error).code == "CANCELLED":
                raise
            record.fail(error)
            await send(
                {"type": "http.response.body", "body": _event(stream.name, stream.error(error)), "more_body": True}
            )
        await send({"type": "http.response.body", "body": b"", "more_body": False})


def _event(stream: str, message: Message) -> bytes:
    r"""Write a message down.

    Examples
    --------
    >>> _event("s1", Message("frame", 3, b"{}"))
    b'id: s1:3\nevent: frame\ndata: {}\n\n'
    """
    if message.kind == "heartbeat":
        return b": heartbeat\n\n"
    identity = b"" if message.sequence is None else b"id: %s:%d\n" % (stream.encode(), message.sequence)
    return b"%sevent: %s\ndata: %s\n\n" % (identity, message.kind.encode(), message.text)


def _of_query(query: str) -> dict[str, Any]:
    """Return the members of a start; what is none of them is a parameter of the simulation."""
    members: dict[str, Any] = {}
    config: dict[str, Any] = {}
    for name, text in parse_qsl(query, keep_blank_values=True, max_num_fields=100):
        if name == "ticket":
            continue
        target = members if name in _OF_START or name == "last_event_id" else config
        if name in target:
            raise ServiceError("VALIDATION_ERROR", f"{name} occurs twice in the query string")
        target[name] = text.split(",") if name == "include" else _value(text)
    return {**members, "config": config}


def _value(text: str) -> Any:
    """Read a value as JSON has it, or as text."""
    try:
        return parse_json(text.encode())
    except ServiceError:
        return text


def _resumed(members: Any, headers: Mapping[bytes, bytes]) -> Any:
    """Add where to go on, as a browser that reconnects says it."""
    if not isinstance(members, dict):
        return members
    given = members.pop("last_event_id", None)
    last = headers.get(b"last-event-id", b"").decode("latin-1") or (str(given) if given is not None else "")
    if not last:
        return members
    stream, _, sequence = last.rpartition(":")
    if not (sequence.isascii() and sequence.isdigit() and len(sequence) < 10):
        raise ServiceError("VALIDATION_ERROR", "Last-Event-ID must be STREAM:SEQUENCE, the id of an event")
    return {**members, "stream": stream or members.get("stream", "s1"), "resume_after": int(sequence)}
