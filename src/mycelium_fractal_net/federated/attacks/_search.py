"""Search the strength at which an attack hurts a rule most."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

__all__ = ["strongest"]

_REFINEMENTS = 3
_POINTS = 16


def strongest(damage: Callable[[float], float], low: float, high: float) -> float:
    """Return the argument in (low, high) of the greatest damage: a geometric grid, refined around its best.

    Damage jumps where a rule starts to refuse the forged updates, so no smooth method is used.
    """
    best, edges = low, (low, high)
    for _ in range(_REFINEMENTS):
        grid = np.geomspace(*edges, _POINTS)
        found = int(np.argmax([damage(float(z)) for z in grid]))
        best = float(grid[found])
        edges = (float(grid[max(0, found - 1)]), float(grid[min(_POINTS - 1, found + 1)]))
    return best
