"""The straight line through log count against log size, and how well it fits."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

__all__ = ["Line", "fit_line"]


class Line(NamedTuple):
    """A least-squares line: its slope, the share of variance it explains, the slope's standard error."""

    slope: float
    r2: float
    standard_error: float


def fit_line(x: Sequence[float], y: Sequence[float]) -> Line:
    """Fit y = slope x + constant by least squares.

    A constant y is explained by nothing: r2 = 0. Two points leave no residual: the standard error is NaN. One
    point has no slope: 0.

    Examples
    --------
    >>> fit_line([0.0, 1.0, 2.0], [1.0, 3.0, 5.0])
    Line(slope=2.0, r2=1.0, standard_error=0.0)
    """
    count = len(x)
    if count < 2:
        return Line(0.0, 0.0, math.nan)
    mean_x, mean_y = sum(x) / count, sum(y) / count
    spread_x = sum((a - mean_x) ** 2 for a in x)
    spread_y = sum((b - mean_y) ** 2 for b in y)
    shared = sum((a - mean_x) * (b - mean_y) for a, b in zip(x, y, strict=True))
    slope = shared / spread_x
    residual = sum((b - mean_y - slope * (a - mean_x)) ** 2 for a, b in zip(x, y, strict=True))
    r2 = max(0.0, 1.0 - residual / spread_y) if spread_y > 0.0 else 0.0
    error = math.sqrt(residual / (count - 2) / spread_x) if count > 2 else math.nan
    return Line(slope, r2, error)
