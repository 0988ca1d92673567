"""Who is next: computations that wait, in turns over the keys that sent them."""

from __future__ import annotations

import heapq
import threading
from collections import Counter, OrderedDict, deque
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Protocol

__all__ = ["FairQueue", "Waiting", "seconds_to_first_end"]


class Waiting(Protocol):
    """What waits: somebody's, and perhaps let in for good."""

    key: str
    stays: bool


class FairQueue:
    """Hand out computations: first those of the key that has the fewest begun, and among such keys in turns.

    Threads and the event loop call it. What waits under one key keeps its order.

    Attributes
    ----------
    begun : Counter
        Computations that were taken and have not ended, by key.
    """

    def __init__(self) -> None:
        self._turns: OrderedDict[str, deque[Any]] = OrderedDict()
        self._changed = threading.Condition(threading.Lock())
        self._closed = False
        self.begun: Counter[str] = Counter()
        self.waiting = 0

    def put(self, job: Waiting) -> None:
        """Let a computation wait."""
        with self._changed:
            self._turns.setdefault(job.key, deque()).append(job)
            self.waiting += 1
            self._changed.notify()

    def withdraw(self, job: Waiting) -> bool:
        """Take a computation out that nobody has taken; tell whether it still waited."""
        with self._changed:
            line = self._turns.get(job.key)
            if line is None or job not in line:
                return False
            line.remove(job)
            self._left(job.key)
            return True

    def evict(self, most: int) -> Any:
        """Take out the last that came of the key with the longest line, if that is longer than ``most``; or None."""
        with self._changed:
            key = max(self._turns, key=lambda name: len(self._turns[name]), default=None)
            if key is None or len(self._turns[key]) <= most:
                return None
            job = next((job for job in reversed(self._turns[key]) if not job.stays), None)
            if job is not None:
                self._turns[key].remove(job)
                self._left(key)
            return job

    def length(self, key: str) -> int:
        """Return how many wait under a key."""
        with self._changed:
            return len(self._turns.get(key, ()))

    def take(self) -> Any:
        """Wait for the next computation; None when the queue is closed."""
        with self._changed:
            while not self._closed:
                if self._turns:
                    return self._pop(min(self._turns, key=self.begun.__getitem__))
                self._changed.wait()
            return None

    def borrow(self, lender: str) -> Any:
        """Return a computation of another key that has none begun, or None."""
        with self._changed:
            keys = (key for key in self._turns if key != lender and not self.begun[key])
            key = next(keys, None)
            return None if key is None else self._pop(key)

    def ended(self, job: Waiting) -> None:
        """Note that a computation that was taken has ended."""
        with self._changed:
            self.begun[job.key] -= 1
            if not self.begun[job.key]:
                del self.begun[job.key]

    def close(self) -> None:
        """Let everybody go who waits in ``take``."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()

    def lines(self) -> dict[str, list[Any]]:
        """Return what waits by key, whose turn comes first first."""
        with self._changed:
            return {key: list(line) for key, line in self._turns.items()}

    def _pop(self, key: str) -> Any:
        job = self._turns[key].popleft()
        self.begun[key] += 1
        self._left(key)
        if key in self._turns:
            self._turns.move_to_end(key)
        return job

    def _left(self, key: str) -> None:
        self.waiting -= 1
        if not self._turns[key]:
            del self._turns[key]


def seconds_to_first_end(
    running: Iterable[tuple[float, str]], lines: Mapping[str, Sequence[float]], key: str | None = None
) -> float:
    """Return after how long the first computation ends, of a key or of any.

    Parameters
    ----------
    running : iterable of (float, str)
        Seconds that each running computation still takes, and its key.
    lines : mapping of str to sequence of float
        Seconds that those which wait will take, by key, in the order of the keys' turns.
    key : str, optional
        Whose computation has to end.

    Examples
    --------
    >>> seconds_to_first_end([(3.0, "a"), (5.0, "b")], {"c": [1.0]})
    3.0
    >>> seconds_to_first_end([(3.0, "a"), (5.0, "b")], {"c": [1.0]}, "c")
    4.0
    """
    ends = list(running)
    heapq.heapify(ends)
    begun = Counter(who for _, who in ends)
    turns = OrderedDict((who, deque(line)) for who, line in lines.items() if line)
    while ends:
        at_s, who = heapq.heappop(ends)
        if key is None or who == key:
            return at_s
        begun[who] -= 1
        if turns:
            following = min(turns, key=begun.__getitem__)
            heapq.heappush(ends, (at_s + turns[following].popleft(), following))
            begun[following] += 1
            turns.move_to_end(following)
            if not turns[following]:
                del turns[following]
    return 0.0
