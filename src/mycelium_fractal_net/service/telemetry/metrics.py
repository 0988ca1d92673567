"""Prometheus metrics of one application, in a registry of their own."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any, NamedTuple

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, Metric, ProcessCollector, generate_latest
from prometheus_client.core import CounterMetricFamily
from prometheus_client.registry import Collector

from mycelium_fractal_net._version import __version__
from mycelium_fractal_net.fields import SimulationConfig
from mycelium_fractal_net.integrations.secrets.references import SECRETS
from mycelium_fractal_net.integrations.store import EventStore, State
from mycelium_fractal_net.service.core.compute import Compute
from mycelium_fractal_net.service.core.streams import Streams
from mycelium_fractal_net.service.settings import Settings

__all__ = ["ErrorShare", "Metrics", "size_label"]

_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "WEBSOCKET", "GRPC"})
_LATENCY_S = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60)
_DURATION_S = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120)
_DIMENSIONS = (0.0, *(round(1.0 + 0.1 * k, 1) for k in range(11)))  # 0 is a field without an active cell
_SHAPE = ("grid_size", "steps")
_LARGEST = 1 << 24
_PROBES = frozenset({"/health/live", "/health/ready"})  # 503 is how an instance that starts or ends answers them


def size_label(value: int) -> str:
    """Return the least power of two from ``value`` on: a label that a client cannot multiply at will.

    Examples
    --------
    >>> size_label(64), size_label(65), size_label(10**12)
    ('64', '128', '16777216')
    """
    return str(min(_LARGEST, 1 << max(0, value - 1).bit_length()))


class ErrorShare:
    """Share of 5xx among the answers of the last minute, by the second."""

    def __init__(self) -> None:
        self._seconds = [0] * 60
        self._all = [0] * 60
        self._failed = [0] * 60

    def count(self, failed: bool) -> None:
        """Count an answer."""
        second = int(time.monotonic())
        slot = second % 60
        if self._seconds[slot] != second:
            self._seconds[slot], self._all[slot], self._failed[slot] = second, 0, 0
        self._all[slot] += 1
        self._failed[slot] += failed

    def value(self) -> float:
        """Return the share, 0 where there was no answer."""
        since = int(time.monotonic()) - 60
        fresh = [slot for slot, second in enumerate(self._seconds) if second > since]
        total = sum(self._all[slot] for slot in fresh)
        return sum(self._failed[slot] for slot in fresh) / total if total else 0.0


class _Answered(NamedTuple):
    count: Any
    duration: Any
    probe: bool


class _Simulated(NamedTuple):
    duration: Any
    growth_events: Any
    dimension: Any


class _CountedElsewhere(Collector):
    """A counter that asks for its value."""

    def __init__(self, name: str, text: str) -> None:
        self._name, self._text = name, text
        self.read: Callable[[], int] = int

    def collect(self) -> Iterator[Metric]:
        yield CounterMetricFamily(self._name, self._text, value=self.read())


class Metrics:
    """What the service measures.

    Parameters
    ----------
    settings : Settings
        Environment, compute threads and the length of their queue, which are told too.
    """

    def __init__(self, settings: Settings) -> None:
        registry = self.registry = CollectorRegistry()
        ProcessCollector(registry=registry)
        build = Gauge("mfn_build_info", "Always 1.", ("version", "env"), registry=registry)
        build.labels(__version__, settings.env).set(1)
        labels = ("endpoint", "method", "status")
        self._requests = Counter("mfn_http_requests", "Answers.", labels, registry=registry)
        self._durations = Histogram(
            "mfn_http_request_duration_seconds",
            "Time from the request to the last byte of the response.",
            labels,
            buckets=_LATENCY_S,
            registry=registry,
        )
        self._open = Gauge(
            "mfn_http_requests_in_progress", "Requests in progress.", ("endpoint", "method"), registry=registry
        )
        self._share = ErrorShare()
        Gauge(
            "mfn_http_error_rate",
            "Share of 5xx among the responses of the last minute, without probes.",
            registry=registry,
        ).set_function(self._share.value)
        self._answered: dict[tuple[str, str, int], _Answered] = {}
        self._opened: dict[tuple[str, str], Any] = {}
        self._simulated: dict[tuple[str, str], _Simulated] = {}
        self._add_simulation(registry)
        self._add_compute(registry, settings)
        self._add_streams(registry)
        self._add_losses(registry)

    def _add_simulation(self, registry: CollectorRegistry) -> None:
        self.fractal_dimension = Histogram(
            "mfn_fractal_dimension", "Box-counting dimension.", _SHAPE, buckets=_DIMENSIONS, registry=registry
        )
        self.growth_events = Counter("mfn_growth_events", "Growth events.", _SHAPE, registry=registry)
        self.simulation_duration = Histogram(
            "mfn_simulation_duration_seconds",
            "Time that the engine took.",
            _SHAPE,
            buckets=_DURATION_S,
            registry=registry,
        )
        self.lyapunov = Gauge(
            "mfn_lyapunov_exponent", "Last Lyapunov exponent measured, per step.", _SHAPE, registry=registry
        )
        checks = Counter("mfn_validations", "Self-checks of POST /validate.", ("result",), registry=registry)
        self._validations = {passed: checks.labels("passed" if passed else "failed") for passed in (True, False)}

    def _add_compute(self, registry: CollectorRegistry, settings: Settings) -> None:
        Gauge("mfn_compute_threads", "Number of compute threads.", registry=registry).set(settings.compute_threads)
        Gauge("mfn_compute_queue_limit", "Computations that may wait for a thread.", registry=registry).set(
            settings.compute_queue
        )
        self._depth = Gauge("mfn_compute_queue_depth", "Computations that wait for a thread.", registry=registry)
        self._waits = Histogram(
            "mfn_compute_queue_wait_seconds",
            "Time that a computation waited for a thread.",
            buckets=_LATENCY_S,
            registry=registry,
        )
        self._busy = Gauge("mfn_compute_threads_busy", "Compute threads in use.", registry=registry)
        self._cancelled = Counter(
            "mfn_compute_cancelled", "Computations stopped because the client disconnected.", registry=registry
        )
        self._refused = Counter(
            "mfn_compute_refused", "Computations refused because the queue was full.", registry=registry
        )

    def _add_streams(self, registry: CollectorRegistry) -> None:
        self._stream_frames = Counter("mfn_stream_frames", "Frames sent in streams.", ("door",), registry=registry)
        self._stream_bytes = Counter("mfn_stream_bytes", "Bytes sent in streams.", ("door",), registry=registry)
        self._streams_ended = Counter(
            "mfn_streams_ended", "Streams that ended, by code.", ("door", "reason"), registry=registry
        )

    def _add_losses(self, registry: CollectorRegistry) -> None:
        self._fallbacks = Counter(
            "mfn_rate_limiter_fallbacks", "Requests counted locally because Redis did not respond.", registry=registry
        )
        Gauge(
            "mfn_secret_age_seconds", "Age of the value of the secret that was read the longest ago.", registry=registry
        ).set_function(SECRETS.oldest_age_s)
        Gauge("mfn_secret_failures", "Secrets that could not be read.", registry=registry).set_function(
            lambda: SECRETS.failures
        )
        self._store: EventStore | None = None
        what: tuple[tuple[State, str, str], ...] = (
            ("pending", "mfn_outbox_pending", "wait to be published"),
            ("dead", "mfn_dead_letters", "failed for good and need attention"),
        )
        for state, name, text in what:
            Gauge(name, f"Events that {text}.", registry=registry).set_function(partial(self._stored, state))
            Gauge(
                f"{name}_oldest_seconds", f"Age of the oldest event of those that {text}.", registry=registry
            ).set_function(partial(self._oldest, state))
        self._lines_lost = _CountedElsewhere(
            "mfn_log_lines_dropped", "Log lines dropped because their reader was too slow."
        )
        registry.register(self._lines_lost)
        self._spans_lost = Counter(
            "mfn_trace_spans_lost", "Spans that could not be sent to the collector.", registry=registry
        )

    def watch_store(self, store: EventStore | None) -> None:
        """Ask a store what waits and what is dead, at every scrape, or no longer."""
        self._store = store

    def _stored(self, state: State) -> int:
        return 0 if self._store is None else self._store.count(state)

    def _oldest(self, state: State) -> float:
        return 0.0 if self._store is None else self._store.oldest_age_s(state)

    def open(self, endpoint: str, method: str) -> Any:
        """Return the gauge of requests in progress for an endpoint and a method."""
        key = (endpoint, method)
        gauge = self._opened.get(key)
        if gauge is None:
            known = method if method in _METHODS else "OTHER"
            gauge = self._open.labels(endpoint, known)
            if known == method:
                self._opened[key] = gauge
        return gauge

    def answered(self, endpoint: str, method: str, status: int, duration_s: float) -> None:
        """Count an answer."""
        key = (endpoint, method, status)
        children = self._answered.get(key)
        if children is None:
            known = method if method in _METHODS else "OTHER"
            labels = (endpoint, known, str(status))
            children = _Answered(self._requests.labels(*labels), self._durations.labels(*labels), endpoint in _PROBES)
            if known == method:
                self._answered[key] = children
        children.count.inc()
        children.duration.observe(duration_s)
        if not children.probe:
            self._share.count(status >= 500)

    def simulated(
        self, config: SimulationConfig, duration_s: float, growth_events: int, dimension: float, exponent: float | None
    ) -> None:
        """Record the results of a simulation; called in the thread that computed them."""
        labels = (size_label(config.grid_size), size_label(config.steps))
        children = self._simulated.get(labels)
        if children is None:
            families = (self.simulation_duration, self.growth_events, self.fractal_dimension)
            children = self._simulated[labels] = _Simulated(*(family.labels(*labels) for family in families))
        children.duration.observe(duration_s)
        children.growth_events.inc(growth_events)
        children.dimension.observe(dimension)
        if exponent is not None:
            self.lyapunov.labels(*labels).set(exponent)

    def validated(self, passed: bool) -> None:
        """Count a self-check."""
        self._validations[passed].inc()

    def watch(self, compute: Compute) -> None:
        """Ask the compute threads how many wait and how many run, at every scrape."""
        self._depth.set_function(lambda: compute.waiting)
        self._busy.set_function(lambda: compute.running)

    def watch_streams(self, streams: Streams) -> None:
        """Ask how many streams are open, and how many frames wait to be acknowledged, at every scrape."""
        registry = self.registry
        Gauge("mfn_streams_open", "Open streams.", registry=registry).set_function(lambda: streams.open)
        Gauge("mfn_streams_most", "Streams that may be open (MFN_STREAMS).", registry=registry).set(streams.most)
        Gauge("mfn_stream_acks_outstanding", "Frames not yet acknowledged.", registry=registry).set_function(
            lambda: streams.outstanding
        )

    def streamed(self, door: str, frames: int, size: int) -> None:
        """Count frames of a stream, and the bytes of its messages."""
        self._stream_frames.labels(door).inc(frames)
        self._stream_bytes.labels(door).inc(size)

    def stream_ended(self, door: str, reason: str) -> None:
        """Count a stream that has ended, by a code of the catalogue or COMPLETED."""
        self._streams_ended.labels(door, reason).inc()

    def watch_log(self, dropped: Callable[[], int]) -> None:
        """Ask how many log lines were dropped, at every scrape: a signal's handler that logs could wait for a lock."""
        self._lines_lost.read = dropped

    def waited(self, duration_s: float) -> None:
        """Record how long a computation waited for a thread; called in that thread."""
        self._waits.observe(duration_s)

    def cancelled(self) -> None:
        """Count a computation whose caller left."""
        self._cancelled.inc()

    def refused(self) -> None:
        """Count a computation that found the queue full."""
        self._refused.inc()

    def limiter_fell_back(self) -> None:
        """Count a request that was limited locally."""
        self._fallbacks.inc()

    def spans_lost(self, count: int) -> None:
        """Count spans that could not be delivered; called from the exporter's thread."""
        self._spans_lost.inc(count)

    def text(self) -> bytes:
        """Return all metrics in Prometheus's text format."""
        return generate_latest(self.registry)
