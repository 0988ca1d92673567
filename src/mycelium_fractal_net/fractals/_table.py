"""Count boxes: which scales, by which method. The hot path of the feature vector runs through here."""

from __future__ import annotations

import math
import threading
from typing import Literal, NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

from mycelium_fractal_net.fractals._covers import LONG, cover_counts
from mycelium_fractal_net.fractals._ladder import first_scales, is_exactly_similar, ladder, may_be_similar
from mycelium_fractal_net.fractals._line import Line, fit_line

__all__ = ["BoxTable", "Method", "count_boxes", "early_scales", "fast_box_dimension", "fit_table", "full_dimension"]

Method: TypeAlias = Literal["cover", "aligned"]


Extents: TypeAlias = tuple[int, int, int]
"""Number of cells, height and width of the smallest box around them."""

_NONE = np.empty(0, np.int64)


class BoxTable(NamedTuple):
    """How many boxes of each scale hold one of the ``cells`` cells."""

    cells: int
    scales: NDArray[np.int64]
    counts: NDArray[np.int64]


def early_scales(shape: tuple[int, ...]) -> NDArray[np.int64]:
    """Return the scales to count at before anything is known of the mask; none for one that takes long.

    Examples
    --------
    >>> early_scales((64, 64)).tolist()
    [2, 4, 8, 16]
    """
    return ladder(2, max(shape), max(shape)) if math.prod(shape) < LONG else _NONE


def fast_box_dimension(
    mask: NDArray[np.uint8],
    periodic: bool,
    known: Extents,
    early: NDArray[np.int64] = _NONE,
    cancel: threading.Event | None = None,
) -> tuple[float, float]:
    """Return dimension and r2 of :func:`box_counting_dimension` with its default scales, unchecked and lean.

    Parameters
    ----------
    mask : ndarray of uint8 or bool, shape (rows, columns), C-contiguous
        0 and 1 only; it is not looked at twice.
    periodic : bool
        Whether opposite edges touch.
    known : tuple of int
        What :func:`mycelium_fractal_net.fractals._kernels_boxes.extents` says of the mask.
    early : ndarray
        Boxes at :func:`early_scales`, where they have been counted.
    cancel : threading.Event, optional
        Stops the counting soon after it is set.

    Returns
    -------
    tuple of float
        (0, 0) for an empty mask and for one too small to have two scales; (2, 1) for a full one.
    """
    cells, height, width = known
    table = _count_at_fitting_scales(mask.view(np.uint8), periodic, cells, max(height, width), early, cancel)
    line = fit_table(table, mask.shape)
    return line.slope, line.r2


def count_boxes(
    mask: NDArray[np.uint8],
    method: Method,
    periodic: bool,
    scales: NDArray[np.int64] | None,
    cancel: threading.Event | None = None,
) -> BoxTable:
    """Count at the given scales, or at those that suit the mask."""
    from mycelium_fractal_net.fractals._kernels_boxes import aligned_counts, extents

    cells, height, width = extents(mask, periodic)
    if scales is None:
        side, extent = max(mask.shape), max(height, width)
        if method == "cover":
            return _count_at_fitting_scales(mask, periodic, cells, extent, _NONE, cancel)
        scales = ladder(2, side, extent)
    counts = cover_counts(mask, scales, periodic, cancel) if method == "cover" else aligned_counts(mask, scales)
    return BoxTable(cells, scales, counts)


def _count_at_fitting_scales(
    mask: NDArray[np.uint8],
    periodic: bool,
    cells: int,
    extent: int,
    early: NDArray[np.int64],
    cancel: threading.Event | None,
) -> BoxTable:
    """Count at powers of two, unless the mask is exactly similar to itself at the powers of another base."""
    side = max(mask.shape)
    if not may_be_similar(cells):
        scales = ladder(2, side, extent)
        counted = early.size >= scales.size
        counts = early[: scales.size] if counted else cover_counts(mask, scales, periodic, cancel)
        return BoxTable(cells, scales, counts)
    scales, where, bases = first_scales(side, extent)
    counts = cover_counts(mask, scales, periodic, cancel)
    powers = BoxTable(cells, scales[where], counts[where])
    if not bases or is_exactly_similar([cells, *powers.counts.tolist()]):
        return powers
    at = dict(zip(scales.tolist(), counts.tolist(), strict=True))
    for base in bases:
        if cells % at[base] == 0 and cells > at[base]:
            steps = ladder(base, side, extent)
            found = cover_counts(mask, steps, periodic, cancel)
            if is_exactly_similar([cells, *found.tolist()]):
                return BoxTable(cells, steps, found)
    return powers


def fit_table(table: BoxTable, shape: tuple[int, ...]) -> Line:
    """Fit the dimension; that of a full mask is a whole number, whatever boxes its edges cut."""
    if table.cells == 0 or shape == (1, 1):
        return Line(0.0, 0.0, math.nan)
    if table.cells == shape[0] * shape[1]:
        return Line(float(full_dimension(shape)), 1.0, 0.0)
    return fit_line(
        [-math.log(scale) for scale in table.scales.tolist()],
        [math.log(count) for count in table.counts.tolist()],
    )


def full_dimension(shape: tuple[int, ...]) -> int:
    """Return the number of axes along which the array extends: 2, or 1 for a line, or 0 for one cell."""
    return sum(side > 1 for side in shape)
