"""Spans on their way out: over OTLP or to Zipkin, and what happens where nobody takes them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from mycelium_fractal_net.errors import MissingExtraError
from mycelium_fractal_net.service.settings import Settings

__all__ = ["Delivery", "make_exporter"]


class Delivery:
    """An exporter around another: its failures reach a counter and one log line, and do not hold up the end.

    Parameters
    ----------
    exporter : opentelemetry.sdk.trace.export.SpanExporter
        Sends spans.
    lost : callable
        Told how many spans could not be sent.
    complain : callable
        Called with a message when the collector goes away and when it is back.

    Notes
    -----
    All but ``hurry`` runs in the thread of the batch processor, away from requests.
    """

    def __init__(self, exporter: Any, lost: Callable[[int], object], complain: Callable[..., object]) -> None:
        self._exporter = exporter
        self._lost = lost
        self._complain = complain
        self._failing = False
        self._closing = False
        self._closed = False

    def export(self, spans: Sequence[Any]) -> Any:
        """Send spans, or count them as lost."""
        from opentelemetry.sdk.trace.export import SpanExportResult

        reason = "the service is shutting down" if self._failing and self._closing else self._send(spans)
        if reason is None:
            self._came_back()
            return SpanExportResult.SUCCESS
        self._lost(len(spans))
        self._went_away(reason)
        return SpanExportResult.FAILURE

    def _send(self, spans: Sequence[Any]) -> str | None:
        """Return why it failed, None where it did not."""
        try:
            result = self._exporter.export(spans)
        except Exception as error:  # noqa: BLE001 # whatever the client library raises, requests go on
            return type(error).__name__
        return None if result.name == "SUCCESS" else "refused, or no response"

    def _went_away(self, reason: str) -> None:
        if not self._failing:
            self._failing = True
            self._complain("spans cannot be sent to the collector and are lost", reason=reason)

    def _came_back(self) -> None:
        if self._failing:
            self._failing = False
            self._complain("spans are sent to the collector again")

    def hurry(self) -> None:
        """Try each batch once more at most; one that failed before is not waited for."""
        self._closing = True
        if self._failing:
            self.shutdown()

    def shutdown(self) -> None:
        """Let go of connections."""
        if not self._closed:
            self._closed = True
            self._exporter.shutdown()

    def force_flush(self, timeout_millis: int = 30000) -> bool:
        """Say that nothing is held back here."""
        return bool(self._exporter.force_flush(timeout_millis))


def make_exporter(settings: Settings) -> Any:
    """Make what sends spans.

    Raises
    ------
    MissingExtraError
        When the package that the chosen protocol needs is not installed.
    """
    return _zipkin(settings) if settings.tracing_exporter == "zipkin" else _otlp(settings)


def _otlp(settings: Settings) -> Any:
    try:
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
    except ImportError:
        raise MissingExtraError.for_extra("server", "opentelemetry-exporter-otlp-proto-http") from None
    base = settings.otlp_endpoint
    return OTLPSpanExporter(endpoint=f"{base.rstrip('/')}/v1/traces") if base else OTLPSpanExporter()


def _zipkin(settings: Settings) -> Any:
    try:
        from opentelemetry.exporter.zipkin.json import ZipkinExporter
    except ImportError:
        raise MissingExtraError.for_extra("zipkin", "opentelemetry-exporter-zipkin-json") from None
    return ZipkinExporter(endpoint=settings.zipkin_endpoint)
