"""What is written down of every exchange, once: a log line, a count, the end of its span."""

from __future__ import annotations

from time import perf_counter
from typing import Any

from mycelium_fractal_net.service.core.access import RouteTable
from mycelium_fractal_net.service.core.admission import Guard
from mycelium_fractal_net.service.core.call import Exchange
from mycelium_fractal_net.service.core.errors import Problem, masked
from mycelium_fractal_net.service.telemetry.logging import Logger
from mycelium_fractal_net.service.telemetry.metrics import Metrics
from mycelium_fractal_net.service.telemetry.tracing import Tracing, trace_id_of

__all__ = ["CLIENT_GONE", "Journal"]

CLIENT_GONE = 499
"""Status of an exchange whose caller left before the answer."""


class Journal:
    """Open an exchange, and write down how it ended.

    Parameters
    ----------
    routes : RouteTable
        Finds the template of a path.
    guard : Guard
        Finds the client's address.
    metrics, logger, tracing
        Where it is written; without traces the last is None.
    """

    def __init__(
        self, *, routes: RouteTable, guard: Guard, metrics: Metrics, logger: Logger, tracing: Tracing | None
    ) -> None:
        self._routes = routes
        self._guard = guard
        self._metrics = metrics
        self._logger = logger
        self._tracing = tracing

    def open(self, scope: Any) -> Exchange:
        """Return the exchange of a request; the protocol has made it already if it refused the body."""
        found: Exchange | None = scope.get("mfn")
        if found is not None:
            return found
        exchange = Exchange(scope)
        scope["mfn"] = exchange
        exchange.client_ip = self._guard.address(exchange, scope)
        exchange.route = self._routes.template(exchange.path)
        return exchange

    def begin_trace(self, exchange: Exchange) -> None:
        """Find the caller's trace, and start the span of the request where there are spans."""
        parent = exchange.text_header(b"traceparent")
        if self._tracing is None:
            exchange.trace_id = trace_id_of(parent) if parent else None
            return
        span = exchange.span = self._tracing.request(exchange, parent)
        exchange.trace_id = format(span.get_span_context().trace_id, "032x")
        header = self._tracing.header(span)
        if header is not None:
            exchange.added.append((b"traceparent", header.encode()))

    def fault(self, exchange: Exchange, error: Exception) -> None:
        """Write down a fault of ours, with its stack."""
        self._logger.error("request failed", **exchange.facts(), exc_info=error)
        if exchange.span is not None and self._tracing is not None:
            self._tracing.failed(exchange.span, error)

    def close(self, exchange: Exchange) -> None:
        """Write down how an exchange ended."""
        if exchange.refused is not None:
            exchange.problem, exchange.status = exchange.refused, exchange.refused.status
        status = exchange.status or CLIENT_GONE
        duration_s = perf_counter() - exchange.begin
        self._metrics.answered(exchange.route, exchange.method, status, duration_s)
        facts = exchange.facts()
        if exchange.problem is not None:
            facts["code"] = exchange.problem.code
            facts["message"] = exchange.problem.message
            facts["details"] = exchange.problem.details
        self._logger.info("request", **facts, status=status, duration_ms=round(duration_s * 1e3, 3))
        if exchange.span is not None and self._tracing is not None:
            self._tracing.end_request(exchange.span, status)

    def refuse_head(self, scope: Any, problem: Problem) -> Exchange:
        """Write down a refusal of what never became a request, with what was read of it.

        Parameters
        ----------
        scope : mapping
            ``method``, ``path``, ``headers`` and ``client`` as far as they are known.
        problem : Problem
            What the client is told.
        """
        exchange = self.open(scope)
        exchange.path = masked(exchange.path)
        exchange.trace_id = trace_id_of(exchange.text_header(b"traceparent"))
        exchange.refused = problem
        self.close(exchange)
        return exchange
