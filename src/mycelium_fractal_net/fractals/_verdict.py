"""What a table of box counts entitles one to say."""

from __future__ import annotations

import math
from typing import Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from mycelium_fractal_net.fractals._table import BoxTable

__all__ = ["Verdict", "judge"]

Verdict: TypeAlias = Literal["fractal", "crossover", "filled", "empty", "insufficient"]

_SAME_SLOPE = 1e-6
_WHOLE_SLOPE = 0.03
_SPREAD = 0.2
_ROUND_LINE = 0.1
_ROUND_PLANE = 0.05
_MOSTLY_AREA = 0.5


def judge(mask: NDArray[np.uint8], table: BoxTable, dimension: float, slopes: NDArray[np.float64]) -> Verdict:
    """Say whether one power law holds; see :func:`box_counting_dimension` for what each word means."""
    if table.cells == 0:
        return "empty"
    if table.cells == mask.size and mask.size > 1:
        return "filled"
    if table.scales.size < 3 or table.counts[0] < 2 * table.counts[-1]:
        return "insufficient"
    if _all_near_a_whole_number(slopes):
        return "filled" if abs(_slope_from_single_cells(table) - slopes[0]) <= _SPREAD else "crossover"
    if np.ptp(slopes) <= _SAME_SLOPE:
        return "fractal"
    near_line, near_plane = abs(dimension - 1.0) <= _ROUND_LINE, abs(dimension - 2.0) <= _ROUND_PLANE
    if near_line or near_plane or _share_of_inner_cells(mask, table.cells) > _MOSTLY_AREA:
        return "crossover"
    return "fractal" if _least_spread(table, slopes) <= _SPREAD else "crossover"


def _all_near_a_whole_number(slopes: NDArray[np.float64]) -> bool:
    whole = round(float(slopes[0]))
    return whole >= 1 and bool((np.abs(slopes - whole) <= _WHOLE_SLOPE).all())


def _slope_from_single_cells(table: BoxTable) -> float:
    """Return the local slope between scale 1, where the count is that of the cells, and the first above."""
    first = int(np.flatnonzero(table.scales > 1)[0])
    return math.log(table.cells / table.counts[first]) / math.log(table.scales[first])


def _least_spread(table: BoxTable, slopes: NDArray[np.float64]) -> float:
    """Return the range of the local slopes that is left when every count may be half a box off."""
    slack = 0.5 * (1.0 / table.counts[:-1] + 1.0 / table.counts[1:]) / np.diff(np.log(table.scales))
    return float((slopes - slack).max() - (slopes + slack).min())


def _share_of_inner_cells(mask: NDArray[np.uint8], cells: int) -> float:
    """Return the share of cells whose eight neighbours are cells too: near 1 for areas, near 0 for webs."""
    if min(mask.shape) < 3:
        return 0.0
    beside = mask[:, :-2] & mask[:, 1:-1] & mask[:, 2:]
    inner = beside[:-2] & beside[1:-1] & beside[2:]
    return float(np.count_nonzero(inner)) / cells
