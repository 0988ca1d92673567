"""Everything one application holds, made once by ``create_app``."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Awaitable, Callable
from contextlib import AbstractContextManager, nullcontext
from functools import partial
from typing import Any, TypeVar

from starlette.requests import Request

from mycelium_fractal_net.errors import ConfigurationError
from mycelium_fractal_net.service.core.admission import Guard
from mycelium_fractal_net.service.core.call import Exchange, exchange_of
from mycelium_fractal_net.service.core.compute import Compute, Departure, Work
from mycelium_fractal_net.service.core.errors import masked
from mycelium_fractal_net.service.core.keys import KeyRing
from mycelium_fractal_net.service.core.limits import RateLimiter
from mycelium_fractal_net.service.core.memory import MemoryBudget
from mycelium_fractal_net.service.settings import Settings, load_settings
from mycelium_fractal_net.service.telemetry.logging import Logger, make_logger
from mycelium_fractal_net.service.telemetry.metrics import Metrics
from mycelium_fractal_net.service.telemetry.tracing import make_tracing

__all__ = ["Services", "services_of"]

_LOOK_EVERY_S = 0.02

T = TypeVar("T")
Trace = Callable[..., AbstractContextManager[Any]]
"""``trace(name, **attributes)``: a span below the request's, or nothing where tracing is off."""


class Services:
    """Settings, keys, limits, compute, logs, metrics and traces of one application.

    Where ``at_once`` is set, from a signal's handler too, closing waits for no exporter. ``failure`` says why the
    service will never be ready.
    """

    def __init__(self, settings: Settings, log_stream: Any = None, span_exporter: Any = None) -> None:
        self.settings = settings
        self.began = time.monotonic()
        self.warm = True
        self.failure: str | None = None
        self.at_once = False
        self.logger: Logger = make_logger(settings, log_stream)
        self.metrics = Metrics(settings)
        self.tracing = make_tracing(settings, self.metrics.spans_lost, self.logger.warning, span_exporter)
        self.keys = KeyRing(settings, self.logger.warning)
        self.limiter = RateLimiter(settings, self.metrics.limiter_fell_back, self.logger.warning)
        self.guard = Guard(settings, self.keys, self.limiter)
        self.compute = Compute(
            settings.compute_threads, settings.compute_queue, self.metrics, settings.max_compute_seconds
        )
        self.memory = MemoryBudget(settings.max_memory_bytes, self.compute.retry_after_s)
        self.reading = Compute(1, settings.compute_queue, _Uncounted())
        self.logs_parameters = settings.log_level == "DEBUG"

    @property
    def ready(self) -> bool:
        """Whether new requests should come here."""
        return self.warm and self.compute.ready and not self.compute.draining

    @property
    def unready_because(self) -> str:
        """Why new requests should not come here."""
        if self.failure is not None:
            return self.failure
        if self.compute.draining:
            return "not ready: shutting down"
        if not self.compute.ready:
            return "not ready: there are no threads, or there is no memory, for computations"
        return "not ready: kernels are being compiled or loaded"

    def log_parameters(self, exchange: Exchange, content: Any) -> None:
        """Log what a request asks for, without secrets and without large arrays."""
        self.logger.debug("parameters", **exchange.facts(), parameters=masked(content))

    def trace(self, exchange: Exchange) -> Trace:
        """Return what opens a span below the request's."""
        tracing = self.tracing
        if tracing is None:
            return lambda _name, **_attributes: nullcontext()
        return lambda name, **attributes: tracing.within(exchange.span, name, **attributes)

    async def compute_for(self, request: Request, work: Work[T]) -> T:
        """Run a computation for a request; it stops when the client leaves."""
        waiting = None
        if self.tracing is not None:
            waiting = self.tracing.child(exchange_of(request.scope).span, "queue")

        started = waiting.end if waiting is not None else None
        try:
            return await self.compute.run(work, key=_who(request), departure=_departure(request), started=started)
        finally:
            if waiting is not None and waiting.is_recording():
                waiting.end()

    async def read_for(self, request: Request, work: Work[T]) -> T:
        """Read a long body, one at a time in a thread of its own; it stops when the client leaves."""
        return await self.reading.run(work, key=_who(request), departure=_departure(request))

    def reload(self) -> None:
        """Read keys and secrets again; those of before stay in force if they cannot be used."""
        try:
            keys = KeyRing(load_settings(env=self.settings.env), self.logger.warning)
        except ConfigurationError as error:
            self.logger.warning("the keys were not reloaded, those of before stay in force", reason=error.message)
        else:
            self.keys = self.guard.keys = keys
            self.logger.info("reloaded", keys=sum(keys.counts))

    async def close(self) -> None:
        """Let go of threads, connections and exporters."""
        self.reading.close()
        self.compute.close()
        await self.limiter.close()
        if self.tracing is None:
            return
        flush = threading.Thread(target=self.tracing.close, name="mfn-last-spans", daemon=True)
        flush.start()
        while flush.is_alive() and not self.at_once:
            await asyncio.sleep(_LOOK_EVERY_S)


class _Uncounted:
    """No gauges: the metrics speak of computations."""

    def watch(self, compute: Compute) -> None:
        """Ask nothing."""

    def cancelled(self) -> None:
        """Count nothing."""

    def refused(self) -> None:
        """Count nothing."""

    def waited(self, duration_s: float) -> None:
        """Observe nothing."""


def _departure(request: Request) -> Departure:
    """Return what tells that the client leaves: our own protocol's notice, or under another server a task that waits.

    The task takes two more turns of the event loop, each of which may have to wait for the GIL.
    """
    return request.scope.get("mfn.departure") or partial(_watch, request.receive)


def _watch(receive: Callable[[], Awaitable[Any]], tell: Callable[[], object]) -> Callable[[], object]:
    async def disconnected() -> None:
        while (await receive())["type"] != "http.disconnect":
            pass

    watcher = asyncio.ensure_future(disconnected())
    watcher.add_done_callback(lambda done: None if done.cancelled() else tell())
    return watcher.cancel


def _who(request: Request) -> str:
    """Return whose turn a computation takes: the key's, or the address's where there is none."""
    exchange = exchange_of(request.scope)
    return f"ip:{exchange.client_ip}" if exchange.key is None else f"key:{exchange.key.id}"


def services_of(scope: Any) -> Services:
    """Return what the application of a request holds."""
    found: Services = scope["app"].state.services
    return found
