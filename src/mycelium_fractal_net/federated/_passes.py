"""Sums over the rows as seen from a centre; their bits do not depend on the number of threads."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from mycelium_fractal_net.federated._scale import is_ordinary, row_sizes
from mycelium_fractal_net.federated._threads import in_blocks
from mycelium_fractal_net.federated._updates import FloatArray

__all__ = ["ROUNDING", "clipped_mean", "unit_pull"]

ROUNDING = 4.0 * float(np.finfo(np.float64).eps)

_GROUPS = 8
_Sums = tuple[NDArray[np.float64], NDArray[np.float64]]


def unit_pull(values: FloatArray, centre: NDArray[np.float64]) -> _Sums:
    """Return the sum of the unit vectors from the centre to the rows, and the rows' distances.

    A row that is no further from the centre than the centre's own rounding is at it, at distance 0.
    """
    from mycelium_fractal_net.federated._kernels import pull_towards_rows

    least = ROUNDING * float(np.abs(centre).max())
    return _grouped(lambda *span: pull_towards_rows(values, centre, least, *span), values)


def clipped_mean(values: FloatArray, centre: NDArray[np.float64], radius: float) -> _Sums:
    """Return the mean of the rows' differences to the centre, cut to the radius, and their distances."""
    sizes = np.append(row_sizes(values), np.abs(centre).max())
    if not (is_ordinary(sizes) and is_ordinary(np.array([radius]))):
        return _clipped_mean_of_any_size(values, centre, radius)
    from mycelium_fractal_net.federated._kernels import add_clipped_rows

    total, distances = _grouped(lambda *span: add_clipped_rows(values, centre, radius, *span), values)
    return total / len(values), distances


def _clipped_mean_of_any_size(values: FloatArray, centre: NDArray[np.float64], radius: float) -> _Sums:
    """Do the same for differences whose squares, or which themselves, leave float64; in halves, row by row."""
    moved, distances = np.zeros(len(centre)), np.zeros(len(values))
    for i, row in enumerate(values):
        gap = 0.5 * row.astype(np.float64) - 0.5 * centre
        size = float(np.abs(gap).max())
        if size == 0.0:
            continue
        shape = gap / size
        length = float(np.linalg.norm(shape))
        near = size * length <= 0.5 * radius
        moved += (2.0 * gap if near else shape * (radius / length)) / len(values)
        with np.errstate(over="ignore"):  # a distance may be no double though its ends are
            distances[i] = 2.0 * np.float64(size) * length
    return moved, distances


def _grouped(task: Callable[..., None], values: FloatArray) -> _Sums:
    """Run `task` on a fixed number of groups of rows, whatever the threads, and add up in order."""
    n, d = values.shape
    groups = min(_GROUPS, n)
    edges = np.linspace(0, n, groups + 1).astype(int).tolist()
    sums, distances = np.zeros((groups, d)), np.empty(n)

    def block(start: int, stop: int) -> None:
        for group in range(start, stop):
            task(edges[group], edges[group + 1], sums[group], distances)

    in_blocks(block, groups, values.size)
    return sums.sum(axis=0), distances
