"""The set ``events``: what happened while the field changed, from the five sums of each step."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from mycelium_fractal_net.features._ledger import read_ledger
from mycelium_fractal_net.features._sample import Sample
from mycelium_fractal_net.features._schema import described

__all__ = ["EVENTS", "events"]

_EARLY = (1, 2, 4, 8)

EVENTS = described(
    "events",
    (
        *((f"spread_{step}", "1", f"V_std after {step} steps over V_std at the start") for step in _EARLY),
        ("loss_1", "1/step", "share of its deviation from the mean that a cell loses in the first step"),
        ("exchange_1", "1/step", "share of a deviation that reaches each neighbour in the first step, of noise"),
        ("relaxation", "1/step", "rate at which the mean change decays over the second half"),
        ("relaxation_late", "1/step", "the same over the last quarter"),
        ("leak", "1/step", "share of the distance to rest lost each step, by the balance of the sums"),
        ("push", "mV/step", "what a living cell adds to its potential, by the same balance"),
        ("event_rate", "1/step", "share of steps with a jump that no whole number of pushes explains"),
        ("drift", "mV/step", "mean change of the last step"),
        ("jumps", "1", "steps whose largest change stands out of those before it"),
        ("jump_rate", "1/step", "share of such steps"),
        ("jump_size", "mV", "median of the largest change in them"),
        ("calm_size", "mV", "median of the largest change in the others"),
    ),
)
"""The set ``events``, in its order."""


class _Steps(NamedTuple):
    """Per step: mean change, mean and largest absolute change, variance of the change; per frame: variance of V."""

    drift: NDArray[np.float64]
    moved: NDArray[np.float64]
    largest: NDArray[np.float64]
    change_variance: NDArray[np.float64]
    variance: NDArray[np.float64]


def events(sample: Sample) -> list[float]:
    """Compute the set ``events``; NaN throughout where there is no step."""
    if sample.statistics is None or len(sample.statistics) == 0:
        return [math.nan] * len(EVENTS)
    steps = _steps(sample.statistics, sample.field)
    start = [*_spreads(steps), *_first_step(steps)]
    balance = read_ledger(sample.statistics[:, 2])
    return [*start, *_relaxation(steps.drift), *balance, float(steps.drift[-1]), *_jumps(steps)]


def _steps(statistics: NDArray[np.float64], last: NDArray[np.float64]) -> _Steps:
    cells = last.size
    moved, drift = statistics[:, 0] / cells, statistics[:, 2] / cells
    mean = float(last.mean()) - np.append(drift[::-1].cumsum()[::-1], 0.0)
    energy = np.append(statistics[:, 4] / cells, float((last**2).mean()))
    change = np.maximum(statistics[:, 3] / cells - drift**2, 0.0)
    return _Steps(drift, moved, statistics[:, 1], change, np.maximum(energy - mean**2, 0.0))


def _spreads(steps: _Steps) -> list[float]:
    if not steps.variance[0] > 0.0:
        return [math.nan] * len(_EARLY)
    ratio = np.sqrt(steps.variance / steps.variance[0])
    return [float(ratio[step]) if step < ratio.size else math.nan for step in _EARLY]


def _first_step(steps: _Steps) -> tuple[float, float]:
    r"""Return loss c and exchange a of a linear step on noise: var(d) = (c^2 + 4 a^2) var(V)."""
    before, after = steps.variance[:2]
    if not before > 0.0:
        return math.nan, math.nan
    change = steps.change_variance[0]
    loss = (before + change - after) / (2.0 * before)
    return float(loss), math.sqrt(max(0.0, float(change / before - loss**2))) / 2.0


def _relaxation(drift: NDArray[np.float64]) -> tuple[float, float]:
    return _decay(drift[len(drift) // 2 :]), _decay(drift[3 * len(drift) // 4 :])


def _decay(drift: NDArray[np.float64]) -> float:
    """Return 1 - r with the ratio r of successive changes: their median, weighted by the size of the change."""
    before, after = drift[:-1], drift[1:]
    held = before != 0.0
    if not held.any():
        return math.nan
    ratio, weight = after[held] / before[held], np.abs(before[held])
    order = np.argsort(ratio, kind="stable")
    reached = weight[order].cumsum()
    return 1.0 - float(ratio[order][np.searchsorted(reached, reached[-1] / 2.0)])


def _jumps(steps: _Steps) -> tuple[float, float, float, float]:
    largest = steps.largest
    jumped = np.append(False, largest[1:] > 1.3 * largest[:-1])
    count = int(jumped.sum())
    size = float(np.median(largest[jumped])) if count else 0.0
    calm = float(np.median(largest[~jumped]))
    return float(count), count / largest.size, size, calm
