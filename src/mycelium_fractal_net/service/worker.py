"""``mfn worker``: jobs from a source, results to a sink, with the service's compute, logs, metrics and probes."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Any

from mycelium_fractal_net.errors import ConfigurationError
from mycelium_fractal_net.integrations.config import WorkerConfig
from mycelium_fractal_net.integrations.protocols import Publisher, Source
from mycelium_fractal_net.integrations.registry import make_publisher, make_source
from mycelium_fractal_net.integrations.secrets.references import SECRETS
from mycelium_fractal_net.integrations.store import EventStore
from mycelium_fractal_net.integrations.worker import Worker
from mycelium_fractal_net.service.core.record import Recorder
from mycelium_fractal_net.service.http.app import create_app
from mycelium_fractal_net.service.http.routes import PATHS
from mycelium_fractal_net.service.jobs import JobRunner
from mycelium_fractal_net.service.server import run_application
from mycelium_fractal_net.service.services import Services
from mycelium_fractal_net.service.settings import Settings
from mycelium_fractal_net.service.telemetry.logging import adopt_standard_logging, make_logger
from mycelium_fractal_net.service.telemetry.sink import Sink
from mycelium_fractal_net.service.telemetry.work import WorkMetrics

__all__ = ["PROBES", "serve_worker"]

PROBES: Mapping[tuple[str, str], str] = {
    target: name for target, name in PATHS.items() if name in {"health", "live", "ready", "metrics"}
}
"""What a worker answers at its own port."""

_LOOK_EVERY_S = 0.05


def serve_worker(settings: Settings, config: WorkerConfig, log_stream: Any = None) -> None:
    """Work until a signal ends it, or until a source that has an end has no more.

    Parameters
    ----------
    settings : Settings
        Threads, limits, logs and traces.
    config : WorkerConfig
        Source, sink, dead letters.
    log_stream : binary file, optional
        Where log lines go; standard output by default.

    Raises
    ------
    ConfigurationError
        When the configuration cannot be used.
    """
    _source(config)
    for options in (config.publisher, config.dead_letters):
        _publisher(options, settings)
    settings = settings.model_copy(update={"grpc_enabled": False})
    sink = Sink(sys.stdout.buffer if log_stream is None else log_stream)
    adopt_standard_logging(make_logger(settings, sink), settings.log_level)
    app = create_app(settings, log_stream=sink, paths=PROBES, companion=partial(_working, config))
    run_application(app, settings, sink)


def _source(config: WorkerConfig) -> Source:
    """Make the source with the secrets that are in force now."""
    return make_source(SECRETS.resolved(config.source))


def _publisher(options: Mapping[str, Any], settings: Settings) -> Publisher:
    """Make a publisher with the secrets that are in force now; in dev a webhook may go to this machine."""
    resolved = SECRETS.resolved(options)
    if resolved.get("kind") in {"webhook", "http"}:
        if resolved.get("dev") and settings.env != "dev":
            raise ConfigurationError(f"in {settings.env} a webhook must use https and a public address: leave out dev")
        resolved = {"dev": settings.env == "dev", **resolved}
    return make_publisher(resolved)


@asynccontextmanager
async def _working(config: WorkerConfig, services: Services) -> AsyncIterator[None]:
    """Run a worker beside an application; it ends before the application does."""
    metrics = WorkMetrics(services.metrics.registry, services.logger)
    recorder = Recorder(metrics, services.logger, services.tracing)
    worker = Worker(
        partial(_source, config),
        partial(_publisher, config.publisher, services.settings),
        partial(_publisher, config.dead_letters, services.settings),
        JobRunner(services, recorder, config.uri_prefixes),
        metrics,
        max_in_flight=config.max_in_flight,
        attempts=config.attempts,
        max_deliveries=config.max_deliveries,
    )
    metrics.watch(worker)
    if config.dead_letters.get("kind") == "store":
        services.metrics.watch_store(EventStore(Path(config.dead_letters["path"])))
    working = asyncio.create_task(_work(worker, services))
    looking = asyncio.create_task(_stop_in_time(worker, services))
    loop = asyncio.get_running_loop()

    def rotated() -> None:
        loop.call_soon_threadsafe(worker.reopen)

    SECRETS.subscribe(rotated, services.logger.warning)
    try:
        yield
    finally:
        SECRETS.unsubscribe(rotated)
        looking.cancel()
        worker.stop(services.settings.shutdown_seconds)
        await asyncio.gather(working, return_exceptions=True)


async def _work(worker: Worker, services: Services) -> None:
    try:
        await worker.run()
    except Exception as error:  # nobody waits for this task: what went wrong would never be told
        services.failure = f"the worker failed: {type(error).__name__}: {error}"
        services.logger.exception("the worker failed; exiting")
    else:
        services.finished = True


async def _stop_in_time(worker: Worker, services: Services) -> None:
    """Fetch nothing more as soon as the process is asked to end."""
    while not services.compute.draining:
        await asyncio.sleep(_LOOK_EVERY_S)
    worker.stop(services.settings.shutdown_seconds)
