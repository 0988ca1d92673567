r"""Read leak, push and events from the sum of the potential alone: a ledger that must balance.

Diffusion moves potential about and changes no sum, so that without clamping the sums M of successive fields obey

.. math:: M_{t+1} = (1 - \lambda) M_t + q n_t + (1 - \lambda) J_t + \text{constant}

with the leak, n living cells that are pushed by q each, and the jump J of a growth event, 0 in most steps. Steps in
which nothing happened leave the ratio of successive changes at 1 - leak, to rounding; steps without an event leave
the level at a whole multiple of q above a base.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

__all__ = ["Ledger", "read_ledger"]

_SAME_RATIO = 1e-6
_SAME_LEVEL = 2e-3  # share of a push within which a level counts as a multiple
_FEWEST = 3
_MOST_AT_ONCE = 8  # cells that begin to live in a step, up to which the push is looked for
_LEAST_PUSH_MV = 0.05
_MOST_CHANCE = 1e-6  # that a push is read from sizes that have nothing in common


class Ledger(NamedTuple):
    """What balances the sums; NaN for what they do not show.

    Attributes
    ----------
    leak : float
        Share of the distance to rest lost each step.
    push_mv : float
        What a living cell adds to its potential each step, in mV.
    event_rate : float
        Share of the steps in which something jumped by what is no whole number of pushes.
    """

    leak: float
    push_mv: float
    event_rate: float


def read_ledger(changes_mv: NDArray[np.float64]) -> Ledger:
    """Balance the changes of the sum of the potential, one a step, in mV."""
    ratio = _most_common_ratio(changes_mv)
    if math.isnan(ratio):
        return Ledger(math.nan, math.nan, math.nan)
    surplus = changes_mv[1:] - ratio * changes_mv[:-1]
    size = 1e-9 * float(np.abs(changes_mv).max())
    push = _common_divisor(surplus, max(size, 1e-9))
    levels = np.append(0.0, surplus.cumsum())
    if math.isnan(push):
        held = _largest_cluster(np.sort(levels), max(size, 1e-6))
    else:
        phases = np.sort(levels / push % 1.0)
        held = _largest_cluster(np.append(phases, phases[: phases.size // 2 + 1] + 1.0), _SAME_LEVEL)
    return Ledger(1.0 - ratio, push, 1.0 - min(held, levels.size) / levels.size)


def _most_common_ratio(changes: NDArray[np.float64]) -> float:
    """Return the ratio that the most successive changes share, or NaN if hardly any do."""
    before, after = changes[:-1], changes[1:]
    moving = np.abs(before) > 1e-6 * np.abs(changes).max(initial=0.0)
    ratios = np.sort(after[moving] / before[moving])
    ratios = ratios[(ratios > 0.0) & (ratios < 1.0)]
    if ratios.size < _FEWEST:
        return math.nan
    ends = np.searchsorted(ratios, ratios + _SAME_RATIO, side="right")
    counts = ends - np.arange(ratios.size)
    first = int(counts.argmax())
    return float(np.median(ratios[first : ends[first]])) if counts[first] >= _FEWEST else math.nan


def _common_divisor(surplus: NDArray[np.float64], nothing: float) -> float:
    """Return the largest number of which the most surpluses are whole multiples, or NaN if hardly any are."""
    sizes = np.abs(surplus[np.abs(surplus) > 1e3 * nothing])
    if sizes.size < _FEWEST:
        return math.nan
    candidates = (sizes[:, None] / np.arange(1, _MOST_AT_ONCE + 1)).ravel()
    candidates = np.sort(candidates[candidates >= _LEAST_PUSH_MV])[::-1]
    shares = sizes / candidates[:, None]
    tolerance = np.minimum(_SAME_LEVEL, 1e-5 * np.maximum(shares, 1.0))
    off = np.abs(shares - np.rint(shares)) < tolerance
    aligned = (off & (np.rint(shares) > 0)).sum(axis=1)
    found = (aligned >= _FEWEST) & (_by_chance(aligned, 2.0 * tolerance.sum(axis=1)) * candidates.size < _MOST_CHANCE)
    if not found.any():
        return math.nan
    # a half or a third of the push divides as much: the largest that nearly as many obey is the push
    return float(candidates[np.flatnonzero(found & (aligned >= 0.9 * aligned[found].max()))[0]])


def _by_chance(aligned: NDArray[np.int64], expected: NDArray[np.float64]) -> NDArray[np.float64]:
    """Bound the chance that so many sizes, besides the one that a candidate was made of, lie near whole multiples."""
    others = aligned - 1
    ways = np.cumprod(np.append(1.0, np.arange(1.0, others.max(initial=0) + 1.0)))
    chance: NDArray[np.float64] = expected**others / ways[others]
    return chance


def _largest_cluster(values: NDArray[np.float64], width: float) -> int:
    """Return how many of the ascending values lie within the width of each other."""
    return int((np.searchsorted(values, values + width, side="right") - np.arange(values.size)).max())
