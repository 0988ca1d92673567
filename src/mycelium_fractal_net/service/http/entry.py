"""The ASGI entry: what comes is recorded, admitted and answered, or refused in the one shape of errors."""

from __future__ import annotations

from typing import Any

from uvicorn.protocols.utils import ClientDisconnected

from mycelium_fractal_net.service.core.call import Call
from mycelium_fractal_net.service.core.errors import ServiceError
from mycelium_fractal_net.service.core.record import CLIENT_GONE, RequestRecord
from mycelium_fractal_net.service.http.cors import Cors
from mycelium_fractal_net.service.http.head import call_of, check_head, header_table
from mycelium_fractal_net.service.http.problem import quota_headers, send_problem
from mycelium_fractal_net.service.http.routes import RouteTable, Target
from mycelium_fractal_net.service.http.sse import STREAM_PATH
from mycelium_fractal_net.service.http.ticket import show_ticket
from mycelium_fractal_net.service.http.websocket import WEBSOCKET_PATH, WebSocketDoor
from mycelium_fractal_net.service.services import Services

__all__ = ["Entry"]

_SAFE = ((b"cache-control", b"no-store"), (b"x-content-type-options", b"nosniff"))
"""What keeps answers out of caches, and browsers from guessing what they are."""


class Entry:
    """Stand around the application: nothing reaches it without being recorded and admitted.

    Parameters
    ----------
    app : ASGI application
        Takes lifespan events.
    routes : RouteTable
        Every path there is.
    services : Services
        Of this application.
    """

    def __init__(self, app: Any, routes: RouteTable, services: Services) -> None:
        self._app = app
        self._routes = routes
        self._services = services
        self._websockets = WebSocketDoor(services)
        self._answer = Cors(self._with_problems, services.settings.cors_origins)

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Take one connection, or the events of the application's life."""
        kind = scope["type"]
        if kind == "http":
            await self._http(scope, receive, send)
        elif kind == "lifespan":
            await self._app(scope, receive, send)
        elif kind == "websocket":
            await self._websocket(scope, receive, send)
        else:
            raise ServiceError("NOT_IMPLEMENTED", f"the service does not support connections of type {kind}")

    def open(self, scope: Any, receive: Any = None) -> RequestRecord:
        """Begin the record of a request, once."""
        record: RequestRecord | None = scope.get("mfn.record")
        if record is None:
            headers = scope["mfn.headers"] = header_table(scope["headers"])
            path = scope["path"]
            route = path if path == WEBSOCKET_PATH else self._routes.template(path)
            call = call_of(scope, receive, headers, route, self._services.addresses)
            record = scope["mfn.record"] = self._services.recorder.open(call)
        return record

    async def _http(self, scope: Any, receive: Any, send: Any) -> None:
        record = self.open(scope, receive)
        call = record.call

        async def reply(message: Any) -> None:
            if message["type"] == "http.response.start":
                record.status = message["status"]
                added = [(b"x-request-id", call.request_id.encode()), *quota_headers(call)]
                if record.traceparent is not None:
                    added.append((b"traceparent", record.traceparent.encode()))
                given = message.get("headers", ())
                added += [header for header in _SAFE if not any(name == header[0] for name, _ in given)]
                message["headers"] = [*given, *added]
            elif call.method == "HEAD":
                message["body"] = b""
            await send(message)

        try:
            if call.method == "OPTIONS":
                await self._services.admission.count_stray(call)
            await self._answer(scope, receive, reply)
        except ServiceError as error:  # of a preflight
            await send_problem(reply, record.fail(error), call.request_id)
        finally:
            record.close()

    async def _with_problems(self, scope: Any, receive: Any, send: Any) -> None:
        """Answer, with a problem if need be; whatever the error, the client gets an answer."""
        record: RequestRecord = scope["mfn.record"]
        try:
            await self._admitted(scope, receive, send)
        except Exception as error:
            problem = record.fail(error)
            if record.status:
                raise
            if problem.status == CLIENT_GONE:
                record.status = CLIENT_GONE
                return
            await send_problem(send, problem, record.call.request_id)

    async def _admitted(self, scope: Any, receive: Any, send: Any) -> None:
        record: RequestRecord = scope["mfn.record"]
        call = record.call
        refused = scope.get("mfn.refused")
        if refused is not None:
            raise refused
        check_head(scope, scope["mfn.headers"])
        target = await self._target(call)
        if call.path == STREAM_PATH:
            await show_ticket(scope, call, self._services)
        await self._services.admission.admit(call, target.access)
        if call.method == "HEAD":
            scope = {**scope, "method": "GET"}
        await target.app(scope, receive, send)

    async def _target(self, call: Call) -> Target:
        """Return what a call leads to; who asks for what is not there is counted."""
        try:
            return self._routes.target(call.path, call.method)
        except ServiceError:
            if call.method != "OPTIONS":
                await self._services.admission.count_stray(call)
            raise

    async def _websocket(self, scope: Any, receive: Any, send: Any) -> None:
        """Speak over a WebSocket, or refuse it before it is accepted."""
        record = self.open(scope)
        try:
            await receive()
            await self._websockets(scope, receive, send, record)
        except ClientDisconnected:  # there is nobody to tell
            record.status = record.status or CLIENT_GONE
        finally:
            record.close()
