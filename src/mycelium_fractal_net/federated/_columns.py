"""Order statistics of every coordinate, in blocks of columns over threads."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from mycelium_fractal_net.federated._threads import in_blocks, stop_if_cancelled
from mycelium_fractal_net.federated._updates import FloatArray

__all__ = ["column_median", "column_rank_mean"]

_LARGEST_NETWORK = 1500
_TILE = 64
_SORTED_AT_ONCE = 1 << 18
_Pairs = tuple[NDArray[np.int64], NDArray[np.int64]]


def column_median(values: FloatArray) -> NDArray[np.float64]:
    """Return the median of every column; the mean of the two middle values if n is even."""
    n = len(values)
    return column_rank_mean(values, (n - 1) // 2, n // 2 + 1)


def column_rank_mean(values: FloatArray, low: int, high: int, nearest: int = 0) -> NDArray[np.float64]:
    """Return per column the mean of the sorted values low..high-1, or of the `nearest` ones to the median.

    Sums run in sorted order, so that the answer does not depend on the order of the rows, nor on threads.
    """
    out = np.empty(values.shape[1])
    if len(values) <= _LARGEST_NETWORK:
        from mycelium_fractal_net.federated._kernels import rank_means

        upper, lower = _sorting_network(len(values))

        def block(start: int, stop: int) -> None:
            rank_means(values, start, stop, low, high, nearest, upper, lower, out)
    else:

        def block(start: int, stop: int) -> None:
            _sorted_block(values, start, stop, low, high, nearest, out)

    in_blocks(block, values.shape[1], values.size, _TILE)
    return out


def _sorted_block(
    values: FloatArray, start: int, stop: int, low: int, high: int, nearest: int, out: NDArray[np.float64]
) -> None:
    from mycelium_fractal_net.federated._kernels import rank_means

    nothing = np.empty(0, dtype=np.int64)
    width = max(1, min(_TILE, _SORTED_AT_ONCE // len(values)))
    for left in range(start, stop, width):
        stop_if_cancelled()
        right = min(left + width, stop)
        columns = np.ascontiguousarray(values[:, left:right].T)
        columns.sort(axis=1)
        rank_means(columns.T, 0, right - left, low, high, nearest, nothing, nothing, out[left:right])


@lru_cache(maxsize=64)
def _sorting_network(n: int) -> _Pairs:
    """Make the comparators of Batcher's merge-exchange sort (Knuth, TAOCP 3, algorithm 5.2.2M)."""
    upper, lower = [np.empty(0, dtype=np.int64)], [np.empty(0, dtype=np.int64)]
    top = 1 << max(0, (n - 1).bit_length() - 1)
    p = top if n > 1 else 0
    while p > 0:
        q, r, d = top, 0, p
        while True:
            i = np.arange(n - d)
            i = i[(i & p) == r]
            upper.append(i)
            lower.append(i + d)
            if q == p:
                break
            d, q, r = q - p, q >> 1, p
        p >>= 1
    return np.concatenate(upper), np.concatenate(lower)
