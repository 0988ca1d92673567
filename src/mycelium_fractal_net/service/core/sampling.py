"""Which of many alike log lines are written."""

from __future__ import annotations

from collections.abc import Callable
from time import monotonic

__all__ = ["Sampling"]


class Sampling:
    """Let so many lines a second pass, and as many again that were saved up; tell how many were left out since.

    Parameters
    ----------
    rate : float
        Lines a second.
    most : int
        Lines at once.
    clock : callable
        Seconds.

    Examples
    --------
    >>> sampling = Sampling(1.0, 2, clock=iter([0.0, 0.0, 0.0, 0.0, 5.0]).__next__)
    >>> [sampling.passes() for _ in range(4)]
    [True, True, False, True]
    >>> sampling.left_out
    1
    """

    def __init__(self, rate: float, most: int, clock: Callable[[], float] = monotonic) -> None:
        self._rate, self._most, self._clock = rate, most, clock
        self._saved, self._since = float(most), clock()
        self._skipped = self.left_out = 0

    def passes(self) -> bool:
        """Tell whether a line is written; ``left_out`` then says how many were not, since the last one."""
        now = self._clock()
        self._saved = min(self._most, self._saved + (now - self._since) * self._rate)
        self._since = now
        if self._saved < 1:
            self._skipped += 1
            return False
        self._saved -= 1
        self.left_out, self._skipped = self._skipped, 0
        return True
