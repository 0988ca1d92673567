"""Squared distances between all updates, accurate pair by pair."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from mycelium_fractal_net.federated._columns import in_blocks
from mycelium_fractal_net.federated._updates import FloatArray

__all__ = ["squared_distances", "squared_distances_of_pairs", "tame"]

_BLOCK_BYTES = 1 << 26
_DIRECT_WORK = 1 << 20
_CANCELLED = 1e-6
_DEEPEST = 3


def squared_distances(values: FloatArray) -> NDArray[np.float64]:
    """Return ``|x_i - x_j|^2`` for all pairs, shape (n, n), symmetric, zero diagonal.

    From a blocked Gram matrix in float64, centred on the mean of the updates of ordinary size. A pair whose
    difference cancels there (closer than 1e-3 of its distance to the centre) is computed again around a
    centre among its own neighbours, at last from the difference itself. So one update of 1e30, or many, take
    nothing from the precision of the others: the relative error of every entry stays below about 1e-9.
    """
    values = tame(values)
    n = len(values)
    out = np.zeros((n, n))
    if n * n * values.shape[1] <= 2 * _DIRECT_WORK:
        _fill_direct(values, np.triu(np.ones((n, n), dtype=bool), 1), np.arange(n), out)
        return out
    sizes = np.abs(values).max(axis=1)
    ordinary = np.flatnonzero(sizes <= 2 * np.median(sizes))
    _fill(values, np.arange(n), ordinary, out, 0)
    return out


def squared_distances_of_pairs(
    values: FloatArray, first: NDArray[np.intp], second: NDArray[np.intp]
) -> NDArray[np.float64]:
    """Return ``|x_first - x_second|^2`` from the differences themselves."""
    from mycelium_fractal_net.federated._kernels import distances_between

    out = np.empty(len(first))

    def block(start: int, stop: int) -> None:
        distances_between(values, first[start:stop], second[start:stop], 1.0, out[start:stop])

    in_blocks(block, len(first), len(first) * values.shape[1])
    return out


def tame(values: FloatArray) -> FloatArray:
    """Bring the values to a scale at which squares neither overflow nor vanish, for ranking only.

    The scale is the power of two nearest to the median of the rows' largest entries, so f hostile rows do not
    set it; rows 2^400 times larger are shrunk along their own direction. Returns the input itself where
    nothing needs to be done. Distances are then in units of the scale (see `distance_unit`).
    """
    sizes = np.abs(values).max(axis=1).astype(np.float64)
    unit = distance_unit(sizes)
    largest = float(sizes.max())
    if unit == 1.0 and largest < 1e130:
        return values
    limit = 2.0**400
    scaled = values.astype(np.float64) / unit
    wild = np.flatnonzero(sizes / unit > limit)
    scaled[wild] = values[wild] / sizes[wild, None] * limit
    return scaled


def distance_unit(sizes: NDArray[np.float64]) -> float:
    """Return 1, or the power of two by which the rows are divided if their squares are out of range."""
    middle = float(np.median(sizes))
    if 1e-120 < middle < 1e120 or middle == 0.0:
        return 1.0
    return float(2.0 ** np.floor(np.log2(middle)))


def _fill(
    values: FloatArray,
    rows: NDArray[np.intp],
    ordinary: NDArray[np.intp],
    out: NDArray[np.float64],
    depth: int,
) -> None:
    """Write the distances among `rows`, centred on the mean of `ordinary`; repair what cancels."""
    gram = _centred_gram(values, rows, ordinary)
    norms = np.diagonal(gram).copy()
    sums = norms[:, None] + norms[None, :]
    distances = sums - 2.0 * gram
    cancelled = distances < _CANCELLED * sums
    np.fill_diagonal(cancelled, val=False)
    np.fill_diagonal(distances, 0.0)
    out[np.ix_(rows, rows)] = np.maximum(distances, 0.0)
    if not cancelled.any():
        return
    if depth == _DEEPEST or 50 * np.count_nonzero(cancelled) < len(rows) ** 2:
        _fill_direct(values, np.triu(cancelled), rows, out)
        return
    for group in _groups(cancelled):
        _fill(values, rows[group], rows[group[:1]], out, depth + 1)


def _centred_gram(
    values: FloatArray, rows: NDArray[np.intp], ordinary: NDArray[np.intp]
) -> NDArray[np.float64]:
    step = max(1, _BLOCK_BYTES // (8 * len(rows)))
    everything = len(rows) == len(values)
    gram = np.zeros((len(rows), len(rows)))
    for left in range(0, values.shape[1], step):
        columns = values[:, left : left + step]
        block = (columns if everything else columns[rows]).astype(np.float64)
        block -= columns[ordinary].mean(axis=0, dtype=np.float64)
        gram += block @ block.T
    return gram


def _groups(close: NDArray[np.bool_]) -> list[NDArray[np.intp]]:
    """Return the connected components of at least two rows."""
    from scipy.sparse import csr_array
    from scipy.sparse.csgraph import connected_components

    _, label = connected_components(csr_array(close), directed=False)
    order = np.argsort(label, kind="stable")
    groups = np.split(order, np.flatnonzero(np.diff(label[order])) + 1)
    return [group for group in groups if len(group) > 1]


def _fill_direct(
    values: FloatArray, wanted: NDArray[np.bool_], rows: NDArray[np.intp], out: NDArray[np.float64]
) -> None:
    first, second = (rows[index] for index in np.nonzero(wanted))
    found = squared_distances_of_pairs(values, first, second)
    out[first, second] = found
    out[second, first] = found
