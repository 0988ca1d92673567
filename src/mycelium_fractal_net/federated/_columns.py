"""Order statistics of every coordinate, in blocks of columns over threads."""

from __future__ import annotations

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from mycelium_fractal_net.federated._updates import FloatArray

__all__ = ["column_median", "column_rank_mean", "cores", "in_blocks", "in_turns"]

_LARGEST_NETWORK = 1500
_SMALLEST_PARALLEL = 1 << 20
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

    in_blocks(block, values.shape[1], values.size)
    return out


def _sorted_block(
    values: FloatArray, start: int, stop: int, low: int, high: int, nearest: int, out: NDArray[np.float64]
) -> None:
    from mycelium_fractal_net.federated._kernels import rank_means

    nothing = np.empty(0, dtype=np.int64)
    for left in range(start, stop, 64):
        right = min(left + 64, stop)
        columns = np.ascontiguousarray(values[:, left:right].T)
        columns.sort(axis=1)
        rank_means(columns.T, 0, right - left, low, high, nearest, nothing, nothing, out[left:right])


def cores() -> int:
    """Return how many cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def in_blocks(block: Callable[[int, int], None], length: int, work: int) -> None:
    """Run ``block(start, stop)`` over 0..length, on all cores if there is enough work."""
    count = min(cores(), length)
    edges = np.linspace(0, length, count + 1).astype(int).tolist()
    if work < _SMALLEST_PARALLEL or count == 1:
        block(0, length)
    else:
        in_turns(lambda turn, _: block(edges[turn], edges[turn + 1]), count, work)


def in_turns(task: Callable[[int, int], None], turns: int, work: int) -> None:
    """Run ``task(turn, turns)`` for every turn, on as many threads if there is enough work, else once."""
    if work < _SMALLEST_PARALLEL or turns == 1:
        task(0, 1)
        return
    with ThreadPoolExecutor(turns) as pool:
        list(pool.map(task, range(turns), [turns] * turns))


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
