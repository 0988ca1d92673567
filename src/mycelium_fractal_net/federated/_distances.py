"""Squared distances between all updates, accurate pair by pair."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from mycelium_fractal_net._checks import available_cores
from mycelium_fractal_net._lazy import need
from mycelium_fractal_net.errors import AggregationError
from mycelium_fractal_net.federated._scale import middle_size, row_sizes
from mycelium_fractal_net.federated._threads import in_blocks, in_turns, stop_if_cancelled, stretches
from mycelium_fractal_net.federated._updates import FloatArray

__all__ = ["nearest_first", "rough_squared_distances", "squared_distances", "squared_distances_of_pairs"]

_CANCELLED = 1e-6
_DEEPEST = 3
_DIRECT_WORK = 1 << 21
_PANEL_BYTES = 4096
_WELL_APART = 0.05
_SAFE_IN_FLOAT32 = 1e15
_MOST_ROWS = 20_000
_TILE = 64


def squared_distances(values: FloatArray) -> NDArray[np.float64]:
    """Return ``|x_i - x_j|^2`` for all pairs of tame rows, shape (n, n), symmetric, zero diagonal.

    From a Gram matrix in float64, centred on the mean of the rows of ordinary size. A pair whose difference
    cancels there (closer than 1e-3 of its distance to the centre) is computed again around a centre among
    its own neighbours, at last from the difference itself. So one update of 1e30, or many, take nothing from
    the precision of the others: the relative error of every entry stays below about 1e-9.

    Raises
    ------
    AggregationError
        For more than 20,000 rows, whose pairs do not fit into memory.
    """
    n = len(values)
    if n > _MOST_ROWS:
        raise AggregationError(
            f"the distances of all pairs of {n} updates need {8 * n * n / 2**30:.0f} GiB; "
            f"use Tree.default({n}), which compares within leaves",
            n=n,
        )
    out = np.zeros((n, n))
    everyone = np.arange(n)
    if n * n * values.shape[1] <= _DIRECT_WORK:
        _fill_direct(values, np.tri(n, k=-1, dtype=bool), everyone, out)
    else:
        sizes = row_sizes(values)
        _fill(values, everyone, np.flatnonzero(0.5 * sizes <= middle_size(sizes)), out, 0)
    return out


def rough_squared_distances(values: FloatArray) -> NDArray[np.float64] | None:
    """Return the squared distances with a relative error below 4e-4, in half the time; or None.

    None if the rows are few, too large or small for products in float32, or if some pair lies so close that
    its difference cancels; `squared_distances` has to be asked then.

    The bound: a lane sums at most 256 products of float32, each of two rounded factors, so an entry of the
    Gram matrix is off by at most 260 * 2^-24 of the product of its two norms, half their squared sum, and no
    squared distance is smaller than 0.05 of that sum.
    """
    n = len(values)
    if n > _MOST_ROWS or n * n * values.shape[1] < 64 * _DIRECT_WORK:
        return None
    sizes = row_sizes(values)
    middle = middle_size(sizes)
    if sizes.max() > _SAFE_IN_FLOAT32 or middle < 1.0 / _SAFE_IN_FLOAT32:
        return None
    everyone, out = np.arange(n), np.zeros((n, n))
    gram = _centred_gram(values, everyone, np.flatnonzero(sizes <= 2 * middle), np.float32)
    return None if _fill_from(gram, everyone, _WELL_APART, out) else out


def squared_distances_of_pairs(
    values: FloatArray, first: NDArray[np.intp], second: NDArray[np.intp]
) -> NDArray[np.float64]:
    """Return ``|x_first - x_second|^2`` from the differences themselves."""
    from mycelium_fractal_net.federated._kernels import distances_between

    out = np.empty(len(first))

    def block(start: int, stop: int) -> None:
        distances_between(values, first[start:stop], second[start:stop], out[start:stop])

    in_blocks(block, len(first), len(first) * values.shape[1])
    return out


def nearest_first(distances: NDArray[np.float64], keep: int | None = None) -> NDArray[np.intp]:
    """Return for every row the indices of the others, itself among them, by distance; lower indices on ties.

    Of the nearest ``keep`` alone, if that is given, and then in ascending order.
    """
    n = len(distances)
    order = np.empty((n, n if keep is None else keep), dtype=np.intp)

    def block(start: int, stop: int) -> None:
        found = np.argsort(distances[start:stop], axis=1, kind="stable")
        order[start:stop] = found if keep is None else np.sort(found[:, :keep], axis=1)

    in_blocks(block, n, 8 * n * n)
    return order


def _fill(
    values: FloatArray,
    rows: NDArray[np.intp],
    ordinary: NDArray[np.intp],
    out: NDArray[np.float64],
    depth: int,
) -> None:
    """Write the distances among `rows`, centred on the mean of `ordinary`; repair what cancels."""
    stop_if_cancelled()
    gram = _centred_gram(values, rows, ordinary)
    count = _fill_from(gram, rows, _CANCELLED, out)
    if count == 0:
        return
    norms = np.diagonal(gram)
    close = np.tril(out[np.ix_(rows, rows)] < _CANCELLED * (norms[:, None] + norms), -1)
    if depth == _DEEPEST or count < len(rows):
        _fill_direct(values, close, rows, out)
        return
    for group in _groups(close):
        _fill(values, rows[group], rows[group[:1]], out, depth + 1)


def _fill_from(gram: NDArray[np.float64], rows: NDArray[np.intp], least: float, out: NDArray[np.float64]) -> int:
    """Write the distances that a Gram matrix implies; return how many of them cancelled."""
    from mycelium_fractal_net.federated._kernels import distances_from_gram

    n = len(rows)
    return sum(
        distances_from_gram(gram, rows, least, part.start, part.stop, out) for part in stretches(n, 4 * n * n, _TILE)
    )


def _centred_gram(
    values: FloatArray,
    rows: NDArray[np.intp],
    ordinary: NDArray[np.intp],
    dtype: type[np.floating[Any]] = np.float64,
) -> NDArray[np.float64]:
    """Return the lower triangle of the Gram matrix of `rows` around the mean of `ordinary`."""
    from mycelium_fractal_net.federated._kernels import add_centred_gram, column_means

    centre = np.empty(values.shape[1])
    work = len(ordinary) * values.shape[1]
    in_blocks(lambda start, stop: column_means(values, ordinary, start, stop, centre), len(centre), work)
    gram = np.zeros((len(rows), len(rows)))
    columns = min(_PANEL_BYTES // np.dtype(dtype).itemsize, values.shape[1])

    def strips(turn: int, turns: int) -> None:
        panel = np.zeros((-(-len(rows) // 4) * 4, columns), dtype)
        add_centred_gram(values, rows, centre, turn, turns, panel, gram)

    in_turns(strips, available_cores(), len(rows) ** 2 * values.shape[1] // 8)
    return gram


def _groups(close: NDArray[np.bool_]) -> list[NDArray[np.intp]]:
    """Return the connected components of at least two rows."""
    csr_array = need("scipy.sparse:csr_array", "scipy")
    connected_components = need("scipy.sparse.csgraph:connected_components", "scipy")
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
