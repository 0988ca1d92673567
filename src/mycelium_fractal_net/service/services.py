"""Everything one application holds, made once by ``create_app``."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, nullcontext
from typing import Any, TypeVar

from mycelium_fractal_net.errors import ConfigurationError
from mycelium_fractal_net.integrations.protocols import SecretUnavailableError
from mycelium_fractal_net.integrations.secrets.references import SECRETS
from mycelium_fractal_net.service.core.addresses import Addresses
from mycelium_fractal_net.service.core.admission import Admission
from mycelium_fractal_net.service.core.call import Call
from mycelium_fractal_net.service.core.compilation import COST as COMPILATION_COST
from mycelium_fractal_net.service.core.compilation import Kernels, Needed
from mycelium_fractal_net.service.core.compute import Compute, OnDisconnect, Work
from mycelium_fractal_net.service.core.errors import ServiceError
from mycelium_fractal_net.service.core.keys import KeyRing
from mycelium_fractal_net.service.core.limits import RateLimiter
from mycelium_fractal_net.service.core.memory import MemoryBudget
from mycelium_fractal_net.service.core.record import Recorder, RequestRecord
from mycelium_fractal_net.service.core.streams import Streams
from mycelium_fractal_net.service.core.tickets import Tickets
from mycelium_fractal_net.service.settings import Settings, load_settings
from mycelium_fractal_net.service.telemetry.logging import Logger, make_logger
from mycelium_fractal_net.service.telemetry.metrics import Metrics
from mycelium_fractal_net.service.telemetry.tracing import make_tracing

__all__ = ["Services", "Trace"]

_LOOK_EVERY_S = 0.02
_NEVER_BEGUN = frozenset({"QUEUE_FULL", "SERVICE_UNAVAILABLE"})

T = TypeVar("T")
Trace = Callable[..., AbstractContextManager[Any]]
"""``trace(name, **attributes)``: a span below the call's, or nothing where tracing is off."""


class Services:
    """Settings, keys, limits, compute, logs, metrics and traces of one application.

    Where ``at_once`` is set, from a signal's handler too, closing waits for no exporter. ``failure`` says why the
    service will never be ready; ``finished`` that it has nothing left to do, and ends.
    """

    def __init__(self, settings: Settings, log_stream: Any = None, span_exporter: Any = None) -> None:
        self.settings = settings
        self.began = time.monotonic()
        self.warm = True
        self.failure: str | None = None
        self.at_once = self.finished = False
        self.outbox: Any = None
        self.logger: Logger = make_logger(settings, log_stream)
        self.metrics = Metrics(settings)
        self.tracing = make_tracing(settings, self.metrics.spans_lost, self.logger.warning, span_exporter)
        self.recorder = Recorder(self.metrics, self.logger, self.tracing)
        self.keys = KeyRing(settings, self.logger.warning)
        self.limiter = RateLimiter(settings, self.metrics.limiter_fell_back, self.logger.warning)
        self.addresses = Addresses(settings.trusted_proxies)
        self.admission = Admission(settings, self.keys, self.limiter)
        self.compute = Compute(
            settings.compute_threads, settings.compute_queue, self.metrics, settings.max_compute_seconds
        )
        self.kernels = Kernels()
        self.memory = MemoryBudget(settings.max_memory_bytes, self.compute.retry_after_s)
        self.streams = Streams(settings.streams)
        self.tickets = Tickets(lambda: self.keys, self._once, settings.stream_seconds)
        self.metrics.watch_streams(self.streams)
        self._counted_in = settings.rate_limit_storage_url
        self._left: list[RateLimiter] = []
        self._reading = ThreadPoolExecutor(1, thread_name_prefix="mfn-reading")
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
            return "not ready: no threads or no memory for computations"
        return "not ready: kernels are being compiled or loaded"

    def trace(self, record: RequestRecord) -> Trace:
        """Return what opens a span below the call's."""
        tracing = self.tracing
        if tracing is None or record.span is None:
            return lambda _name, **_attributes: nullcontext()
        return lambda name, **attributes: tracing.within(record.span, name, **attributes)

    async def compute_for(self, record: RequestRecord, work: Work[T], cost: int = 0, kind: str = "") -> T:
        """Run a computation for a call, on its key's account; it stops when the caller leaves.

        Raises
        ------
        ServiceError
            RATE_LIMIT_EXCEEDED when the key has asked for too much in the last minute, and what :meth:`Compute.run`
            raises; what was never computed costs nothing.
        """
        await self.charge(record.call, cost)
        try:
            return await self._computed(record, work, cost, kind)
        except ServiceError as refusal:
            if refusal.refusal in _NEVER_BEGUN:
                await self.charge(record.call, -cost)
            raise

    async def compiled_for(self, call: Call, config: Needed, on_disconnect: OnDisconnect | None = None) -> None:
        """Wait until kernels are compiled, on the account of the key that needs them first.

        Raises
        ------
        ServiceError
            RATE_LIMIT_EXCEEDED when the key has asked for too much in the last minute, CANCELLED when the caller left,
            SERVICE_UNAVAILABLE where no process can be started.
        """
        if not self.kernels.missing(config):
            return
        if self.kernels.would_begin(config):
            await self.charge(call, COMPILATION_COST)
        waiting = asyncio.ensure_future(self.kernels.ready(config))
        on_disconnect = on_disconnect or call.on_disconnect
        forget = None if on_disconnect is None else on_disconnect(waiting.cancel)
        try:
            await asyncio.wait((waiting,))
            if waiting.cancelled():
                raise ServiceError("CANCELLED")
            waiting.result()
        finally:
            waiting.cancel()
            if forget is not None:
                forget()

    async def _once(self, name: str) -> bool:
        return await self.limiter.once(name)  # of now: a reload may have moved it

    async def charge(self, call: Call, cost: int) -> None:
        """Charge a caller cell steps.

        Raises
        ------
        ServiceError
            RATE_LIMIT_EXCEEDED when too many were asked for in the last minute.
        """
        if not cost or not self.settings.rate_limit_enabled:
            return
        verdict = await self.limiter.charge(call.who, cost)
        if not verdict.passed:
            raise ServiceError(
                "RATE_LIMIT_EXCEEDED",
                f"this takes {cost:,} cell steps, and {verdict.remaining:,} of {verdict.limit:,} a minute are left "
                f"(MFN_COST_LIMIT); try again in {verdict.reset_s} s",
                retry_after_s=verdict.reset_s,
            )

    async def _computed(self, record: RequestRecord, work: Work[T], cost: int, kind: str) -> T:
        waiting = None if self.tracing is None or record.span is None else self.tracing.child(record.span, "queue")
        started = None if waiting is None else waiting.end
        try:
            return await self.compute.run(
                work,
                key=record.call.who,
                cost=cost,
                kind=kind,
                on_disconnect=record.call.on_disconnect,
                started=started,
            )
        finally:
            if waiting is not None and waiting.is_recording():
                waiting.end()

    async def read_aside(self, read: Callable[[], T]) -> T:
        """Read a long body in a thread of its own, one at a time: the event loop goes on meanwhile."""
        return await asyncio.get_running_loop().run_in_executor(self._reading, read)

    def follow_secrets(self) -> None:
        """Read keys and secrets again whenever one has changed that the settings name by reference."""
        if SECRETS.texts:
            SECRETS.subscribe(self._rotate, self.logger.warning)

    def _rotate(self) -> None:
        self.reload(self.settings.secret_grace_seconds)

    def reload(self, grace_s: float = 0.0) -> None:
        """Read keys and secrets again; those of before stay in force if they cannot be used, or for the grace."""
        try:
            settings = load_settings(env=self.settings.env)
            keys = KeyRing(settings, self.logger.warning)
            if grace_s:
                keys.succeed(self.keys, grace_s)
            self._move_limiter(settings)
        except (ConfigurationError, SecretUnavailableError) as error:
            self.logger.warning("keys were not reloaded; the previous ones stay in force", reason=error.message)
        else:
            self.keys = self.admission.keys = keys
            self.logger.info("reloaded", keys=sum(keys.counts))

    def _move_limiter(self, settings: Settings) -> None:
        """Count in another Redis, or with other credentials, from now on."""
        if settings.rate_limit_storage_url != self._counted_in:
            self._counted_in = settings.rate_limit_storage_url
            moved = self.settings.model_copy(update={"rate_limit_storage_url": self._counted_in})
            self._left.append(self.limiter)
            self.limiter = RateLimiter(moved, self.metrics.limiter_fell_back, self.logger.warning)
            self.admission.limiter = self.limiter

    async def close(self) -> None:
        """Let go of threads, connections and exporters."""
        SECRETS.unsubscribe(self._rotate)
        for limiter in self._left:
            await limiter.close()
        self._reading.shutdown(wait=False, cancel_futures=True)
        self.compute.close()
        await self.limiter.close()
        if self.tracing is None:
            return
        flush = threading.Thread(target=self.tracing.close, name="mfn-last-spans", daemon=True)
        flush.start()
        while flush.is_alive() and not self.at_once:
            await asyncio.sleep(_LOOK_EVERY_S)
