"""Places that are few: half of them at most for one caller, and who finds none waits for a turn."""

from __future__ import annotations

import asyncio
from collections import Counter, OrderedDict, deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

__all__ = ["Turns"]


class Turns:
    """Hand out places, in turns over those who wait.

    Parameters
    ----------
    most : int
        Places in all; one caller has half of them at most.

    Examples
    --------
    >>> async def alone() -> int:
    ...     turns = Turns(2)
    ...     async with turns.taken("key:a"):
    ...         return turns.free
    >>> asyncio.run(alone())
    1
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._most_of_one = -(-most // 2)
        self._of: Counter[str] = Counter()
        self._lines: OrderedDict[str, deque[asyncio.Future[None]]] = OrderedDict()

    @property
    def free(self) -> int:
        """Places that nobody has."""
        return self._most - self._of.total()

    @asynccontextmanager
    async def taken(self, who: str) -> AsyncIterator[None]:
        """Have a place, after a wait if need be; cancelling the wait leaves the line."""
        await self._enter(who)
        try:
            yield
        finally:
            self._leave(who)

    def _may(self, who: str) -> bool:
        return self.free > 0 and self._of[who] < self._most_of_one

    async def _enter(self, who: str) -> None:
        if self._may(who):
            self._of[who] += 1
            return
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._lines.setdefault(who, deque()).append(turn)
        try:
            await turn
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled():  # it had just come
                self._leave(who)
            else:
                with suppress(KeyError, ValueError):
                    self._lines[who].remove(turn)
            raise

    def _leave(self, who: str) -> None:
        self._of[who] -= 1
        if not self._of[who]:
            del self._of[who]
        for name in list(self._lines):
            if self._may(name):
                self._give(name)
            if name in self._lines and not self._lines[name]:
                del self._lines[name]

    def _give(self, who: str) -> None:
        """Give a place to the first in a line that still waits, and move the line behind the others."""
        line = self._lines[who]
        while line:
            turn = line.popleft()
            if not turn.done():
                self._of[who] += 1
                turn.set_result(None)
                self._lines.move_to_end(who)
                return
