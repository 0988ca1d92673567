"""The worker: take a job, compute it, publish the result, and only then acknowledge the job."""

from __future__ import annotations

import asyncio
import base64
import hashlib
from collections.abc import Awaitable, Callable, Mapping
from functools import partial
from typing import Any, Protocol

import orjson

from mycelium_fractal_net.errors import InvalidInputError, MFNError
from mycelium_fractal_net.integrations.link import Link, Waits, closed, generator_of
from mycelium_fractal_net.integrations.messages import FAILED_TYPE, Delivery, Event, Job, event_id, read_job
from mycelium_fractal_net.integrations.protocols import ConnectionFailedError, Publisher, PublishRefusedError, Source

__all__ = ["Compute", "JobPostponedError", "JobRefusedError", "Observer", "Worker", "failure_of"]

Compute = Callable[[Job], Awaitable[Event]]
"""Computes a job; raises JobRefusedError where a repeat would fail too, JobPostponedError where it ends."""


class JobRefusedError(MFNError):
    """A job that would fail again: it goes to the dead letters.

    Parameters
    ----------
    problem : mapping
        ``code``, ``message`` and whatever else is known.
    """

    code = "JOB_REFUSED"

    def __init__(self, problem: Mapping[str, Any]) -> None:
        super().__init__(str(problem.get("message", "")))
        self.problem = dict(problem)


class JobPostponedError(MFNError):
    """A job that this worker does not do any more, because it ends: it is given back."""

    code = "JOB_POSTPONED"


class Observer(Protocol):
    """Told about what happens, for metrics and logs."""

    def happened(self, what: str, **facts: Any) -> None:
        """Note received, published, dead, retried, returned, reconnecting or unacknowledged."""
        ...


class Worker:
    """Take jobs from a source, compute them, and publish what comes of them.

    A delivery is acknowledged after the sink has confirmed its event, so that a crash at any moment repeats jobs and
    loses none; repeats have the same id and the same bits. While the sink is away nothing is fetched beyond what is in
    flight. Jobs of one key are done one after the other; retries do not let a later one pass.

    Parameters
    ----------
    open_source, open_publisher, open_dead_letters : callable
        Make a connection; called again when one is lost.
    compute : callable
        See :data:`Compute`.
    observer : Observer
        Told about what happens.
    max_in_flight : int
        Most jobs that are fetched and not yet acknowledged.
    attempts : int
        How often a computation is tried that fails for a reason that may pass.
    max_deliveries : int
        After so many deliveries, as the source counts them, a job counts as one that ends the process.
    first_wait_s : float
        Wait before the second attempt of anything; it doubles, with jitter, up to 15 s.
    """

    def __init__(
        self,
        open_source: Callable[[], Source],
        open_publisher: Callable[[], Publisher],
        open_dead_letters: Callable[[], Publisher],
        compute: Compute,
        observer: Observer,
        *,
        max_in_flight: int = 8,
        attempts: int = 5,
        max_deliveries: int = 16,
        first_wait_s: float = 0.1,
    ) -> None:
        self._open_source = open_source
        self._results, self._dead = Link(open_publisher), Link(open_dead_letters)
        self._compute, self._observer = compute, observer
        self._attempts, self._max_deliveries, self._first_wait_s = attempts, max_deliveries, first_wait_s
        self._slots = asyncio.Semaphore(max_in_flight)
        self._stopping, self._reopening = asyncio.Event(), asyncio.Event()
        self._tasks: set[asyncio.Task[None]] = set()
        self._tails: dict[str, asyncio.Task[None]] = {}
        self._source: Source | None = None
        self._within_s: float | None = None

    @property
    def in_flight(self) -> int:
        """Jobs that were fetched and are not done."""
        return len(self._tasks)

    @property
    def connected(self) -> bool:
        """Whether a source is open."""
        return self._source is not None

    def stop(self, within_s: float | None = None) -> None:
        """Fetch nothing more; :meth:`run` ends when what is in flight is done, or after so many seconds."""
        self._within_s = within_s
        self._stopping.set()

    def reopen(self) -> None:
        """Open every connection anew, with the credentials that are in force then."""
        self._results.stale = self._dead.stale = True
        self._reopening.set()

    async def run(self) -> None:
        """Work until :meth:`stop` is called, or until a source that has an end has no more."""
        fetching = asyncio.create_task(self._fetch())
        stopping = asyncio.create_task(self._stopping.wait())
        try:
            await asyncio.wait({fetching, stopping}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            fault = fetching.exception() if fetching.done() and not fetching.cancelled() else None
            for task in (fetching, stopping):
                task.cancel()
            await asyncio.gather(fetching, stopping, return_exceptions=True)
            await self._finish()
        if fault is not None:
            raise fault

    async def _finish(self) -> None:
        """Let what is in flight end; what does not in time stays unacknowledged, so the source delivers it again."""
        if self._tasks:
            _, late = await asyncio.wait(self._tasks, timeout=self._within_s)
            for task in late:
                task.cancel()
            await asyncio.gather(*late, return_exceptions=True)
        if self._source is not None:
            await closed(self._source)
        await self._results.close()
        await self._dead.close()

    async def _fetch(self) -> None:
        """Read from one source after another; each lost connection is followed by a new one."""
        waits = self._waits()
        while True:
            self._source, self._reopening = self._open_source(), asyncio.Event()
            try:
                await self._read(self._source, waits)
            except ConnectionFailedError as error:
                self._observer.happened("reconnecting", side="source", reason=error.message)
            else:
                if not self._reopening.is_set():
                    return
            await closed(self._source)
            self._source = None
            await asyncio.sleep(waits.next())

    async def _read(self, source: Source, waits: Waits) -> None:
        """Start what a source delivers, each when there is room for it, until it ends or is to be opened anew."""
        stream = generator_of(source)
        reopening = asyncio.ensure_future(self._reopening.wait())
        coming: asyncio.Future[Delivery] | None = None
        try:
            while True:
                await self._slots.acquire()
                coming = asyncio.ensure_future(anext(stream))
                coming.add_done_callback(self._vacate)
                await asyncio.wait({coming, reopening}, return_when=asyncio.FIRST_COMPLETED)
                if reopening.done() and not coming.done():
                    return
                self._start(coming.result())
                waits.reset()
        except StopAsyncIteration:
            return
        finally:
            reopening.cancel()
            if coming is not None and not coming.done():
                coming.cancel()
                await asyncio.wait({coming})
            await stream.aclose()

    def _vacate(self, coming: asyncio.Future[Delivery]) -> None:
        """Give the place back of a delivery that never came."""
        if coming.cancelled() or coming.exception() is not None:
            self._slots.release()

    def _start(self, delivery: Delivery) -> None:
        """Begin with a delivery, after the one before it that has its key."""
        self._observer.happened("received")
        fault: InvalidInputError | None = None
        job = Job("", "", {})
        try:
            job = read_job(delivery.body, delivery.headers)
        except InvalidInputError as error:
            fault = error
        key = delivery.key or job.key
        task = asyncio.create_task(self._handle(delivery, job, fault, self._tails.get(key) if key else None))
        self._tasks.add(task)
        if key:
            self._tails[key] = task
        task.add_done_callback(partial(self._ended, key))

    def _ended(self, key: str, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        self._slots.release()
        if self._tails.get(key) is task:
            del self._tails[key]
        if not task.cancelled() and (error := task.exception()) is not None:
            self._observer.happened("returned", reason=f"{type(error).__name__}: {error}")

    async def _handle(
        self, delivery: Delivery, job: Job, fault: InvalidInputError | None, before: asyncio.Task[None] | None
    ) -> None:
        if before is not None:
            await asyncio.wait({before})
        try:
            link, event = await self._outcome(delivery, job, fault)
            await self._publish(link, event, delivery, job)
        except JobPostponedError:
            self._observer.happened("returned", job=job.id, reason="the worker is shutting down")
            await delivery.nack()
            return
        try:
            await delivery.ack()
        except Exception as error:  # noqa: BLE001 # whatever a client raises: the job is done, and comes once more
            self._observer.happened("unacknowledged", job=job.id, reason=f"{type(error).__name__}: {error}")

    async def _outcome(self, delivery: Delivery, job: Job, fault: InvalidInputError | None) -> tuple[Link, Event]:
        """Compute a job; return where its result, or the reason why there is none, goes."""
        if fault is not None:
            return self._dead_letter(delivery, job, {"code": fault.code, "message": fault.message}, 1)
        if delivery.attempt > self._max_deliveries:
            message = f"delivered {delivery.attempt} times and never finished: it may be what crashes the worker"
            return self._dead_letter(delivery, job, {"code": "TOO_MANY_DELIVERIES", "message": message}, 0)
        attempt, waits = 0, self._waits()
        while True:
            attempt += 1
            try:
                return self._results, await self._compute(job)
            except JobPostponedError:
                raise
            except JobRefusedError as error:
                return self._dead_letter(delivery, job, error.problem, attempt)
            except Exception as error:  # noqa: BLE001 # any fault of ours: tried again, then told
                reason = f"{type(error).__name__}: {error}"
                if attempt >= self._attempts:
                    return self._dead_letter(delivery, job, {"code": "INTERNAL_ERROR", "message": reason}, attempt)
                self._observer.happened("retried", side="compute", job=job.id, reason=reason)
            await asyncio.sleep(waits.next())

    def _dead_letter(
        self, delivery: Delivery, job: Job, problem: Mapping[str, Any], attempts: int
    ) -> tuple[Link, Event]:
        event = failure_of(delivery, job, problem, attempts)
        self._observer.happened("dead", job=job.id, code=problem.get("code"), reason=problem.get("message"))
        return self._dead, event

    async def _publish(self, link: Link, event: Event, delivery: Delivery, job: Job) -> None:
        """Publish until it is confirmed; what the sink will never take becomes a dead letter."""
        waits = self._waits()
        while True:
            try:
                await link.publish(event)
            except PublishRefusedError as error:
                if link is self._dead:
                    self._observer.happened("retried", side="dead letters", reason=error.message)
                else:
                    link, event = self._dead_letter(delivery, job, {"code": error.code, "message": error.message}, 1)
                    continue
            except ConnectionFailedError as error:
                self._observer.happened("retried", side="publisher", reason=error.message)
            else:
                self._observer.happened("published", type=event.type, id=event.id)
                return
            await asyncio.sleep(waits.next())

    def _waits(self) -> Waits:
        return Waits(self._first_wait_s)


def failure_of(delivery: Delivery, job: Job, problem: Mapping[str, Any], attempts: int) -> Event:
    """Return the dead letter of a delivery: the reason, how often it was tried, and the message as it came.

    Its id is that of the message, so that the same message delivered twice is one dead letter.
    """
    digest = hashlib.sha256(delivery.body).digest()
    try:
        body = {"body": delivery.body.decode()}
    except UnicodeDecodeError:
        body = {"body_base64": base64.b64encode(delivery.body).decode()}
    content = {"reason": dict(problem), "attempts": attempts, "deliveries": delivery.attempt}
    content |= {"headers": dict(delivery.headers), **body}
    data = orjson.dumps(content, default=str)
    return Event(event_id(job.id, FAILED_TYPE, digest), FAILED_TYPE, job.id, data, job.key, job.traceparent)
