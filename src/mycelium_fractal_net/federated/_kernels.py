"""Compiled loops: pairwise distances and order statistics per coordinate."""

from __future__ import annotations

import numpy as np
from numba import njit

_TILE = 64


@njit(cache=True, nogil=True, fastmath={"reassoc", "contract"})
def distances_between(x, first, second, scale, out):
    """Write ``|x[first[p]] - x[second[p]]|^2 scale^2`` into ``out[p]``, summed in float64."""
    for p in range(first.size):
        a, b = first[p], second[p]
        total = 0.0
        for k in range(x.shape[1]):
            gap = (np.float64(x[a, k]) - np.float64(x[b, k])) * scale
            total += gap * gap
        out[p] = total


@njit(cache=True, nogil=True, error_model="numpy")
def rank_means(x, start, stop, low, high, nearest, upper, lower, out):
    """Sort columns start..stop and write the mean of the ranks low..high into ``out``.

    The pairs (upper, lower) are a sorting network, run over 64 columns at once. With ``nearest`` > 0 the
    ranks are first narrowed to the ``nearest`` values closest to the median (ties keep the smaller).
    """
    n = x.shape[0]
    tile = np.empty((n, _TILE), dtype=x.dtype)
    for left in range(start, stop, _TILE):
        width = min(_TILE, stop - left)
        for i in range(n):
            for c in range(width):
                tile[i, c] = x[i, left + c]
            for c in range(width, _TILE):
                tile[i, c] = 0
        for p in range(upper.size):
            first, second = tile[upper[p]], tile[lower[p]]
            for c in range(_TILE):
                a, b = first[c], second[c]
                first[c] = b if b < a else a
                second[c] = a if b < a else b
        for c in range(width):
            out[left + c] = _mean_of_ranks(tile[:, c], low, high, nearest)


@njit(cache=True, nogil=True, error_model="numpy")
def _mean_of_ranks(ordered, low, high, nearest):
    if nearest > 0:
        n = ordered.size
        middle = 0.5 * np.float64(ordered[(n - 1) // 2]) + 0.5 * np.float64(ordered[n // 2])
        while high - low > nearest:
            if middle - ordered[low] > ordered[high - 1] - middle:
                low += 1
            else:
                high -= 1
    total = 0.0
    for i in range(low, high):
        total += ordered[i]
    mean = total / (high - low)
    if not np.isfinite(mean):
        mean = 0.0
        for i in range(low, high):
            mean += ordered[i] / (high - low)
    return min(max(mean, np.float64(ordered[low])), np.float64(ordered[high - 1]))
