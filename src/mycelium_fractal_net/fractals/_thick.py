"""A power law of boxes that are a little larger, or smaller, than their side: the cells have a size of their own."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from mycelium_fractal_net.fractals._line import Line, fit_line

__all__ = ["ThickLine", "fit_thick_line"]

_THICKNESSES = np.arange(-24, 41) / 20.0
"""In cells, from -1.2 to 2; the smallest box has 2."""


class ThickLine(NamedTuple):
    """A fit of N(s) = A (s + t)^-D, and what remains of it and of the same with t = 0.

    ``residual`` and ``plain_residual`` are root mean squares of ln N over the degrees of freedom.
    """

    line: Line
    thickness: float
    residual: float
    plain_residual: float


def fit_thick_line(scales: NDArray[np.int64], counts: NDArray[np.int64] | NDArray[np.float64]) -> ThickLine:
    """Fit the counts of four scales or more, each of 2 cells or more, over a grid of thicknesses.

    Examples
    --------
    >>> scales = np.array([2, 4, 8, 16, 32])
    >>> found = fit_thick_line(scales, 5000 / (scales + 0.5) ** 1.5)
    >>> round(found.line.slope, 6), found.thickness, round(found.residual, 9)
    (1.5, 0.5, 0.0)
    """
    x = -np.log(scales + _THICKNESSES[:, None])
    y = np.log(counts)
    x_off, y_off = x - x.mean(axis=1, keepdims=True), y - y.mean()
    slopes = (x_off @ y_off) / (x_off**2).sum(axis=1)
    squares = ((y_off - slopes[:, None] * x_off) ** 2).sum(axis=1)
    best = int(squares.argmin())
    residuals = np.sqrt(squares / (len(y) - 3))
    return ThickLine(
        fit_line(x[best].tolist(), y.tolist()),
        float(_THICKNESSES[best]),
        float(residuals[best]),
        float(residuals[_THICKNESSES == 0.0][0]),
    )
