"""Computations in threads: a bounded queue, an honest Retry-After, cancellation, draining."""

from __future__ import annotations

import asyncio
import math
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
from typing import Any, Protocol, TypeVar

from mycelium_fractal_net.service.core.errors import ServiceError

__all__ = ["Compute", "Departure", "Gauges", "Work"]

T = TypeVar("T")
Work = Callable[[threading.Event], T]
"""A computation; it stops with CancelledError soon after the event is set."""
Departure = Callable[[Callable[[], object]], Callable[[], object]]
"""``departure(tell)`` calls ``tell`` when the caller leaves, or has left; what it returns puts an end to that."""

_SMOOTHING = 0.2
_FIRST_GUESS_S = 1.0
_LONGEST_WAIT_S = 3600


class Gauges(Protocol):
    """Where the numbers go."""

    def watch(self, compute: Compute) -> None:
        """Ask ``waiting`` and ``running`` whenever somebody wants to know."""
        ...

    def waited(self, duration_s: float) -> None:
        """Record how long a computation waited for a thread; called in that thread."""
        ...

    def cancelled(self) -> None:
        """Count a computation whose caller left."""
        ...

    def refused(self) -> None:
        """Count a computation that found the queue full."""
        ...


class Compute:
    """Run computations, so many at a time, so many waiting.

    Parameters
    ----------
    threads : int
        Computations at a time.
    queue : int
        Computations that may wait.
    gauges : Gauges
        Told about what is counted.

    Attributes
    ----------
    waiting, running : int
        Computations that wait for a thread, and those that have one.
    draining : bool
        Whether new computations are refused.
    abandoned : bool
        Whether nothing is waited for any more.
    """

    def __init__(self, threads: int, queue: int, gauges: Gauges) -> None:
        self.threads = threads
        self.draining = False
        self.abandoned = False
        self._limit = threads + queue
        self._gauges = gauges
        self._accepted = 0
        self.waiting = 0
        self.running = 0
        self._mean_s: float | None = None
        self._lock = threading.Lock()
        self._stops: set[Callable[[], object]] = set()
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix="mfn-compute")
        gauges.watch(self)

    @property
    def idle(self) -> bool:
        """Whether nothing runs and nothing waits."""
        return self._accepted == 0

    async def run(
        self,
        work: Work[T],
        *,
        departure: Departure | None = None,
        started: Callable[[], object] | None = None,
    ) -> T:
        """Run a computation in a thread.

        Parameters
        ----------
        work : callable
            Called in the thread with the event that cancels it.
        departure : callable, optional
            Tells when the caller leaves.
        started : callable, optional
            Called in the thread when the wait for it is over.

        Raises
        ------
        ServiceError
            QUEUE_FULL with Retry-After, SERVICE_UNAVAILABLE while draining, CANCELLED when the caller left.
        """
        self._admit()
        self._accepted += 1
        try:
            return await self._guarded(work, departure, started)
        finally:
            self._accepted -= 1

    def retry_after_s(self) -> int:
        """Return the seconds after which a place is free, by the durations that were measured."""
        mean = _FIRST_GUESS_S if self._mean_s is None else self._mean_s
        return min(_LONGEST_WAIT_S, max(1, math.ceil(mean * (self.waiting + 1) / self.threads)))

    def abandon(self) -> None:
        """Stop everything; whoever waits is told at once that the service ends, whenever the threads notice."""
        self.draining = self.abandoned = True
        for stop in list(self._stops):
            stop()

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
                f"all {self.threads} compute threads are busy and {self.waiting} requests wait; try again in {wait} s",
                headers={"Retry-After": str(wait)},
            )

    async def _guarded(self, work: Work[T], departure: Departure | None, started: Callable[[], object] | None) -> T:
        cancel = threading.Event()
        answer: asyncio.Future[T] = asyncio.get_running_loop().create_future()
        self._change(waiting=1)
        job = self._pool.submit(self._in_thread, work, cancel, started, answer, time.perf_counter())
        stop = partial(self._stop, job, cancel, answer)
        self._stops.add(stop)
        forget = None if departure is None else departure(stop)
        try:
            return await answer
        except asyncio.CancelledError:
            stop()
            if not self.abandoned:
                await asyncio.wait((asyncio.wrap_future(job),))
            raise
        finally:
            self._stops.discard(stop)
            if forget is not None:
                forget()

    def _stop(self, job: Future[None], cancel: threading.Event, answer: asyncio.Future[T]) -> None:
        """Stop a computation: its thread says when it has, and one that has no thread yet never gets it."""
        if job.done():
            return
        self._gauges.cancelled()
        cancel.set()
        if self.abandoned and not answer.done():
            answer.set_exception(ServiceError("SERVICE_UNAVAILABLE"))
        if job.cancel():
            self._change(waiting=-1)
            _settle(answer, cancel, None, None)

    def _in_thread(
        self,
        work: Work[T],
        cancel: threading.Event,
        started: Callable[[], object] | None,
        answer: asyncio.Future[T],
        queued: float,
    ) -> None:
        """Do a computation; the thread goes on to the next one without waiting for the event loop."""
        self._change(waiting=-1, running=1)
        begin = time.perf_counter()
        result, failure = None, None
        try:
            self._gauges.waited(begin - queued)
            if started is not None:
                started()
            result = work(cancel)
        except BaseException as error:  # noqa: BLE001 # whatever it is, the caller gets it
            failure = error
        self._change(running=-1, duration_s=time.perf_counter() - begin)
        answer.get_loop().call_soon_threadsafe(_settle, answer, cancel, result, failure)

    def _change(self, *, waiting: int = 0, running: int = 0, duration_s: float | None = None) -> None:
        """Count; threads and the event loop do."""
        with self._lock:
            self.waiting += waiting
            self.running += running
            if duration_s is not None:
                before = duration_s if self._mean_s is None else self._mean_s
                self._mean_s = before + _SMOOTHING * (duration_s - before)


def _settle(answer: asyncio.Future[Any], cancel: threading.Event, result: Any, failure: BaseException | None) -> None:
    """Hand over what came of a computation, unless nobody waits for it any more."""
    if answer.done():
        return
    if cancel.is_set():
        answer.set_exception(ServiceError("CANCELLED"))
    elif failure is not None:
        answer.set_exception(failure)
    else:
        answer.set_result(result)
