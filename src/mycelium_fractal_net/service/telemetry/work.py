"""What a worker and the outbox measure, in the registry of the application they run beside."""

from __future__ import annotations

from typing import Any

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

from mycelium_fractal_net.integrations.worker import Worker

__all__ = ["WorkMetrics"]

_DURATION_S = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300)
_WARNED = frozenset({"dead", "retried", "returned", "reconnecting", "unacknowledged"})
_MESSAGES = {
    "dead": "a job or event was moved to the dead letters",
    "retried": "a job or event will be tried again",
    "returned": "a job was returned to its source",
    "reconnecting": "reconnecting",
    "unacknowledged": "a finished job could not be acknowledged and will be delivered again",
}


class WorkMetrics:
    """Count what happens to jobs and events, and log what somebody should look at.

    Parameters
    ----------
    registry : CollectorRegistry
        Of the application.
    logger : structlog's
        Of the application.
    """

    def __init__(self, registry: CollectorRegistry, logger: Any) -> None:
        self._registry, self._logger = registry, logger
        self._received = Counter("mfn_worker_received", "Messages fetched.", registry=registry)
        self._published = Counter("mfn_events_published", "Events that a sink confirmed.", ("type",), registry=registry)
        self._dead = Counter(
            "mfn_events_dead", "Jobs and events moved to the dead letters.", ("code",), registry=registry
        )
        self._retried = Counter("mfn_events_retries", "Jobs and events tried again.", ("side",), registry=registry)
        self._jobs = Counter("mfn_worker_jobs", "Jobs computed.", ("operation", "status"), registry=registry)
        self._durations = Histogram(
            "mfn_worker_job_duration_seconds",
            "Time that a job took.",
            ("operation",),
            buckets=_DURATION_S,
            registry=registry,
        )
        self._open = Gauge("mfn_worker_jobs_in_progress", "Jobs being computed.", ("operation",), registry=registry)

    def watch(self, worker: Worker) -> None:
        """Ask a worker what is in flight, and whether it is connected, at every scrape."""
        in_flight = Gauge("mfn_worker_in_flight", "Jobs fetched and not acknowledged.", registry=self._registry)
        in_flight.set_function(lambda: worker.in_flight)
        connected = Gauge("mfn_worker_connected", "Whether the source is connected.", registry=self._registry)
        connected.set_function(lambda: worker.connected)

    def happened(self, what: str, **facts: Any) -> None:
        """Count, and log what is no everyday matter."""
        if what == "received":
            self._received.inc()
        elif what == "published":
            self._published.labels(facts["type"]).inc()
        elif what == "dead":
            self._dead.labels(facts.get("code") or "PUBLISH_REFUSED").inc()
        elif what in {"retried", "reconnecting"}:
            self._retried.labels(facts.get("side", "")).inc()
        if what in _WARNED:
            self._logger.warning(_MESSAGES[what], logger="mfn.worker", **facts)

    def open(self, endpoint: str, _method: str) -> Any:
        """Return the gauge of jobs in progress of an operation."""
        return self._open.labels(endpoint)

    def answered(self, endpoint: str, _method: str, status: int, duration_s: float) -> None:
        """Count a job that was computed."""
        self._jobs.labels(endpoint, str(status)).inc()
        self._durations.labels(endpoint).observe(duration_s)
