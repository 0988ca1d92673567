"""One computation: what it asks while it runs, and how its outcome gets back to the event loop."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from contextlib import suppress
from contextvars import Context
from time import perf_counter
from typing import Any, Protocol

from mycelium_fractal_net.service.core.errors import ServiceError

__all__ = ["Host", "Job"]

_TURN_S = 0.02
_DEEPEST = 4
_NO_THREAD = "can't start new thread"


class Host(Protocol):
    """Where computations are done."""

    def borrow(self, lender: Job) -> Job | None:
        """Return a computation to do in the lender's thread, or None."""
        ...

    def begun(self, job: Job) -> None:
        """Take note of a computation that begins."""
        ...

    def ended(self, job: Job, failure: BaseException | None) -> None:
        """Take note of one that has ended."""
        ...


class Job(threading.Event):
    """A computation, and the event that cancels it.

    While a computation asks ``is_set`` in its thread, as all do every few milliseconds, the thread is lent: one of a
    key that has none begun is done in between, so that nobody waits for a long one of somebody else to end. The lender
    then gets as much time as it gave away before it lends again.

    Parameters
    ----------
    host : Host
        Where it is done.
    work : callable
        What is done.
    key, cost, kind : str, int, str
        Whose it is, its cell steps, and what its duration is estimated by.
    most_s : float, optional
        Seconds after which it is stopped.
    started : callable, optional
        Called in the thread when it begins.
    stays : bool
        Whether its place in the queue is its own, however long the line of its key is.
    """

    def __init__(
        self,
        host: Host,
        work: Callable[[threading.Event], Any],
        *,
        key: str = "",
        cost: int = 0,
        kind: str = "",
        most_s: float | None = None,
        started: Callable[[], object] | None = None,
        stays: bool = False,
    ) -> None:
        super().__init__()
        self.stays = stays
        self.key, self.cost, self.kind = key, cost, kind
        self.answer: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        self.answer.add_done_callback(_mark_retrieved)
        self.queued = perf_counter()
        self.began = 0.0
        self.depth = 0
        self.borrower: Job | None = None
        self._host, self._work, self._most_s, self._started = host, work, most_s, started
        self._overrun = False
        self._lent_s = self._next_loan = 0.0
        self._thread = 0

    def is_set(self) -> bool:
        """Tell whether to stop; before that, do what somebody else waits for."""
        if super().is_set():
            return True
        if self._thread == threading.get_ident() and self.borrower is None:
            self._look()
        return super().is_set()

    @property
    def stopped(self) -> bool:
        """Whether it is to stop; unlike ``is_set`` this lends nothing."""
        return super().is_set()

    @property
    def used_s(self) -> float:
        """Seconds of its thread that it has had."""
        now, borrower = perf_counter(), self.borrower
        if not self.began:
            return 0.0
        lent_now = now - borrower.began if borrower is not None and borrower.began else 0.0
        return now - self.began - self._lent_s - lent_now

    def do(self, depth: int = 0) -> None:
        """Compute, and hand over what came of it; called in a thread."""
        self.depth, self._thread, self.began = depth, threading.get_ident(), perf_counter()
        self._next_loan = self.began + _TURN_S
        result, failure = None, None
        try:
            self._host.begun(self)
            if self._started is not None:
                self._started()
            result = self._work(self)
        except BaseException as error:  # noqa: BLE001 # whatever it is, the caller gets it
            failure = _as_refusal(error)
        self._thread = 0
        self._host.ended(self, failure)
        with suppress(RuntimeError):  # the loop is closed: nobody waits
            self.answer.get_loop().call_soon_threadsafe(self.settle, result, failure)

    def settle(self, result: Any = None, failure: BaseException | None = None) -> None:
        """Hand over what came of it, unless nobody waits for it any more; called in the event loop."""
        if self.answer.done():
            return
        if self._overrun:
            self.answer.set_exception(
                ServiceError(
                    "COST_LIMIT_EXCEEDED",
                    f"the computation was stopped: it took more than the {self._most_s:g} s that one request may "
                    "take (MFN_MAX_COMPUTE_SECONDS)",
                )
            )
        elif super().is_set():
            self.answer.set_exception(ServiceError("CANCELLED"))
        elif failure is not None:
            self.answer.set_exception(failure)
        else:
            self.answer.set_result(result)

    def _look(self) -> None:
        now = perf_counter()
        if self._most_s is not None and self.used_s > self._most_s:
            self._overrun = True
            self.set()
        elif now >= self._next_loan and self.depth < _DEEPEST:
            self._lend(now)

    def _lend(self, now: float) -> None:
        borrower = self.borrower = self._host.borrow(self)
        if borrower is None:
            self._next_loan = now
            return
        try:
            Context().run(borrower.do, self.depth + 1)
        finally:
            self.borrower = None
            lent_s = perf_counter() - now
            self._lent_s += lent_s
            self._next_loan = perf_counter() + max(_TURN_S, lent_s)


def _mark_retrieved(answer: asyncio.Future[Any]) -> None:
    """Keep asyncio from logging an error that nobody waits for: a cancelled caller never asks for the outcome."""
    if not answer.cancelled():
        answer.exception()


def _as_refusal(error: BaseException) -> BaseException:
    """Say that a resource of this machine is used up, where that is what an error means."""
    if isinstance(error, MemoryError):
        return ServiceError("SERVICE_UNAVAILABLE", "there is not enough memory for this now", retry_after_s=5)
    if isinstance(error, RuntimeError) and str(error) == _NO_THREAD:
        return ServiceError(
            "SERVICE_UNAVAILABLE",
            "cannot start a thread: the limit of processes is reached",
            retry_after_s=5,
        )
    return error
