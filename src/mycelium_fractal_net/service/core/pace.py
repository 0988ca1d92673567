"""How long computations take, from how long those before took."""

from __future__ import annotations

import math
import random
from collections import OrderedDict

__all__ = ["Pace", "retry_after_s"]

_DECAY = 0.7
_FIRST_GUESS = 2e7  # cell steps a second; forgotten with the first measurement
_MOST_KINDS = 1_000
_JITTER = 0.1
_LONGEST_WAIT_S = 3600
_RANDOM = random.Random()  # noqa: S311 # no secret


class Pace:
    """Cell steps a second by kind of computation, the last few counting most.

    Kinds are like paths, ``simulate:gray_scott:float32``: one that was never seen is judged by the part of its name
    that was.

    Examples
    --------
    >>> pace = Pace()
    >>> pace.measured("simulate:mycelium", cost=1_000_000, duration_s=0.1)
    >>> pace.seconds("simulate:mycelium", cost=20_000_000)
    2.0
    >>> pace.seconds("simulate:brusselator", cost=20_000_000)
    2.0
    """

    def __init__(self) -> None:
        self._sums: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def measured(self, kind: str, cost: int, duration_s: float) -> None:
        """Learn from a computation that has ended; one without cost says nothing about the pace of others."""
        for name in _prefixes(kind) if cost else filter(None, [kind]):
            work, time_s = self._sums.pop(name, (0.0, 0.0))
            self._sums[name] = (_DECAY * work + max(cost, 1), _DECAY * time_s + duration_s)
        while len(self._sums) > _MOST_KINDS:
            self._sums.popitem(last=False)

    def seconds(self, kind: str, cost: int) -> float:
        """Return how long a computation will take."""
        for name in _prefixes(kind):
            sums = self._sums.get(name)
            if sums is not None:
                return max(cost, 1) * sums[1] / sums[0]
        return cost / _FIRST_GUESS


def _prefixes(kind: str) -> list[str]:
    """Return the names under which a kind is counted, the closest first and the empty one, everything, last."""
    parts = kind.split(":")
    return [":".join(parts[:count]) for count in range(len(parts), 0, -1)] + [""]


def retry_after_s(wait_s: float) -> int:
    """Return whole seconds after which to come back: never too early, and not all at the same moment.

    Examples
    --------
    >>> retry_after_s(0.2), 10 <= retry_after_s(10.0) <= 11
    (1, True)
    """
    spread = wait_s * (1 + _JITTER * _RANDOM.random())
    return min(_LONGEST_WAIT_S, max(1, math.ceil(spread)))
