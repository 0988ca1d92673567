"""When to stop asking a neighbour that is away or slow, and when to ask it again."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from enum import Enum

__all__ = ["Breaker"]

_RETRY_S = 5.0
_SMOOTHING = 0.2


class _State(Enum):
    CLOSED = "closed"
    OPEN = "open"


class Breaker:
    """Let calls through until one fails, or they have become slow; then try again every five seconds.

    Parameters
    ----------
    slow_s : float
        Mean duration of the last few calls, in s, that counts as a failure.
    clock : callable
        Seconds that only grow.

    Examples
    --------
    >>> breaker = Breaker(slow_s=0.1)
    >>> breaker.admits()
    True
    >>> with breaker.watch():
    ...     raise OSError
    Traceback (most recent call last):
    OSError
    >>> breaker.admits()
    False
    """

    def __init__(self, slow_s: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._slow_s = slow_s
        self._clock = clock
        self._state = _State.CLOSED
        self._again = 0.0
        self._mean_s: float | None = 0.0  # None where the next call alone says what is slow

    @property
    def closed(self) -> bool:
        """Whether every call goes through."""
        return self._state is _State.CLOSED

    def admits(self) -> bool:
        """Tell whether a call may go through now; five seconds after a failure they may again."""
        if self._state is _State.OPEN and self._clock() >= self._again:
            self._state = _State.CLOSED
        return self.closed

    @contextmanager
    def watch(self) -> Iterator[None]:
        """Learn from a call that was let through: whether it failed, and how long it took."""
        begin = self._clock()
        try:
            yield
        except asyncio.CancelledError:  # the caller left, which says nothing
            raise
        except Exception:
            self._open()
            raise
        took_s = self._clock() - begin
        before = took_s if self._mean_s is None else self._mean_s
        self._mean_s = before + _SMOOTHING * (took_s - before)
        if self._mean_s > self._slow_s:
            self._open()

    def _open(self) -> None:
        self._state = _State.OPEN
        self._mean_s = None
        self._again = self._clock() + _RETRY_S
