"""All that features need of a field in one compiled call: each releases the GIL and waits to get it back."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from mycelium_fractal_net._compiled import njit
from mycelium_fractal_net.features._kernels_clusters import cluster_summary
from mycelium_fractal_net.features._kernels_moments import moments
from mycelium_fractal_net.features._kernels_temporal import energy_of
from mycelium_fractal_net.features._kernels_trend import trend
from mycelium_fractal_net.fractals._kernels_boxes import cover_counts, extents

__all__ = ["summarise", "summarise_held"]


def _summarise(
    field_mv: NDArray[np.floating[Any]],
    field: NDArray[np.float64],
    statistics: NDArray[np.float64],
    active_threshold: float,
    thresholds: NDArray[np.float64],
    eight: bool,
    periodic: bool,
    rest: tuple[float, int],
    scales: NDArray[np.int64],
) -> tuple[
    NDArray[np.uint8],
    tuple[int, int, int],
    NDArray[np.int64],
    tuple[float, ...],
    tuple[float, float, int, float],
    NDArray[np.int64],
    int,
    float,
]:
    """Return the mask of active cells, its extents and counts of boxes, and the features of space and time.

    Parameters
    ----------
    field_mv, field : ndarray, shape (rows, columns), C-contiguous
        The last field in mV, as it is and in float64.
    statistics : ndarray, shape (steps, 5)
        Of the steps; of none for a field that has not been seen to move.
    active_threshold : float
        Potential in mV above which a cell is active.
    thresholds : ndarray, shape (3,)
        Of the clusters, in mV.
    eight, periodic : bool
        Whether clusters join over corners, and over opposite edges.
    rest : tuple of float and int
        Share of the spread by which a step moves, and steps of the window of ``T_stable``.
    scales : ndarray
        Sides of the boxes to count, ascending.

    Returns
    -------
    tuple
        Mask; number of active cells, height and width of the box around them; boxes; moments; mean and largest
        change, first step of rest, slope of the energy; clusters above each threshold, largest cluster, spread of
        the sizes.
    """
    active = np.empty(field.shape, np.uint8)
    for i in range(field.shape[0]):
        for j in range(field.shape[1]):
            active[i, j] = field[i, j] > active_threshold
    counts, largest, spread = cluster_summary(field, thresholds, eight, periodic)
    moved = (0.0, 0.0, 0, 0.0)
    levels = moments(field.ravel())
    if statistics.shape[0] > 0:
        moved = trend(statistics, (energy_of(field_mv), levels[2]), field.size, rest[0], rest[1])
    boxes = cover_counts(active, scales, periodic)
    return active, extents(active, periodic), boxes, levels, moved, counts, largest, spread


summarise = njit(nogil=True, error_model="numpy")(_summarise)
summarise_held = njit(error_model="numpy")(_summarise)  # with the GIL kept: for small fields
