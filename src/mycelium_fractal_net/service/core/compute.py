"""Computations in threads: a bounded queue with turns for every key, an honest Retry-After, cancellation, draining."""

from __future__ import annotations

import asyncio
import threading
import weakref
from collections import Counter
from collections.abc import Callable
from functools import partial
from time import monotonic
from typing import Any, Protocol, TypeVar

from mycelium_fractal_net.service.core.errors import ServiceError
from mycelium_fractal_net.service.core.job import Job
from mycelium_fractal_net.service.core.pace import Pace, retry_after_s
from mycelium_fractal_net.service.core.queue import FairQueue, seconds_to_first_end

__all__ = ["Compute", "Gauges", "Lane", "OnDisconnect", "Work"]

T = TypeVar("T")
Work = Callable[[threading.Event], T]
"""A computation; it stops with CancelledError soon after the event is set."""
OnDisconnect = Callable[[Callable[[], object]], Callable[[], object]]
"""``on_disconnect(tell)`` calls ``tell`` when the caller leaves, or has left; what it returns puts an end to that."""

_OVERTIME = 0.1
_FORESIGHT_S = 0.1
_STARVED_S = 10.0


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
    """Run computations, so many at a time, so many waiting, and at most half of these of one key if others want to.

    A key may fill the queue while it is alone. When another key finds it full, the last that came of the longest line
    gives up its place, until the lines are as long as each other.

    Parameters
    ----------
    threads : int
        Computations at a time.
    queue : int
        Computations that may wait.
    gauges : Gauges
        Told about what is counted.
    most_s : float, optional
        Seconds of a thread after which a computation is stopped.

    Attributes
    ----------
    draining : bool
        Whether new computations are refused.
    abandoned : bool
        Whether nothing is waited for any more.
    """

    def __init__(self, threads: int, queue: int, gauges: Gauges, most_s: float | None = None) -> None:
        self.threads = threads
        self.draining = False
        self.abandoned = False
        self._most = threads + queue
        self._most_s = most_s
        self._gauges = gauges
        self._pace = Pace()
        self._accepted: Counter[str] = Counter()
        self._running: set[Job] = set()
        self._jobs: set[Job] = set()
        self._queue = FairQueue()
        self._threads: list[threading.Thread] = []
        self._starved = -_STARVED_S
        self._foreseen: dict[str | None, float] = {}
        self._foreseen_at = -_FORESIGHT_S
        weakref.finalize(self, self._queue.close)
        gauges.watch(self)

    @property
    def waiting(self) -> int:
        """Computations that wait for a thread."""
        return self._queue.waiting

    @property
    def running(self) -> int:
        """Computations that have a thread, without those that lend theirs."""
        return sum(job.borrower is None for job in list(self._running))

    @property
    def idle(self) -> bool:
        """Whether nothing runs and nothing waits."""
        return not self._jobs

    @property
    def ready(self) -> bool:
        """Whether every thread runs, and no computation lacked threads or memory a moment ago."""
        missing = 0 < len(self._threads) < self.threads
        return not missing and monotonic() - self._starved >= _STARVED_S

    def start(self) -> None:
        """Start the threads that do not run yet; where the system allows no more, ``ready`` turns false."""
        while len(self._threads) < self.threads:
            thread = threading.Thread(
                target=_serve, args=(self._queue,), name=f"mfn-compute-{len(self._threads)}", daemon=True
            )
            try:
                thread.start()
            except RuntimeError:
                self._starved = monotonic()
                return
            self._threads.append(thread)

    async def run(
        self,
        work: Work[T],
        *,
        key: str = "",
        cost: int = 0,
        kind: str = "",
        on_disconnect: OnDisconnect | None = None,
        started: Callable[[], object] | None = None,
        bounded: bool = True,
    ) -> T:
        """Run a computation in a thread.

        Parameters
        ----------
        work : callable
            Called in the thread with the event that cancels it.
        key : str
            Whose it is; keys take turns.
        cost : int
            Its cell steps.
        kind : str
            What its duration is estimated by: computations of one kind take as long for each cell step.
        on_disconnect : callable, optional
            Tells when the caller leaves.
        started : callable, optional
            Called in the thread when the wait for it is over.
        bounded : bool
            Whether it is stopped after ``most_s``.

        Raises
        ------
        ServiceError
            QUEUE_FULL with Retry-After, SERVICE_UNAVAILABLE while draining or without threads, CANCELLED when the
            caller left, COST_LIMIT_EXCEEDED when it took too long.
        """
        self._admit(key)
        self._accepted[key] += 1
        try:
            most_s = self._most_s if bounded else None
            job = Job(self, work, key=key, cost=cost, kind=kind, most_s=most_s, started=started)
            done: T = await self._done(job, on_disconnect)
            return done
        finally:
            self._accepted[key] -= 1
            if not self._accepted[key]:
                del self._accepted[key]

    async def run_piece(
        self,
        work: Work[T],
        *,
        key: str = "",
        cost: int = 0,
        kind: str = "",
        on_disconnect: OnDisconnect | None = None,
    ) -> T:
        """Run a short piece of what was let in before: it waits however full the queue is.

        Raises
        ------
        ServiceError
            SERVICE_UNAVAILABLE while draining or without threads, CANCELLED when the caller left.
        """
        self._require_service()
        job = Job(self, work, key=key, cost=cost, kind=kind, most_s=self._most_s, stays=True)
        done: T = await self._done(job, on_disconnect)
        return done

    def lane(self, key: str = "", kind: str = "", on_disconnect: OnDisconnect | None = None) -> Lane:
        """Return the place of a stream that was let in."""
        return Lane(self, key, kind, on_disconnect)

    def retry_after_s(self, key: str | None = None) -> int:
        """Return the seconds after which a place is free, or one of this key, by what runs and waits.

        Who asks again at once gets the answer of before: to work it out takes longer than to refuse a request.
        """
        now = monotonic()
        if now - self._foreseen_at > _FORESIGHT_S:
            self._foreseen.clear()
            self._foreseen_at = now
        if key not in self._foreseen:
            self._foreseen[key] = now + self._seconds_to_place(key)
        return retry_after_s(max(0.0, self._foreseen[key] - now))

    def _seconds_to_place(self, key: str | None) -> float:
        running = [(self._left_s(job), job.key) for job in list(self._running)]
        lines = {who: [self._seconds(job) for job in line] for who, line in self._queue.lines().items()}
        return seconds_to_first_end(running, lines, key)

    def abandon(self) -> None:
        """Stop everything; whoever waits is told at once that the service ends, whenever the threads notice."""
        self.draining = self.abandoned = True
        for job in list(self._jobs):
            self._stop(job)

    def close(self) -> None:
        """Let go of the threads."""
        self._queue.close()

    def _admit(self, key: str) -> None:
        self._require_service()
        if self._accepted.total() < self._most:
            return
        loser = self._queue.evict(self._queue.length(key) + 1)
        if loser is None:
            raise self._full(f"{self.waiting} requests are waiting")
        left = self._queue.length(loser.key)
        loser.answer.set_exception(self._full(f"others are waiting too, so only {left} of yours may wait", loser.key))

    def _full(self, whose: str, key: str | None = None) -> ServiceError:
        self._gauges.refused()
        wait_s = self.retry_after_s(key)
        return ServiceError(
            "QUEUE_FULL",
            f"all {self.threads} compute threads are busy and {whose}; try again in {wait_s} s",
            retry_after_s=wait_s,
        )

    def _require_service(self) -> None:
        if self.draining:
            raise ServiceError("SERVICE_UNAVAILABLE", retry_after_s=1, closes=True)
        if len(self._threads) < self.threads:
            self.start()
        if not self._threads:
            raise ServiceError(
                "SERVICE_UNAVAILABLE",
                "cannot start a compute thread: the limit of processes is reached",
                retry_after_s=5,
            )

    async def _done(self, job: Job, on_disconnect: OnDisconnect | None) -> Any:
        """Let a computation wait for its turn, and wait for what comes of it."""
        self._jobs.add(job)
        self._queue.put(job)
        stop = partial(self._stop, job)
        forget = None if on_disconnect is None else on_disconnect(stop)
        try:
            return await asyncio.shield(job.answer)
        except asyncio.CancelledError:
            stop()
            job.answer.add_done_callback(_take_note)
            if not self.abandoned:
                await asyncio.wait((job.answer,))
            raise
        finally:
            self._jobs.discard(job)
            if forget is not None:
                forget()

    def _stop(self, job: Job) -> None:
        """Stop a computation: its thread says when it has, and one that has no thread yet never gets it."""
        if job.answer.done() or job.stopped:
            return
        self._gauges.cancelled()
        job.set()
        if self.abandoned:
            job.answer.set_exception(ServiceError("SERVICE_UNAVAILABLE"))
        if self._queue.withdraw(job):
            job.settle()

    def borrow(self, lender: Job) -> Job | None:
        """Return a computation to do in the thread of another one."""
        found: Job | None = self._queue.borrow(lender.key)
        return found

    def begun(self, job: Job) -> None:
        """Count a computation that begins."""
        self._running.add(job)
        self._gauges.waited(job.began - job.queued)

    def ended(self, job: Job, failure: BaseException | None) -> None:
        """Count a computation that has ended; one that was stopped tells how slow its kind is at least."""
        self._running.discard(job)
        self._queue.ended(job)
        if failure is None or job.used_s > self._seconds(job):
            self._pace.measured(job.kind, job.cost, job.used_s)
        if isinstance(failure, ServiceError) and failure.refusal == "SERVICE_UNAVAILABLE":
            self._starved = monotonic()

    def _seconds(self, job: Job) -> float:
        return self._pace.seconds(job.kind, job.cost)

    def _left_s(self, job: Job) -> float:
        """Return the seconds until a running computation ends, after what was lent of its thread."""
        used_s, borrower = job.used_s, job.borrower
        mine = max(self._seconds(job) - used_s, _OVERTIME * used_s)
        return mine if borrower is None else mine + self._left_s(borrower)


class Lane:
    """The place of a stream in the queue: short computations, one at a time, each asked for when the last was taken.

    What was let in is never refused for a full queue: it waits for its turn, and a stream has one computation there at
    most.
    """

    def __init__(self, compute: Compute, key: str, kind: str, on_disconnect: OnDisconnect | None) -> None:
        self._compute, self._key, self._kind, self._on_disconnect = compute, key, kind, on_disconnect

    async def run(self, work: Work[T], cost: int = 0) -> T:
        """Do the next piece of the stream's work, of about 20 ms.

        Raises
        ------
        ServiceError
            SERVICE_UNAVAILABLE while draining or without threads, CANCELLED when the caller left.
        """
        done: T = await self._compute.run_piece(
            work, key=self._key, cost=cost, kind=self._kind, on_disconnect=self._on_disconnect
        )
        return done


def _serve(queue: FairQueue) -> None:
    """Do what the queue gives until it is closed."""
    while (job := queue.take()) is not None:
        job.do()
        del job  # while the thread waits, nothing it did is kept


def _take_note(answer: asyncio.Future[Any]) -> None:
    """Look at what came of a computation whose caller was cancelled: asyncio would log it as never looked at."""
    answer.exception()
