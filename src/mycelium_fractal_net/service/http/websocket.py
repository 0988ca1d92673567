"""``/ws/simulate``: simulations as streams over a WebSocket, several on one connection."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from contextlib import aclosing
from typing import Any, get_args

import orjson
from pydantic import BaseModel, TypeAdapter, ValidationError

from mycelium_fractal_net.service.core.access import Access
from mycelium_fractal_net.service.core.call import Call
from mycelium_fractal_net.service.core.errors import CATALOGUE, Problem, ServiceError, problem_of
from mycelium_fractal_net.service.core.record import RequestRecord
from mycelium_fractal_net.service.core.redaction import hidden_keys
from mycelium_fractal_net.service.http.problem import problem_headers
from mycelium_fractal_net.service.http.ticket import show_ticket
from mycelium_fractal_net.service.operations.stream_messages import (
    CLIENT_MESSAGES,
    AckMessage,
    AuthMessage,
    ClientMessage,
    Message,
    PingMessage,
    SetMessage,
    StartMessage,
    SteerMessage,
)
from mycelium_fractal_net.service.operations.streaming import Stream
from mycelium_fractal_net.service.services import Services

__all__ = ["SUBPROTOCOL", "WEBSOCKET_PATH", "WebSocketDoor", "check_origin"]

WEBSOCKET_PATH = "/ws/simulate"
"""Where streams are spoken of."""

SUBPROTOCOL = "mfn.v1"
"""What is spoken there."""

_START = Access("simulate", "simulate")
_CONNECT = Access(None, "simulate")
_AUTH_S = 5.0
_MOST_STREAMS = 8
_MOST_FAULTS = 20


_MESSAGES: TypeAdapter[Any] = TypeAdapter(ClientMessage)
_BY_TYPE: Mapping[Any, type[BaseModel]] = {
    get_args(model.model_fields["type"].annotation)[0]: model for model in CLIENT_MESSAGES
}


def _read(text: str) -> Any:
    """Return the message that a text is; its faults are told as those of its own model."""
    try:
        return _MESSAGES.validate_json(text)
    except ValidationError as error:
        place = error.errors(include_url=False, include_input=False)[0]["loc"]
        model = _BY_TYPE.get(place[0]) if place else None
        if model is None:
            raise
        return model.model_validate_json(text)


class _Closed(Exception):  # noqa: N818 # the end of a conversation is no error
    """The connection ends, with a code."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(problem.message)
        self.problem = problem


class WebSocketDoor:
    """Serve one connection after another.

    Parameters
    ----------
    services : Services
        Of this application.
    """

    def __init__(self, services: Services) -> None:
        self._services = services

    async def __call__(self, scope: Any, receive: Any, send: Any, record: RequestRecord) -> None:
        """Check who asks before the handshake is answered, then speak."""
        call = record.call
        try:
            await self._check(scope, call)
        except ServiceError as error:
            problem = record.fail(error)
            record.status = problem.status
            await _deny(scope, send, problem, call.request_id)
            return
        offered = scope.get("subprotocols") or []
        await send({"type": "websocket.accept", "subprotocol": SUBPROTOCOL if SUBPROTOCOL in offered else None})
        record.status = 101
        await _Conversation(self._services, record, receive, send).run()

    async def _check(self, scope: Any, call: Call) -> None:
        """Refuse a handshake before it is answered; a key may still come in the first message."""
        if call.path != WEBSOCKET_PATH:
            raise ServiceError("NOT_FOUND", "there is no WebSocket at this path")
        check_origin(scope["mfn.headers"], self._services.settings.cors_origins)
        if self._services.compute.draining:
            raise ServiceError("SERVICE_UNAVAILABLE")
        if await show_ticket(scope, call, self._services) or call.token is not None:
            await self._services.admission.admit(call, _CONNECT)


def check_origin(headers: Mapping[bytes, bytes], origins: list[str]) -> None:
    """Refuse a page of another origin than this service's own and those that may call: its browser sends cookies along.

    Raises
    ------
    ServiceError
        INSUFFICIENT_SCOPE.

    Examples
    --------
    >>> check_origin({b"origin": b"https://a.example", b"host": b"a.example"}, [])
    >>> check_origin({b"origin": b"https://b.example", b"host": b"a.example"}, ["https://b.example"])
    """
    origin = headers.get(b"origin", b"").decode("latin-1")
    own = origin.partition("://")[2] == headers.get(b"host", b"").decode("latin-1")
    allowed = {one.rstrip("/") for one in origins}
    if origin and not own and origin not in allowed and "*" not in allowed:
        raise ServiceError("INSUFFICIENT_SCOPE", "this origin is not allowed; MFN_CORS_ORIGINS lists those that are")


async def _deny(scope: Any, send: Any, problem: Problem, request_id: str) -> None:
    """Answer the handshake with a problem, or where the server knows no such answer with its plain refusal."""
    if "websocket.http.response" not in scope.get("extensions", {}):
        await send({"type": "websocket.close", "code": CATALOGUE[problem.code].close, "reason": problem.message[:120]})
        return
    body = hidden_keys(orjson.dumps(problem.body(request_id)))
    media = [(b"content-type", b"application/problem+json"), (b"x-request-id", request_id.encode())]
    headers = [*media, *problem_headers(problem)]
    await send({"type": "websocket.http.response.start", "status": problem.status, "headers": headers})
    await send({"type": "websocket.http.response.body", "body": body})


class _Conversation:
    """One connection: what is read of it is done at once, what streams say is sent in turn."""

    def __init__(self, services: Services, record: RequestRecord, receive: Any, send: Any) -> None:
        self._services, self._record, self._receive, self._send_event = services, record, receive, send
        self._call = record.call
        self._sending = asyncio.Lock()
        self._streams: dict[str, tuple[Stream, asyncio.Task[None]]] = {}
        self._faults = 0

    async def run(self) -> None:
        """Speak until one side ends it."""
        try:
            if self._services.settings.api_key_required and self._call.key is None:
                await self._authenticate()
            while (text := await self._next()) is not None:
                await self._hear(text)
        except _Closed as end:
            await self._close(end.problem)
        finally:
            for stream, _ in self._streams.values():
                stream.cancel()
            tasks = [task for _, task in self._streams.values()]
            if tasks:
                await asyncio.wait(tasks)

    async def _authenticate(self) -> None:
        """Wait for the key in the first message."""
        try:
            text = await asyncio.wait_for(self._next(), _AUTH_S)
        except TimeoutError:
            raise _Closed(Problem.of_code("AUTHENTICATION_REQUIRED")) from None
        if text is None:
            return
        try:
            await self._admit(_read(text))
        except Exception as error:  # noqa: BLE001 # whatever it is, nobody was let in
            raise _Closed(self._record.fail(error)) from None

    async def _admit(self, message: Any) -> None:
        if not isinstance(message, AuthMessage):
            raise ServiceError("AUTHENTICATION_REQUIRED")
        self._call.token = message.key.encode("utf-8", "replace")
        self._call.key = None
        await self._services.admission.admit(self._call, _CONNECT)

    async def _next(self) -> str | None:
        """Return the next message, None when the client has left."""
        event = await self._receive()
        if event["type"] != "websocket.receive":
            return None
        text: str | None = event.get("text")
        if text is None:
            raise _Closed(Problem("BAD_REQUEST", "messages must be JSON in text frames"))
        return text

    async def _hear(self, text: str) -> None:
        """Do what a message asks for; what cannot be done is told, and too much of it ends the connection."""
        name = None
        try:
            message = _read(text)
            name = getattr(message, "stream", None)
            await self._do(message)
        except Exception as error:  # noqa: BLE001 # one stop for every error
            self._faults += 1
            problem = problem_of(error)
            if self._faults > _MOST_FAULTS:
                raise _Closed(problem) from None
            if problem.status >= 500 and not isinstance(error, ServiceError):
                self._record.fail(error)
            await self._say(type="error", stream=name, problem=problem.body(self._call.request_id), resume_after=None)

    async def _do(self, message: Any) -> None:
        if isinstance(message, PingMessage):
            await self._say(type="pong")
        elif isinstance(message, AuthMessage):
            await self._admit(message)
        elif isinstance(message, StartMessage):
            await self._start(message)
        else:
            self._control(message, self._stream(message.stream))

    @staticmethod
    def _control(message: Any, stream: Stream) -> None:
        if isinstance(message, AckMessage):
            stream.acknowledge(message.sequence)
        elif isinstance(message, SetMessage):
            stream.set(message.every, message.max_rate_hz, message.field)
        elif isinstance(message, SteerMessage):
            stream.steer(message.changes, message.stimuli)
        else:
            {"pause": stream.pause, "resume": stream.resume, "cancel": stream.cancel}[message.type]()

    def _stream(self, name: str) -> Stream:
        if name not in self._streams:
            raise ServiceError("NOT_FOUND", f"no stream {name!r} is open on this connection")
        return self._streams[name][0]

    async def _start(self, message: StartMessage) -> None:
        if message.stream in self._streams:
            raise ServiceError("VALIDATION_ERROR", f"a stream {message.stream!r} is already open on this connection")
        if len(self._streams) >= _MOST_STREAMS:
            raise ServiceError("RATE_LIMIT_EXCEEDED", f"a connection may hold at most {_MOST_STREAMS} streams")
        await self._services.admission.admit(self._call, _START)
        stream = Stream(message, self._call, self._services, acked=True)
        await stream.check()
        self._streams[stream.name] = stream, asyncio.create_task(self._serve(stream))

    async def _serve(self, stream: Stream) -> None:
        """Hand on what a stream says, within a span of its own."""
        try:
            with self._services.trace(self._record)("stream", stream=stream.name):
                async with aclosing(stream.batches()) as batches:
                    async for batch in batches:
                        for message in batch:
                            await self._send(message)
        except Exception as error:  # noqa: BLE001 # whatever it is, the reader is told
            if problem_of(error).status >= 500 and not isinstance(error, ServiceError):
                self._record.fail(error)
            await self._send(stream.error(error))
        finally:
            self._streams.pop(stream.name, None)

    async def _say(self, **members: Any) -> None:
        await self._send(Message(members["type"], None, orjson.dumps(members)))

    async def _send(self, message: Message) -> None:
        """Send a message and the bytes that belong to it; who has left hears nothing more."""
        async with self._sending:
            try:
                await self._send_event({"type": "websocket.send", "text": message.text.decode()})
                if message.binary is not None:
                    await self._send_event({"type": "websocket.send", "bytes": message.binary})
            except OSError:
                return

    async def _close(self, problem: Problem) -> None:
        code = CATALOGUE[problem.code].close
        reason = problem.message.encode()[:120].decode("utf-8", "ignore")
        await self._send_event({"type": "websocket.close", "code": code, "reason": reason})
