"""Compiled loops: pairwise distances and order statistics per coordinate."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from mycelium_fractal_net._compiled import njit

Floats = NDArray[np.floating[Any]]
Ints = NDArray[np.integer[Any]]
Bools = NDArray[np.bool_]

_TILE = 64
_STRIP = 16
_MIX_TILE = 128


@njit(nogil=True, fastmath={"reassoc", "contract"})
def distances_between(x: Floats, first: Ints, second: Ints, out: Floats) -> None:
    """Write ``|x[first[p]] - x[second[p]]|^2`` into ``out[p]``, summed in float64."""
    for p in range(first.size):
        a, b = first[p], second[p]
        total = 0.0
        for k in range(x.shape[1]):
            gap = np.float64(x[a, k]) - np.float64(x[b, k])
            total += gap * gap
        out[p] = total


@njit(nogil=True, error_model="numpy")
def rank_means(
    x: Floats, start: int, stop: int, low: int, high: int, nearest: int, upper: Ints, lower: Ints, out: Floats
) -> None:
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
                first[c] = min(a, b)
                second[c] = max(b, a)
        for c in range(width):
            out[left + c] = _mean_of_ranks(tile[:, c], low, high, nearest)


@njit(nogil=True, error_model="numpy")
def _mean_of_ranks(ordered: Floats, low: int, high: int, nearest: int) -> float:
    if nearest > 0:
        n = ordered.size
        middle = 0.5 * np.float64(ordered[(n - 1) // 2]) + 0.5 * np.float64(ordered[n // 2])
        while high - low > nearest:
            if 0.5 * middle - 0.5 * ordered[low] > 0.5 * ordered[high - 1] - 0.5 * middle:
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


@njit(nogil=True)
def row_sizes(bits: Ints, mask: int, start: int, stop: int, out: Ints) -> None:
    """Write the largest magnitude of every row into ``out``, as the bits of a float without its sign.

    Bits of IEEE magnitudes are ordered as the numbers are, infinity and then NaN above all of them.
    """
    for i in range(start, stop):
        largest = mask & 0
        for k in range(bits.shape[1]):
            largest = max(largest, bits[i, k] & mask)
        out[i] = largest


@njit(nogil=True)
def column_means(x: Floats, rows: Ints, start: int, stop: int, out: Floats) -> None:
    """Write the mean over ``rows`` of the columns start..stop into ``out``, without overflow."""
    share = 1.0 / rows.size
    for k in range(start, stop):
        out[k] = 0.0
    for i in rows:
        for k in range(start, stop):
            out[k] += x[i, k] * share


@njit(nogil=True, fastmath={"reassoc", "contract"})
def add_centred_gram(x: Floats, rows: Ints, centre: Floats, turn: int, turns: int, panel: Floats, out: Floats) -> None:
    """Add the lower triangle of ``(x - centre)(x - centre)^T`` to ``out``: every ``turns``-th strip of it.

    Four by four dot products at a time, in the precision of ``panel``, which holds as many columns as fit into
    the cache; panels are added up in float64. The bits of an entry do not depend on ``turns``.
    """
    n = rows.size
    padded, columns = panel.shape
    for left in range(0, x.shape[1], columns):
        width = min(columns, x.shape[1] - left)
        for i in range(n):
            row = rows[i]
            for k in range(width):
                panel[i, k] = np.float64(x[row, left + k]) - centre[left + k]
        for first in range(turn * _STRIP, padded, turns * _STRIP):
            for i in range(first, padded, 4):
                for j in range(first, min(first + _STRIP, i + 4), 4):
                    _add_products(panel, i, j, width, n, out)


@njit(nogil=True, fastmath={"reassoc", "contract"}, inline="always")
def _add_products(panel: Floats, i: int, j: int, width: int, n: int, out: Floats) -> None:
    a0, a1, a2, a3 = panel[i], panel[i + 1], panel[i + 2], panel[i + 3]
    b0, b1, b2, b3 = panel[j], panel[j + 1], panel[j + 2], panel[j + 3]
    zero = panel.dtype.type(0)
    s00 = s01 = s02 = s03 = s10 = s11 = s12 = s13 = zero
    s20 = s21 = s22 = s23 = s30 = s31 = s32 = s33 = zero
    for k in range(width):
        p0, p1, p2, p3 = a0[k], a1[k], a2[k], a3[k]
        q0, q1, q2, q3 = b0[k], b1[k], b2[k], b3[k]
        s00 += p0 * q0
        s01 += p0 * q1
        s02 += p0 * q2
        s03 += p0 * q3
        s10 += p1 * q0
        s11 += p1 * q1
        s12 += p1 * q2
        s13 += p1 * q3
        s20 += p2 * q0
        s21 += p2 * q1
        s22 += p2 * q2
        s23 += p2 * q3
        s30 += p3 * q0
        s31 += p3 * q1
        s32 += p3 * q2
        s33 += p3 * q3
    sums = (s00, s01, s02, s03, s10, s11, s12, s13, s20, s21, s22, s23, s30, s31, s32, s33)
    for r in range(4):
        for c in range(4):
            if i + r < n and j + c <= i + r:
                out[i + r, j + c] += sums[4 * r + c]


@njit(nogil=True)
def mix_rows(x: Floats, members: Ints, start: int, stop: int, out: Floats) -> None:
    """Write the mean of ``x[members[i]]`` into ``out[i]``, for the columns start..stop."""
    n, count = members.shape
    tile = np.zeros((x.shape[0], _MIX_TILE))
    total = np.empty(_MIX_TILE)
    for left in range(start, stop, _MIX_TILE):
        width = min(_MIX_TILE, stop - left)
        for i in range(x.shape[0]):
            for k in range(width):
                tile[i, k] = x[i, left + k]
        for i in range(n):
            total[:] = 0.0
            for j in range(count % 4):
                row = tile[members[i, j]]
                for k in range(_MIX_TILE):
                    total[k] += row[k]
            for j in range(count % 4, count, 4):
                first, second = tile[members[i, j]], tile[members[i, j + 1]]
                third, fourth = tile[members[i, j + 2]], tile[members[i, j + 3]]
                for k in range(_MIX_TILE):
                    total[k] += (first[k] + second[k]) + (third[k] + fourth[k])
            for k in range(width):
                out[i, left + k] = total[k] / count


@njit(nogil=True)
def distances_from_gram(gram: Floats, rows: Ints, least: float, start: int, stop: int, out: Floats) -> int:
    """Fill ``out`` at the pairs of ``rows[start:stop]`` and those before; return how many pairs cancelled.

    ``gram`` is a lower Gram triangle; a pair counts as cancelled if its squared distance is below ``least`` times its
    two squared norms.
    """
    cancelled = 0
    for top in range(start, stop, _TILE):
        for left in range(0, top + 1, _TILE):
            for i in range(top, min(top + _TILE, stop)):
                for j in range(left, min(left + _TILE, i)):
                    norms = gram[i, i] + gram[j, j]
                    gap = max(norms - 2.0 * gram[i, j], 0.0)
                    cancelled += gap < least * norms
                    out[rows[i], rows[j]] = gap
                    out[rows[j], rows[i]] = gap
    return cancelled


@njit(nogil=True, fastmath={"reassoc", "contract"})
def pull_towards_rows(
    x: Floats, centre: Floats, least: float, start: int, stop: int, pull: Floats, distances: Floats
) -> None:
    """Write ``|x_i - centre|`` and add up ``(x_i - centre) / |x_i - centre|`` over the rows start..stop.

    Rows no further away than ``least`` are left out of the sum and have distance 0.
    """
    for i in range(start, stop):
        total = 0.0
        for k in range(x.shape[1]):
            gap = x[i, k] - centre[k]
            total += gap * gap
        distance = np.sqrt(total)
        distances[i] = distance if distance > least else 0.0
        if distance > least:
            inverse = 1.0 / distance
            for k in range(x.shape[1]):
                pull[k] += (x[i, k] - centre[k]) * inverse


@njit(nogil=True, fastmath={"reassoc", "contract"})
def add_clipped_rows(
    x: Floats, centre: Floats, radius: float, start: int, stop: int, moved: Floats, distances: Floats
) -> None:
    """Write ``|x_i - centre|`` and add up ``(x_i - centre) min(1, radius / |x_i - centre|)``."""
    for i in range(start, stop):
        total = 0.0
        for k in range(x.shape[1]):
            gap = x[i, k] - centre[k]
            total += gap * gap
        distances[i] = np.sqrt(total)
        share = radius / max(distances[i], radius)
        for k in range(x.shape[1]):
            moved[k] += (x[i, k] - centre[k]) * share


@njit(nogil=True)
def pick_repeatedly(distances: Floats, order: Ints, picks: int, spare: int, left: Bools, scores: Floats) -> None:
    """Pick the row of the lowest Krum score among those left, ``picks`` times.

    With m rows left a score sums the ``m - spare`` nearest (at least one) of them, in the order of ``order``.
    Equal scores, as two rows that are each other's only neighbour have, go to the lesser sum over all that
    are left, then to the lower index. A picked row leaves its score in ``scores`` and False in ``left``.
    """
    n = distances.shape[0]
    remaining = left.sum()
    for _ in range(picks):
        count = max(1, remaining - spare)
        best, lowest = -1, np.inf
        for i in range(n):
            if left[i]:
                total = _sum_nearest(distances, order, left, i, count)
                if best < 0 or total < lowest:
                    best, lowest = i, total
                elif total == lowest:
                    ours = _sum_nearest(distances, order, left, i, n)
                    if ours < _sum_nearest(distances, order, left, best, n):
                        best = i
        left[best] = False
        scores[best] = lowest
        remaining -= 1


@njit(nogil=True)
def _sum_nearest(distances: Floats, order: Ints, left: Bools, i: int, count: int) -> float:
    total, found = 0.0, 0
    for k in range(distances.shape[0]):
        j = order[i, k]
        if left[j] and j != i:
            total += distances[i, j]
            found += 1
            if found == count:
                break
    return total
