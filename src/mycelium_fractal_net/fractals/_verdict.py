"""What a table of box counts entitles one to say."""

from __future__ import annotations

import math
from typing import Literal, NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

from mycelium_fractal_net.fractals._table import BoxTable
from mycelium_fractal_net.fractals._thick import ThickLine, fit_thick_line

__all__ = ["Judgement", "Verdict", "judge"]

Verdict: TypeAlias = Literal["fractal", "crossover", "filled", "empty", "insufficient"]

_SAME_SLOPE = 1e-6
_WHOLE_SLOPE = 0.03
_SPREAD = 0.2
_WORST_SPREAD = 0.3
_ROUND_LINE = 0.1
_ROUND_PLANE = 0.05
_MOSTLY_AREA = 0.85
_MOSTLY_AREA_OF_FEW = 0.5
_RANGE = 8
_FEWEST_BOXES = 10
_ENOUGH_SCALES = 6
_RESIDUAL = 0.06
_THINNEST, _THICKEST = -0.4, 1.5
_THIN_SET = 0.05
_MOST_CORRECTED = 1.1
_MUCH_BETTER = 2.0
_HOLE = 1 / 12
_HOLE_IN_BOXES = 5


class Judgement(NamedTuple):
    """A verdict, and the line that takes the size of the cells into account where only that one is straight."""

    verdict: Verdict
    thick: ThickLine | None = None


def judge(
    mask: NDArray[np.uint8], table: BoxTable, dimension: float, slopes: NDArray[np.float64], periodic: bool
) -> Judgement:
    """Say whether one power law holds; see :func:`box_counting_dimension` for what each word means."""
    if table.cells == 0:
        return Judgement("empty")
    if table.cells == mask.size and mask.size > 1:
        return Judgement("filled")
    if table.scales.size < 3 or table.counts[0] < 2 * table.counts[-1]:
        return Judgement("insufficient")
    if _all_near_a_whole_number(slopes):
        filled = abs(_slope_from_single_cells(table) - slopes[0]) <= _SPREAD
        return Judgement("filled" if filled else "crossover")
    if _is_exact(table, slopes):
        return Judgement("fractal")
    steps = _at_least_doubling(table)
    resolved = _take(steps, (steps.counts >= _FEWEST_BOXES) & (steps.scales > 1))
    if resolved.scales.size < _ENOUGH_SCALES:
        return Judgement(_of_few_scales(mask, steps, resolved, dimension, periodic))
    thick = fit_thick_line(resolved.scales, resolved.counts)
    verdict = _of_many_scales(mask, table.cells, steps, thick, dimension, periodic)
    return Judgement(verdict, thick if verdict == "fractal" and _needs_thickness(mask, table.cells, thick) else None)


def _of_few_scales(
    mask: NDArray[np.uint8], steps: BoxTable, resolved: BoxTable, dimension: float, periodic: bool
) -> Verdict:
    if _spread(steps, -0.5) > _SPREAD or _share_of_inner_cells(mask, steps.cells) > _MOSTLY_AREA_OF_FEW:
        return "crossover"
    if not _is_wide(steps):
        return "insufficient"
    if _is_round(dimension) or not _has_hole(mask, periodic, 1):
        return "crossover"
    agrees = _is_wide(resolved) and _spread(resolved, 0.5) <= _WORST_SPREAD
    return "fractal" if agrees and _has_large_hole(mask, periodic, steps) else "insufficient"


def _of_many_scales(
    mask: NDArray[np.uint8], cells: int, steps: BoxTable, thick: ThickLine, dimension: float, periodic: bool
) -> Verdict:
    straight = thick.residual <= _RESIDUAL and _THINNEST <= thick.thickness <= _THICKEST
    if not straight or _share_of_inner_cells(mask, cells) > _MOSTLY_AREA:
        return "crossover"
    if _is_round(dimension) or _is_round(thick.line.slope) or not _has_hole(mask, periodic, 1):
        return "crossover"
    return "fractal" if _has_large_hole(mask, periodic, steps) else "insufficient"


def _is_round(dimension: float) -> bool:
    return abs(dimension - 1.0) <= _ROUND_LINE or dimension >= 2.0 - _ROUND_PLANE


def _needs_thickness(mask: NDArray[np.uint8], cells: int, thick: ThickLine) -> bool:
    """Tell whether the set is thin, and its counts clearly those of boxes with a border, by up to about a cell."""
    if not 0.0 < thick.thickness <= _MOST_CORRECTED or _share_of_inner_cells(mask, cells) > _THIN_SET:
        return False
    return thick.plain_residual >= _MUCH_BETTER * thick.residual


def _has_large_hole(mask: NDArray[np.uint8], periodic: bool, steps: BoxTable) -> bool:
    return _has_hole(mask, periodic, _HOLE_IN_BOXES * int(steps.scales[0]))


def _all_near_a_whole_number(slopes: NDArray[np.float64]) -> bool:
    whole = round(float(slopes[0]))
    return whole >= 1 and bool((np.abs(slopes - whole) <= _WHOLE_SLOPE).all())


def _slope_from_single_cells(table: BoxTable) -> float:
    """Return the local slope between scale 1, where the count is that of the cells, and the first above."""
    first = int(np.flatnonzero(table.scales > 1)[0])
    return math.log(table.cells / table.counts[first]) / math.log(table.scales[first])


def _is_exact(table: BoxTable, slopes: NDArray[np.float64]) -> bool:
    """Tell whether one power law runs through four counts or more; three are met by chance too often."""
    if np.ptp(slopes) > _SAME_SLOPE:
        return False
    from_cells = table.scales[0] > 1 and abs(_slope_from_single_cells(table) - slopes[0]) <= _SAME_SLOPE
    return table.scales.size > 3 or bool(from_cells)


def _at_least_doubling(table: BoxTable) -> BoxTable:
    """Leave out scales less than twice the one before: between close ones half a box hides any curvature."""
    kept = np.zeros(table.scales.size, dtype=bool)
    least = 0
    for index, scale in enumerate(table.scales.tolist()):
        if scale >= least:
            kept[index], least = True, 2 * scale
    return _take(table, kept)


def _take(table: BoxTable, kept: NDArray[np.bool_]) -> BoxTable:
    return BoxTable(table.cells, table.scales[kept], table.counts[kept])


def _is_wide(table: BoxTable) -> bool:
    return table.scales.size > 2 and bool(table.scales[-1] >= _RANGE * table.scales[0])


def _spread(table: BoxTable, boxes: float) -> float:
    """Return the range of the local slopes, widened by what so many boxes off in every count would do to it."""
    if table.scales.size < 3:
        return 0.0
    steps = np.diff(np.log(table.scales))
    slopes = -np.diff(np.log(table.counts)) / steps
    slack = boxes * (1.0 / table.counts[:-1] + 1.0 / table.counts[1:]) / steps
    return float((slopes + slack).max() - (slopes - slack).min())


def _share_of_inner_cells(mask: NDArray[np.uint8], cells: int) -> float:
    """Return the share of cells whose eight neighbours are cells too: near 1 for areas, near 0 for webs."""
    if min(mask.shape) < 3:
        return 0.0
    beside = mask[:, :-2] & mask[:, 1:-1] & mask[:, 2:]
    inner = beside[:-2] & beside[1:-1] & beside[2:]
    return float(np.count_nonzero(inner)) / cells


def _has_hole(mask: NDArray[np.uint8], periodic: bool, least: int) -> bool:
    """Tell whether an empty square of this side, and of a twelfth of the hull's, lies in the set's convex hull.

    The hull's side is that of a square of its area. A fractal has holes of every size up to its own. Noise and
    labyrinths have none above a size of theirs, and there only the boxes that stick out at their edge keep the
    local slopes below 2. A hull that is too thin for such a square tells nothing, and passes.
    """
    frame, round_rows = _frame_along(mask, 0, periodic)
    frame, round_columns = _frame_along(frame, 1, periodic)
    outside = np.zeros_like(frame) if round_rows or round_columns else _outside_hull(frame)
    side = max(least, math.ceil(_HOLE * math.sqrt(np.count_nonzero(outside == 0))))
    height, width = min(side, frame.shape[0]), min(side, frame.shape[1])
    seam = ((0, round_rows * (height - 1)), (0, round_columns * (width - 1)))
    within = _sums_of_windows(np.pad(outside, seam, mode="wrap"), height, width) == 0
    empty = _sums_of_windows(np.pad(frame, seam, mode="wrap"), height, width) == 0
    return not within.any() or bool((within & empty).any())


def _frame_along(mask: NDArray[np.uint8], axis: int, periodic: bool) -> tuple[NDArray[np.uint8], bool]:
    """Cut off the empty lines before and after the set, on a torus its widest gap; tell whether it goes round."""
    lines = np.flatnonzero(mask.any(axis=1 - axis))
    if not periodic:
        return mask.take(range(int(lines[0]), int(lines[-1]) + 1), axis=axis), False
    gaps = np.diff(lines, append=lines[0] + mask.shape[axis])
    widest = int(gaps.argmax())
    start, length = int(lines[(widest + 1) % lines.size]), mask.shape[axis] - int(gaps[widest]) + 1
    return mask.take(range(start, start + length), axis=axis, mode="wrap"), length == mask.shape[axis]


def _outside_hull(frame: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Mark the cells whose middle lies outside the convex hull of the middles of those that are set."""
    rows = np.flatnonzero(frame.any(axis=1))
    column = np.arange(frame.shape[1])
    first = frame[rows].argmax(axis=1)
    last = column[-1] - frame[rows, ::-1].argmax(axis=1)
    left, right = _hull_below(rows, first, len(frame)), -_hull_below(rows, -last, len(frame))
    return np.asarray((column < left[:, None] - 1e-9) | (column > right[:, None] + 1e-9), dtype=np.uint8)


def _hull_below(x: NDArray[np.int64], y: NDArray[np.int64], length: int) -> NDArray[np.float64]:
    """Return the greatest convex function below the points (x ascending), at 0 to length - 1."""
    corners: list[tuple[int, int]] = []
    for c, d in zip(x.tolist(), y.tolist(), strict=True):
        while len(corners) > 1:
            (a, b), (e, f) = corners[-2:]
            if (e - a) * (d - b) > (f - b) * (c - a):
                break
            corners.pop()
        corners.append((c, d))
    return np.interp(np.arange(length), [c for c, _ in corners], [d for _, d in corners])


def _sums_of_windows(cells: NDArray[np.uint8], height: int, width: int) -> NDArray[np.int64]:
    table = np.pad(cells.cumsum(axis=0, dtype=np.int64).cumsum(axis=1), ((1, 0), (1, 0)))
    below, above = table[height:], table[:-height]
    sums: NDArray[np.int64] = below[:, width:] - below[:, :-width] - above[:, width:] + above[:, :-width]
    return sums
