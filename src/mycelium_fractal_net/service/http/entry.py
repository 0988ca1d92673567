"""The one middleware: request id, metrics, log line, trace, CORS, guard, and one shape for every error."""

from __future__ import annotations

from typing import Any

import orjson

from mycelium_fractal_net.service.core.access import RouteTable
from mycelium_fractal_net.service.core.admission import Guard
from mycelium_fractal_net.service.core.call import Exchange
from mycelium_fractal_net.service.core.errors import Problem, ServiceError, hidden_keys, problem_of
from mycelium_fractal_net.service.core.record import CLIENT_GONE, Journal
from mycelium_fractal_net.service.http.cors import Cors
from mycelium_fractal_net.service.http.head import check_head
from mycelium_fractal_net.service.telemetry.metrics import Metrics

__all__ = ["Gateway"]

_PROBLEM = (b"content-type", b"application/problem+json")


class Gateway:
    """Stand around the application.

    Notes
    -----
    One middleware instead of five: each further layer wraps ``send`` once more, and that is what costs.
    """

    def __init__(
        self,
        app: Any,
        *,
        routes: RouteTable,
        guard: Guard,
        cors: Cors,
        metrics: Metrics,
        journal: Journal,
    ) -> None:
        self._app = app
        self._routes = routes
        self._guard = guard
        self._cors = cors
        self._metrics = metrics
        self._journal = journal

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        exchange = self._journal.open(scope)
        gauge = self._metrics.open(exchange.route, exchange.method)
        gauge.inc()

        async def reply(message: Any) -> None:
            if message["type"] == "http.response.start":
                exchange.status = message["status"]
                message["headers"] = [*message.get("headers", ()), *exchange.added]
            elif exchange.method == "HEAD":
                message["body"] = b""
            await send(message)

        try:
            self._journal.begin_trace(exchange)
            await self._answer(exchange, scope, receive, reply)
        except Exception as error:  # noqa: BLE001 # the last stop: whatever it is, the client gets an answer
            await self._fail(exchange, error, reply)
        finally:
            gauge.dec()
            self._journal.close(exchange)

    async def _answer(self, exchange: Exchange, scope: Any, receive: Any, reply: Any) -> None:
        origin = exchange.headers.get(b"origin")
        if origin is not None:
            exchange.added += self._cors.headers(origin)
        if "mfn.refused" in scope:
            raise scope["mfn.refused"]
        if origin is not None and self._cors.is_preflight(exchange):
            await self._preflight(exchange, reply)
            return
        check_head(scope, exchange.headers)
        target = self._routes.target(exchange.path, exchange.method)
        await self._guard.check(exchange, target.access)
        if exchange.method == "HEAD":
            scope = {**scope, "method": "GET"}
        await (target.app or self._app)(scope, receive, reply)

    async def _preflight(self, exchange: Exchange, reply: Any) -> None:
        methods = list(self._routes.find(exchange.path) or ("GET", "POST"))
        headers = self._cors.preflight(exchange, methods)
        await reply({"type": "http.response.start", "status": 204, "headers": headers})
        await reply({"type": "http.response.body", "body": b""})

    async def _fail(self, exchange: Exchange, error: Exception, reply: Any) -> None:
        problem = exchange.problem = problem_of(error)
        if problem.status >= 500 and not isinstance(error, ServiceError):
            self._journal.fault(exchange, error)
        if exchange.status:
            raise error
        if problem.status == CLIENT_GONE:
            exchange.status = CLIENT_GONE
            return
        await self._send_problem(exchange, problem, reply)

    @staticmethod
    async def _send_problem(exchange: Exchange, problem: Problem, reply: Any) -> None:
        body = hidden_keys(orjson.dumps(problem.body(exchange.request_id)))
        headers = [_PROBLEM, (b"content-length", b"%d" % len(body))]
        headers += [(name.lower().encode(), value.encode("latin-1")) for name, value in problem.headers.items()]
        await reply({"type": "http.response.start", "status": problem.status, "headers": headers})
        await reply({"type": "http.response.body", "body": body})
