"""How the field moves: change per step, time to settle, trend of the energy."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mycelium_fractal_net.features._input import as_history

__all__ = ["step_statistics_of", "temporal_features"]


def step_statistics_of(history: Any) -> NDArray[np.float64]:
    """Return the statistics of a history that the engine gathers while it runs, to the same bits.

    Parameters
    ----------
    history : array_like, shape (T, N, M) or (N, M)
        Potential in mV, one field a step.

    Returns
    -------
    ndarray, shape (T - 1, 5)
        Of each step's change d: sum of abs(d), max of abs(d), sum of d, sum of d^2; and the sum of the squared
        potential before the step.

    Examples
    --------
    >>> step_statistics_of([[[1.0, 2.0]], [[1.0, 5.0]]]).tolist()
    [[3.0, 3.0, 3.0, 9.0, 5.0]]
    """
    from mycelium_fractal_net.features import _kernels_temporal

    statistics: NDArray[np.float64] = _kernels_temporal.step_statistics_of(as_history(history))
    return statistics


def temporal_features(
    field_mv: NDArray[np.floating[Any]], statistics: NDArray[np.float64], threshold: float, window: int
) -> tuple[float, float, float, float]:
    """Return dV_mean, dV_max (mV/step), T_stable (steps) and E_trend (mV^2/step) of step statistics (T, 5)."""
    steps, cells = len(statistics), field_mv.size
    if steps < 1:
        return 0.0, 0.0, 0.0, 0.0
    mean_change = math.fsum(statistics[:, 0]) / (cells * steps)
    return (
        mean_change,
        float(statistics[:, 1].max()),
        _settled(statistics, cells, threshold, window),
        _trend(field_mv, statistics),
    )


def _settled(changes: NDArray[np.float64], cells: int, threshold: float, window: int) -> float:
    """Return the first step from which the change's standard deviation stays small, or the number of steps."""
    steps = len(changes)
    variance = changes[:, 3] / cells - (changes[:, 2] / cells) ** 2
    restless = np.flatnonzero(variance >= threshold * threshold)
    if restless.size == 0:
        return 1.0 if steps >= window else float(steps)
    edges = np.concatenate([[-1], restless, [steps]])
    calm = np.flatnonzero(np.diff(edges) - 1 >= window)
    return float(edges[calm[0]] + 2) if calm.size else float(steps)


def _trend(field_mv: NDArray[np.floating[Any]], statistics: NDArray[np.float64]) -> float:
    """Return the slope of the least-squares line through the mean squared potential against the step."""
    from mycelium_fractal_net.features._kernels_temporal import energy_of

    energy = np.append(statistics[:, 4], energy_of(field_mv)) / field_mv.size
    time = np.arange(len(energy)) - (len(energy) - 1) / 2
    return math.fsum(time * (energy - energy[0])) / math.fsum(time * time)
