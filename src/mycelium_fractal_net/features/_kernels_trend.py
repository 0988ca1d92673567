"""Compiled features of time: passes over the five sums of each step."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from mycelium_fractal_net._compiled import njit

__all__ = ["trend"]


@njit(nogil=True, error_model="numpy")
def trend(
    statistics: NDArray[np.float64], last: tuple[float, float], cells: int, share: float, window: int
) -> tuple[float, float, int, float]:
    r"""Return mean and largest change, first step of rest, and slope of the mean energy.

    .. math::

        E_{trend} = \frac{\sum_t (t - \bar t) (E_t - \bar E)}{\sum_t (t - \bar t)^2}, \quad E_t = \langle V_t^2 \rangle

    A step moves if its mean absolute change exceeds ``share`` of the largest spread: of the standard deviation over
    the cells at any time, or of the mean's distance from where it began. The field rests from the step on after
    which no window has more moving steps than resting ones: a running median, that a single event does not reset.

    Parameters
    ----------
    statistics : ndarray, shape (steps, 5), steps >= 1
        Of each step: sum of abs(d), maximum of abs(d), sum of d, sum of d^2, sum of V^2 before the step.
    last : tuple of float
        Sum of V^2, and mean of V, after the last step.
    cells : int
        Cells of the field.
    share, window : float, int
        What counts as moving, and the steps of a window.
    """
    steps = statistics.shape[0]
    distance, largest = 0.0, 0.0
    slope = (last[0] - statistics[0, 4]) / cells * (steps / 2.0)
    for t in range(steps):
        distance += statistics[t, 0]
        largest = max(largest, statistics[t, 1])
        slope += (t - steps / 2.0) * ((statistics[t, 4] - statistics[0, 4]) / cells)
    frames = steps + 1.0
    slope /= frames * (frames * frames - 1.0) / 12.0
    return distance / steps / cells, largest, _first_rest(statistics, last, cells, share, window), slope


@njit(nogil=True, error_model="numpy")
def _first_rest(
    statistics: NDArray[np.float64], last: tuple[float, float], cells: int, share: float, window: int
) -> int:
    steps = statistics.shape[0]
    limit = share * _largest_spread(statistics, last, cells)
    moved = np.zeros(steps + 1, np.int64)  # how many of the first t steps move
    for t in range(steps):
        moved[t + 1] = moved[t] + (statistics[t, 0] / cells > limit)
    ahead = (window - 1) // 2
    back = window - 1 - ahead
    first = 1
    for t in range(steps):  # the first step stands for those before it, the last for those after it
        count = moved[min(t + ahead + 1, steps)] - moved[max(t - back, 0)]
        count += max(back - t, 0) * moved[1] + max(t + ahead + 1 - steps, 0) * (moved[steps] - moved[steps - 1])
        if 2 * count > window:
            first = t + 2
    return first if steps - first + 1 >= window else steps


@njit(nogil=True, error_model="numpy")
def _largest_spread(statistics: NDArray[np.float64], last: tuple[float, float], cells: int) -> float:
    steps = statistics.shape[0]
    mean, energy, drifted, most = last[1], last[0] / cells, 0.0, 0.0
    for t in range(steps, -1, -1):
        most = max(most, energy - mean * mean)
        if t > 0:
            mean -= statistics[t - 1, 2] / cells
            energy = statistics[t - 1, 4] / cells
    start = mean
    for t in range(steps):
        mean += statistics[t, 2] / cells
        drifted = max(drifted, abs(mean - start))
    return float(max(np.sqrt(max(most, 0.0)), drifted))
