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
    TRYING = "trying"


class Breaker:
    """Let calls through until one fails, or they have become slow; then one every five seconds, until that is quick.

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
        self._mean_s = 0.0

    @property
    def closed(self) -> bool:
        """Whether every call goes through."""
        return self._state is _State.CLOSED

    def admits(self) -> bool:
        """Tell whether a call may go through now; while it is open one may in five seconds, and that one decides."""
        if self._state is _State.OPEN and self._clock() >= self._again:
            self._state = _State.TRYING
            return True
        return self.closed

    @contextmanager
    def watch(self) -> Iterator[None]:
        """Learn from a call that was let through: whether it failed, and how long it took."""
        begin = self._clock()
        try:
            yield
        except asyncio.CancelledError:  # the caller left, which says nothing
            if self._state is _State.TRYING:
                self._state = _State.OPEN
            raise
        except Exception:
            self._open()
            raise
        took_s = self._clock() - begin
        before = self._mean_s if self.closed else took_s
        self._mean_s = before + _SMOOTHING * (took_s - before)
        if self._mean_s > self._slow_s:
            self._open()
        elif self._state is _State.TRYING:
            self._state = _State.CLOSED

    def _open(self) -> None:
        self._state = _State.OPEN
        self._mean_s = 0.0
        self._again = self._clock() + _RETRY_S
