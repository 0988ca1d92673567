"""Compiled statistics of the change between two frames: one fixed order of additions, online and from arrays.

A frame is cut into blocks of ``BLOCK_ROWS`` rows. Within a block every column has an accumulator of its own, to
which its rows are added downwards, four at a time; then the columns are folded together, and the blocks are added in
order. So the result depends on the frames alone, never on how tiles or threads share the work.
"""

# ruff: noqa: FURB136 - max() of two numbers keeps the order of NaN and does not vectorise

from __future__ import annotations

from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from mycelium_fractal_net._compiled import njit

__all__ = ["BLOCK_ROWS", "GROUP_ROWS", "accumulate_group", "energy_of", "reduce_block", "step_statistics_of"]

Row: TypeAlias = NDArray[np.floating[Any]]

BLOCK_ROWS = 32
GROUP_ROWS = 4  # rows that are added up before they reach the accumulators; divides BLOCK_ROWS


@njit(nogil=True, error_model="numpy")
def _accumulate_four(
    p0: Row, p1: Row, p2: Row, p3: Row, c0: Row, c1: Row, c2: Row, c3: Row,
    distance: Row, largest: Row, drift: Row, squares: Row, energy: Row,
) -> None:  # fmt: skip
    for j in range(0, c0.shape[0]):  # noqa: PIE808 - the literal start proves that no index is negative
        b0, b1, b2, b3 = np.float64(p0[j]), np.float64(p1[j]), np.float64(p2[j]), np.float64(p3[j])
        d0, d1 = np.float64(c0[j]) - b0, np.float64(c1[j]) - b1
        d2, d3 = np.float64(c2[j]) - b2, np.float64(c3[j]) - b3
        s0, s1, s2, s3 = abs(d0), abs(d1), abs(d2), abs(d3)
        distance[j] += (s0 + s1) + (s2 + s3)
        s0 = s0 if s0 > s1 else s1
        s2 = s2 if s2 > s3 else s3
        s0 = s0 if s0 > s2 else s2
        largest[j] = s0 if s0 > largest[j] else largest[j]
        drift[j] += (d0 + d1) + (d2 + d3)
        squares[j] += (d0 * d0 + d1 * d1) + (d2 * d2 + d3 * d3)
        energy[j] += (b0 * b0 + b1 * b1) + (b2 * b2 + b3 * b3)


@njit(nogil=True, error_model="numpy")
def _accumulate_one(
    previous: Row, current: Row, distance: Row, largest: Row, drift: Row, squares: Row, energy: Row
) -> None:
    for j in range(0, current.shape[0]):  # noqa: PIE808 - the literal start proves that no index is negative
        before = np.float64(previous[j])
        d = np.float64(current[j]) - before
        size = abs(d)
        distance[j] += size
        largest[j] = size if size > largest[j] else largest[j]
        drift[j] += d
        squares[j] += d * d
        energy[j] += before * before


@njit(nogil=True, error_model="numpy")
def accumulate_group(
    previous: Row,
    p: tuple[int, int],
    current: Row,
    c: tuple[int, int],
    n: int,
    count: int,
    accumulator: NDArray[np.float64],
) -> None:
    """Add a group of rows to the accumulators, (5, n), of their block.

    The rows ``p[0]`` of ``previous`` and ``c[0]`` of ``current`` and those below, ``count`` of them, each ``n`` cells
    from column ``p[1]`` or ``c[1]`` on; a group has GROUP_ROWS rows, or fewer at the end of the grid. With
    d = current - previous: sum of |d|, maximum of |d|, sum of d, sum of d**2, sum of previous**2. The last one is
    the energy of the frame *before* the step, so that the start counts; :func:`energy_of` gives that of the last.
    """
    distance, largest, drift = accumulator[0], accumulator[1], accumulator[2]
    squares, energy = accumulator[3], accumulator[4]
    i, j = p
    k, m = c
    if count == GROUP_ROWS:
        _accumulate_four(
            previous[i, j : j + n], previous[i + 1, j : j + n], previous[i + 2, j : j + n], previous[i + 3, j : j + n],
            current[k, m : m + n], current[k + 1, m : m + n], current[k + 2, m : m + n], current[k + 3, m : m + n],
            distance, largest, drift, squares, energy,
        )  # fmt: skip
        return
    for row in range(count):
        _accumulate_one(
            previous[i + row, j : j + n], current[k + row, m : m + n], distance, largest, drift, squares, energy
        )


@njit(nogil=True, error_model="numpy")
def reduce_block(accumulator: NDArray[np.float64], out: NDArray[np.float64]) -> None:
    """Fold the columns of a block, (5, n), by halves into the five numbers of ``out``; zero the accumulator."""
    for q in range(5):
        n = accumulator.shape[1]
        while n > 1:
            half = (n + 1) // 2
            _fold(accumulator[q, :half], accumulator[q, half:n], q == 1)
            n = half
        out[q] = accumulator[q, 0]
        accumulator[q, :] = 0.0


@njit(nogil=True, error_model="numpy")
def _fold(left: NDArray[np.float64], right: NDArray[np.float64], keep_largest: bool) -> None:
    if keep_largest:
        for j in range(right.shape[0]):
            left[j] = right[j] if right[j] > left[j] else left[j]
    else:
        for j in range(right.shape[0]):
            left[j] += right[j]


@njit(nogil=True, error_model="numpy")
def _statistics_between(
    previous: NDArray[np.floating[Any]],
    current: NDArray[np.floating[Any]],
    accumulator: NDArray[np.float64],
    out: NDArray[np.float64],
) -> None:
    block = np.empty(5)
    out[:] = 0.0
    rows = current.shape[0]
    for top in range(0, rows, BLOCK_ROWS):
        for row in range(top, min(top + BLOCK_ROWS, rows), GROUP_ROWS):
            count = min(GROUP_ROWS, rows - row)
            accumulate_group(previous, (row, 0), current, (row, 0), current.shape[1], count, accumulator)
        reduce_block(accumulator, block)
        for q in range(5):
            out[q] = max(out[q], block[q]) if q == 1 else out[q] + block[q]


@njit(nogil=True, error_model="numpy")
def step_statistics_of(history: NDArray[np.floating[Any]]) -> NDArray[np.float64]:
    """Return the five statistics of every step of (T, rows, columns) frames, (T - 1, 5)."""
    statistics = np.empty((history.shape[0] - 1, 5))
    accumulator = np.zeros((5, history.shape[2]))
    for step in range(statistics.shape[0]):
        _statistics_between(history[step], history[step + 1], accumulator, statistics[step])
    return statistics


@njit(nogil=True, error_model="numpy")
def energy_of(field: NDArray[np.floating[Any]]) -> float:
    """Return the sum of V**2 over the cells, in the order in which the steps add it."""
    statistics = np.empty(5)
    _statistics_between(field, field, np.zeros((5, field.shape[1])), statistics)
    return float(statistics[4])
