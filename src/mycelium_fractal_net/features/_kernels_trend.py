"""Compiled features of time: two passes over five sums a step."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from mycelium_fractal_net._compiled import njit

__all__ = ["trend"]


@njit(nogil=True, error_model="numpy")
def trend(
    statistics: NDArray[np.float64], last_energy: float, cells: int, threshold: float, window: int
) -> tuple[float, float, int, float]:
    r"""Return mean and largest change, first step of a window of rest, and slope of the mean energy.

    .. math::

        \sigma_t = \sqrt{\langle d_t^2 \rangle - \langle d_t \rangle^2}, \quad d_t = V_t - V_{t-1}, \qquad
        E_{trend} = \frac{\sum_t (t - \bar t) (E_t - \bar E)}{\sum_t (t - \bar t)^2}, \quad E_t = \langle V_t^2 \rangle

    Parameters
    ----------
    statistics : ndarray, shape (steps, 5), steps >= 1
        Of each step: sum of abs(d), maximum of abs(d), sum of d, sum of d^2, sum of V^2 before the step.
    last_energy : float
        Sum of V^2 after the last step.
    cells : int
        Cells of the field.
    threshold, window : float, int
        The field rests from the first step of which on sigma stays below ``threshold`` for ``window`` steps.
    """
    steps = statistics.shape[0]
    first_rest, resting = steps, 0
    distance, largest = 0.0, 0.0
    slope = (last_energy - statistics[0, 4]) / cells * (steps / 2.0)
    for t in range(steps):
        distance += statistics[t, 0]
        largest = max(largest, statistics[t, 1])
        drift = statistics[t, 2] / cells
        spread = np.sqrt(max(statistics[t, 3] / cells - drift * drift, 0.0))
        resting = resting + 1 if spread < threshold else 0
        if resting == window and first_rest == steps:
            first_rest = t + 2 - window
        slope += (t - steps / 2.0) * ((statistics[t, 4] - statistics[0, 4]) / cells)
    frames = steps + 1.0
    return distance / steps / cells, largest, first_rest, slope / (frames * (frames * frames - 1.0) / 12.0)
