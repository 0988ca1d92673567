"""What is written down of every call, once: a log line, a count, the end of its span."""

from __future__ import annotations

import re
from time import perf_counter
from typing import Any, Protocol

from mycelium_fractal_net.service.core.call import Call
from mycelium_fractal_net.service.core.errors import CATALOGUE, Problem, ServiceError, problem_of
from mycelium_fractal_net.service.core.sampling import Sampling

__all__ = ["CLIENT_GONE", "Counts", "Recorder", "RequestRecord", "Spans", "trace_id_of"]

CLIENT_GONE = CATALOGUE["CANCELLED"].status
"""Status of a call whose caller left before the answer."""

_STRAY = frozenset({404, 405})
_TOO_MANY = CATALOGUE["RATE_LIMIT_EXCEEDED"].status
_STRAYS_A_SECOND, _STRAYS_AT_ONCE = 10.0, 100

_TRACEPARENT = re.compile(r"(?!ff)([0-9a-f]{2})-(?!0{32})([0-9a-f]{32})-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}(-.*)?")


def trace_id_of(traceparent: str) -> str | None:
    """Return the trace id that a caller's ``traceparent`` names; a later version than 00 may say more after it.

    Examples
    --------
    >>> trace_id_of("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01")
    '0af7651916cd43dd8448eb211c80319c'
    """
    match = _TRACEPARENT.fullmatch(traceparent)
    return match[2] if match and (match[3] is None or match[1] != "00") else None


class Counts(Protocol):
    """Where calls are counted."""

    def open(self, endpoint: str, method: str) -> Any:
        """Return the gauge of calls in progress."""
        ...

    def answered(self, endpoint: str, method: str, status: int, duration_s: float) -> None:
        """Count an answer."""
        ...


class Spans(Protocol):
    """Where spans are made."""

    def request(self, call: Call) -> Any:
        """Start the span of a call."""
        ...

    def header(self, span: Any) -> str | None:
        """Return the ``traceparent`` of a span."""
        ...

    def failed(self, span: Any, error: BaseException) -> None:
        """Mark a span as failed."""
        ...

    def end_request(self, span: Any, status: int) -> None:
        """End the span of a call."""
        ...


class Recorder:
    """Open a record for each call.

    Parameters
    ----------
    counts : Counts
        Metrics.
    logger : structlog's
        Log lines.
    spans : Spans or None
        Traces; None where they are off.
    """

    def __init__(self, counts: Counts, logger: Any, spans: Spans | None) -> None:
        self.counts = counts
        self.logger = logger
        self.spans = spans
        self.strays = Sampling(_STRAYS_A_SECOND, _STRAYS_AT_ONCE)

    def open(self, call: Call) -> RequestRecord:
        """Begin to record a call; whoever does has to close the record."""
        return RequestRecord(self, call)


class RequestRecord:
    """What came of a call.

    Attributes
    ----------
    call : Call
        What was asked.
    status : int
        HTTP status of the answer, 0 before there is one.
    problem : Problem or None
        The error that was answered.
    span, trace_id, traceparent
        The call's trace; None where there is none.
    """

    __slots__ = ("_begin", "_gauge", "_recorder", "call", "problem", "span", "status", "trace_id", "traceparent")

    def __init__(self, recorder: Recorder, call: Call) -> None:
        self._begin = perf_counter()
        self._recorder = recorder
        self._gauge = recorder.counts.open(call.route, call.method)
        self._gauge.inc()
        self.call = call
        self.status = 0
        self.problem: Problem | None = None
        self.span: Any = None
        self.trace_id: str | None = None
        self.traceparent: str | None = None
        if recorder.spans is not None:
            self._begin_trace(recorder.spans)
        elif call.traceparent:
            self.trace_id = trace_id_of(call.traceparent)

    def _begin_trace(self, spans: Spans) -> None:
        """Start the call's span; a tracer that fails costs the span, not the call."""
        try:
            span = spans.request(self.call)
            self.trace_id = format(span.get_span_context().trace_id, "032x")
            self.traceparent = spans.header(span)
        except Exception:  # whatever the library raises, the call goes on
            self._recorder.logger.exception("could not create a span", **self.facts())
        else:
            self.span = span

    def facts(self) -> dict[str, Any]:
        """Return what every log line about this call tells."""
        call = self.call
        return {
            "request_id": call.request_id,
            "method": call.method or None,
            "path": call.path or None,
            "route": call.route,
            "client_ip": call.client_ip,
            "key_id": call.key.id if call.key is not None else None,
            "trace_id": self.trace_id,
        }

    def fail(self, error: BaseException) -> Problem:
        """Note an error, with its stack if the fault is ours; return what the caller is told."""
        problem = self.problem = problem_of(error)
        if problem.status >= 500 and not isinstance(error, ServiceError):
            self._recorder.logger.error("request failed", **self.facts(), exc_info=error)
            if self.span is not None and self._recorder.spans is not None:
                self._recorder.spans.failed(self.span, error)
        return problem

    def _is_stray(self, status: int) -> bool:
        """Tell whether anybody can have such lines written, as many as they like."""
        refused_unknown = status == _TOO_MANY and self.call.key is None
        return status in _STRAY or self.call.method == "OPTIONS" or refused_unknown

    def close(self) -> None:
        """Write down how the call ended: one line, one count, one span."""
        self._gauge.dec()
        status = self.status or (self.problem.status if self.problem is not None else CLIENT_GONE)
        duration_s = perf_counter() - self._begin
        self._recorder.counts.answered(self.call.route, self.call.method, status, duration_s)
        facts = self.facts()
        if self.problem is not None:
            facts |= {
                "code": self.problem.code,
                "message": self.problem.message,
                "details": list(self.problem.details),
            }
        strays, is_stray = self._recorder.strays, self._is_stray(status)
        if not is_stray or strays.passes():
            if is_stray and strays.left_out:
                facts["left_out"] = strays.left_out
            self._recorder.logger.info("request", **facts, status=status, duration_ms=round(duration_s * 1e3, 3))
        if self.span is not None and self._recorder.spans is not None:
            self._recorder.spans.end_request(self.span, status)
