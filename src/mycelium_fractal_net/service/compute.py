"""Computations in threads: a bounded queue, an honest Retry-After, cancellation, draining."""

from __future__ import annotations

import asyncio
import math
import threading
import time
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Protocol, TypeVar

from mycelium_fractal_net.service.errors import ServiceError

__all__ = ["Compute", "Gauges"]

T = TypeVar("T")
Work = Callable[[threading.Event], T]
"""A computation; it stops with CancelledError soon after the event is set."""

_SMOOTHING = 0.2
_FIRST_GUESS_S = 1.0
_LONGEST_WAIT_S = 3600


class Gauges(Protocol):
    """Where the numbers go."""

    def queue_depth(self, waiting: int) -> None:
        """Tell how many wait."""
        ...

    def busy(self, running: int) -> None:
        """Tell how many run."""
        ...

    def cancelled(self) -> None:
        """Count a computation whose caller left."""
        ...

    def refused(self) -> None:
        """Count a computation that found the queue full."""
        ...


class Compute:
    """Run computations, so many at a time, so many waiting; everything but the work is on the event loop.

    Parameters
    ----------
    threads : int
        Computations at a time.
    queue : int
        Computations that may wait.
    gauges : Gauges
        Told about every change.
    """

    def __init__(self, threads: int, queue: int, gauges: Gauges) -> None:
        self.threads = threads
        self.draining = False
        self._limit = threads + queue
        self._gauges = gauges
        self._accepted = 0
        self._running = 0
        self._mean_s: float | None = None
        self._slots = asyncio.Semaphore(threads)
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix="mfn-compute")

    @property
    def idle(self) -> bool:
        """Whether nothing runs and nothing waits."""
        return self._accepted == 0

    async def run(
        self,
        work: Work[T],
        *,
        gone: Callable[[], Awaitable[object]] | None = None,
        started: Callable[[], object] | None = None,
    ) -> T:
        """Run a computation in a thread.

        Parameters
        ----------
        work : callable
            Called in the thread with the event that cancels it.
        gone : callable, optional
            Returns an awaitable that ends when the caller has left.
        started : callable, optional
            Called when the wait for a thread is over.

        Raises
        ------
        ServiceError
            QUEUE_FULL with Retry-After, SERVICE_UNAVAILABLE while draining, CANCELLED when the caller left.
        """
        self._admit()
        self._accepted += 1
        self._tell()
        try:
            return await self._guarded(work, gone, started)
        finally:
            self._accepted -= 1
            self._tell()

    def retry_after_s(self) -> int:
        """Return the seconds after which a place is free, by the durations that were measured."""
        mean = _FIRST_GUESS_S if self._mean_s is None else self._mean_s
        waiting = self._accepted - self._running
        return min(_LONGEST_WAIT_S, max(1, math.ceil(mean * (waiting + 1) / self.threads)))

    def close(self) -> None:
        """Let go of the threads."""
        self._pool.shutdown(wait=False, cancel_futures=True)

    def _admit(self) -> None:
        if self.draining:
            raise ServiceError("SERVICE_UNAVAILABLE", headers={"Retry-After": "1", "Connection": "close"})
        if self._accepted >= self._limit:
            self._gauges.refused()
            wait = self.retry_after_s()
            raise ServiceError(
                "QUEUE_FULL",
                f"all {self.threads} compute threads are busy and {self._accepted - self._running} requests wait; "
                f"try again in {wait} s",
                headers={"Retry-After": str(wait)},
            )

    async def _guarded(
        self, work: Work[T], gone: Callable[[], Awaitable[object]] | None, started: Callable[[], object] | None
    ) -> T:
        cancel = threading.Event()
        task = asyncio.ensure_future(self._queued(work, cancel, started))
        if gone is None:
            return await self._watched(task, cancel)
        watcher = asyncio.ensure_future(gone())
        try:
            await asyncio.wait((task, watcher), return_when=asyncio.FIRST_COMPLETED)
            if not task.done():
                await self._abandon(task, cancel)
                raise ServiceError("CANCELLED")
            return task.result()
        except asyncio.CancelledError:
            await self._abandon(task, cancel)
            raise
        finally:
            watcher.cancel()

    async def _watched(self, task: asyncio.Future[T], cancel: threading.Event) -> T:
        try:
            return await asyncio.shield(task)
        except asyncio.CancelledError:
            await self._abandon(task, cancel)
            raise

    async def _abandon(self, task: asyncio.Future[T], cancel: threading.Event) -> None:
        """Stop a computation, and wait until its thread is free."""
        cancel.set()
        self._gauges.cancelled()
        task.cancel()
        await asyncio.wait((task,))
        if not task.cancelled():
            task.exception()

    async def _queued(self, work: Work[T], cancel: threading.Event, started: Callable[[], object] | None) -> T:
        async with self._slots:
            self._running += 1
            self._tell()
            if started is not None:
                started()
            begin = time.perf_counter()
            future = asyncio.get_running_loop().run_in_executor(self._pool, work, cancel)
            try:
                return await asyncio.shield(future)
            except asyncio.CancelledError:
                await asyncio.wait((future,))
                if not future.cancelled():
                    future.exception()
                raise
            finally:
                self._running -= 1
                self._measure(time.perf_counter() - begin)

    def _measure(self, duration_s: float) -> None:
        before = duration_s if self._mean_s is None else self._mean_s
        self._mean_s = before + _SMOOTHING * (duration_s - before)

    def _tell(self) -> None:
        self._gauges.queue_depth(self._accepted - self._running)
        self._gauges.busy(self._running)
