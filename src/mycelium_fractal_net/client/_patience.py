"""How long a call is tried again, and how long to wait before."""

from __future__ import annotations

import asyncio
import random
from time import monotonic

from mycelium_fractal_net.client._problems import is_passing
from mycelium_fractal_net.errors import MFNError

__all__ = ["Patience"]

_FIRST_S = 0.1
_LONGEST_S = 10.0


class Patience:
    """Wait between attempts: as long as the service says, or twice as long each time, within a budget.

    Parameters
    ----------
    budget_s : float
        Seconds for which a call without progress is tried again.
    """

    def __init__(self, budget_s: float) -> None:
        self._budget_s = budget_s
        self.progressed()

    def progressed(self) -> None:
        """Begin anew: something came."""
        self._ends, self._next_s = monotonic() + self._budget_s, _FIRST_S

    async def wait(self, error: MFNError) -> None:
        """Wait before the next attempt.

        Raises
        ------
        MFNError
            The error, where another attempt would fail too, or would come too late.
        """
        told = error.details.get("retry_after_s")
        if not (is_passing(error) or error.details.get("unreachable")):
            raise error
        wait_s = float(told) if told is not None else self._next_s * random.uniform(0.5, 1)  # noqa: S311 # jitter
        self._next_s = min(_LONGEST_S, 2 * self._next_s)
        if monotonic() + wait_s > self._ends:
            raise error
        await asyncio.sleep(wait_s)
