"""Traces; where tracing is off OpenTelemetry's SDK and exporters are not imported, and no span is made.

Its API is there all the same: FastAPI imports it.
"""

from __future__ import annotations

import os
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, cast

from mycelium_fractal_net._version import __version__
from mycelium_fractal_net.errors import ConfigurationError, MFNError
from mycelium_fractal_net.service.core.call import Call
from mycelium_fractal_net.service.core.redaction import redaction
from mycelium_fractal_net.service.settings import Settings
from mycelium_fractal_net.service.telemetry.delivery import Delivery, make_exporter

__all__ = ["Tracing", "make_tracing"]


class Tracing:
    """The tracer of one application.

    Parameters
    ----------
    settings : Settings
        Environment.
    delivery : Delivery
        Where spans go; no secret goes with them, see :func:`redaction`.
    """

    def __init__(self, settings: Settings, delivery: Delivery) -> None:
        from opentelemetry.sdk.resources import Resource
        from opentelemetry.sdk.trace import TracerProvider
        from opentelemetry.sdk.trace.export import BatchSpanProcessor
        from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

        resource = Resource.create(
            {
                "service.name": "mycelium-fractal-net",
                "service.version": __version__,
                "deployment.environment.name": settings.env,
            }
        )
        self._provider = TracerProvider(resource=resource, shutdown_on_exit=False)
        self._delivery = delivery
        self._redact = redaction(settings)
        self._provider.add_span_processor(BatchSpanProcessor(cast("Any", delivery)))
        self._tracer = self._provider.get_tracer("mycelium_fractal_net.service", __version__)
        self._propagator = TraceContextTextMapPropagator()

    def request(self, call: Call) -> Any:
        """Start the span of a call, below the one that its ``traceparent`` names."""
        from opentelemetry.trace import SpanKind

        carrier = {"traceparent": call.traceparent, "tracestate": self._redact(call.tracestate)}
        attributes = {
            "http.request.method": call.method,
            "http.route": call.route,
            "mfn.request_id": self._redact(call.request_id),
        }
        name, context = f"{call.method} {call.route}", self._propagator.extract(carrier)
        return self._tracer.start_span(name, context=context, kind=SpanKind.SERVER, attributes=attributes)

    def child(self, parent: Any, name: str, **attributes: Any) -> Any:
        """Start a span below another; the caller ends it."""
        from opentelemetry.trace import set_span_in_context

        return self._tracer.start_span(name, context=set_span_in_context(parent), attributes=attributes)

    @contextmanager
    def within(self, parent: Any, name: str, **attributes: Any) -> Iterator[Any]:
        """Hold a span below another open; an error in it is written down."""
        span = self.child(parent, name, **attributes)
        try:
            yield span
        except BaseException as error:
            self.failed(span, error)
            raise
        finally:
            span.end()

    def failed(self, span: Any, error: BaseException) -> None:
        """Mark a span as failed."""
        from opentelemetry.trace import StatusCode

        stack = "".join(traceback.format_exception(error))
        told = {"exception.message": self._redact(str(error)), "exception.stacktrace": self._redact(stack)}
        span.record_exception(error, attributes=told)
        span.set_status(StatusCode.ERROR)

    @staticmethod
    def end_request(span: Any, status: int) -> None:
        """End the span of a request."""
        from opentelemetry.trace import StatusCode

        span.set_attribute("http.response.status_code", status)
        if status >= 500:
            span.set_status(StatusCode.ERROR)
        span.end()

    def header(self, span: Any) -> str | None:
        """Return the ``traceparent`` of a span, None where it has no valid id to tell."""
        from opentelemetry.trace import set_span_in_context

        carrier: dict[str, str] = {}
        self._propagator.inject(carrier, set_span_in_context(span))
        return carrier.get("traceparent")

    def close(self) -> None:
        """Send what is left, if somebody takes it."""
        self._delivery.hurry()
        self._provider.shutdown()


def make_tracing(
    settings: Settings,
    lost: Callable[[int], object],
    complain: Callable[..., object],
    exporter: Any = None,
) -> Tracing | None:
    """Make the tracer, or None where tracing is off.

    Parameters
    ----------
    settings : Settings
        Whether there are traces, and where they go.
    lost, complain : callable
        See :class:`Delivery`.
    exporter : SpanExporter, optional
        Where spans go in place of the collector.

    Raises
    ------
    ConfigurationError
        When OpenTelemetry cannot use the values of its own variables.
    """
    if not settings.tracing_enabled or os.environ.get("OTEL_SDK_DISABLED", "").strip().lower() == "true":
        return None
    try:
        return Tracing(settings, Delivery(exporter or make_exporter(settings), lost, complain))
    except MFNError:
        raise
    except Exception as error:
        names = ", ".join(sorted(name for name in os.environ if name.startswith("OTEL_"))) or "none"
        message = f"OpenTelemetry rejects its settings: {redaction(settings)(str(error))}; variables set: {names}"
        raise ConfigurationError(message) from error
