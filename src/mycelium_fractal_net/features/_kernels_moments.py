"""Compiled moments of a field, in two passes over lanes that the compiler turns into vectors."""

# ruff: noqa: FURB136 - max() of two numbers keeps the order of NaN and does not vectorise

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from mycelium_fractal_net._compiled import njit

__all__ = ["all_within", "moments"]

LANES = 256


@njit(nogil=True, error_model="numpy")
def all_within(flat: NDArray[np.floating[Any]], limit: float) -> bool:
    """Tell whether every value is a number between -limit and limit."""
    outside = 0
    for i in range(flat.shape[0]):
        outside += not (abs(flat[i]) <= limit)
    return outside == 0


@njit(nogil=True, error_model="numpy")
def _sum_of(lanes: NDArray[np.float64]) -> float:
    n = lanes.shape[0]
    while n > 1:
        half = (n + 1) // 2
        left, right = lanes[:half], lanes[half:n]
        for j in range(right.shape[0]):
            left[j] += right[j]
        n = half
    return float(lanes[0])


@njit(nogil=True, error_model="numpy")
def _level(flat: NDArray[np.float64]) -> tuple[float, float, float]:
    """Return minimum, maximum and mean; the mean of the distances to the first value, which are exact nearby."""
    low, high = np.full(LANES, flat[0]), np.full(LANES, flat[0])
    total = np.zeros(LANES)
    shift = flat[0]
    for start in range(0, flat.shape[0], LANES):
        chunk = flat[start : start + LANES]
        for j in range(0, chunk.shape[0]):  # noqa: PIE808 - the literal start proves that no index is negative
            low[j] = chunk[j] if chunk[j] < low[j] else low[j]
            high[j] = chunk[j] if chunk[j] > high[j] else high[j]
            total[j] += chunk[j] - shift
    least, most = low[0], high[0]
    for j in range(1, LANES):
        least = low[j] if low[j] < least else least
        most = high[j] if high[j] > most else most
    return least, most, min(max(shift + _sum_of(total) / flat.shape[0], least), most)


@njit(nogil=True, error_model="numpy")
def moments(flat: NDArray[np.float64]) -> tuple[float, float, float, float, float, float]:
    """Return minimum, maximum, mean, population standard deviation, skewness and excess kurtosis.

    Deviations are taken as shares of the largest one, so that no power of them over- or underflows, and are
    corrected by their own mean, which rounding leaves.
    """
    least, most, mean = _level(flat)
    unit = max(most - mean, mean - least)
    if least == most or unit == 0.0:
        return least, most, mean, 0.0, 0.0, 0.0
    first, second = np.zeros(LANES), np.zeros(LANES)
    third, fourth = np.zeros(LANES), np.zeros(LANES)
    for start in range(0, flat.shape[0], LANES):
        chunk = flat[start : start + LANES]
        for j in range(0, chunk.shape[0]):  # noqa: PIE808 - as above
            u = (chunk[j] - mean) / unit
            square = u * u
            first[j] += u
            second[j] += square
            third[j] += square * u
            fourth[j] += square * square
    n = flat.shape[0]
    m1, m2, m3, m4 = _sum_of(first) / n, _sum_of(second) / n, _sum_of(third) / n, _sum_of(fourth) / n
    variance = m2 - m1 * m1
    skewed = m3 - 3.0 * m1 * m2 + 2.0 * m1**3
    tailed = m4 - 4.0 * m1 * m3 + 6.0 * m1 * m1 * m2 - 3.0 * m1**4
    return (
        least,
        most,
        mean,
        unit * np.sqrt(variance),
        skewed / (variance * np.sqrt(variance)),
        tailed / (variance * variance) - 3.0,
    )
