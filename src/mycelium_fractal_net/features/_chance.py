"""Chances of a ratio of variances, and cosine waves, without SciPy: what every run's wavelength is tested by."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["cosine_transform", "f_tail"]

_TINY = 1e-300
_MOST_TERMS = 100_000


def f_tail(ratio: float, above: float, below: float) -> float:
    r"""Return the chance that a variable of the F distribution exceeds a ratio.

    .. math:: P(F > x) = I_{b / (b + a x)}(b / 2, a / 2)

    Parameters
    ----------
    ratio : float
        What is compared, at least 0.
    above, below : float
        Degrees of freedom a and b of numerator and denominator, above 0.

    Notes
    -----
    The continued fraction of the incomplete beta function (DLMF, https://dlmf.nist.gov/8.17.E22), by the method of
    Lentz. Its terms number as the root of the degrees.

    Examples
    --------
    >>> round(f_tail(4.0, 2.0, 10.0), 10), round((1 + 2 * 4.0 / 10) ** -5, 10)
    (0.0529221494, 0.0529221494)
    """
    if ratio <= 0.0:
        return 1.0
    share, rest = below / (below + above * ratio), above * ratio / (below + above * ratio)
    a, b = below / 2.0, above / 2.0
    logarithms = -a * math.log1p(above * ratio / below) - b * math.log1p(below / (above * ratio))
    size = math.exp(math.lgamma(a + b) - math.lgamma(a) - math.lgamma(b) + logarithms)
    if share < (a + 1.0) / (a + b + 2.0):
        return size * _fraction(a, b, share) / a
    return 1.0 - size * _fraction(b, a, rest) / b


def _fraction(a: float, b: float, x: float) -> float:
    upper, lower = 1.0, 1.0 / _off_zero(1.0 - (a + b) * x / (a + 1.0))
    value = lower
    for m in range(1, _MOST_TERMS):
        for term in (
            m * (b - m) * x / ((a + 2 * m - 1.0) * (a + 2 * m)),
            -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1.0)),
        ):
            lower = 1.0 / _off_zero(1.0 + term * lower)
            upper = _off_zero(1.0 + term / upper)
            value *= upper * lower
        if abs(upper * lower - 1.0) < 1e-15:
            break
    return value


def _off_zero(value: float) -> float:
    return value if abs(value) > _TINY else _TINY


def cosine_transform(field: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the orthonormal cosine transform of the second kind along both axes, (rows, columns).

    Each line becomes its even elements and, backwards, its odd ones (Makhoul 1980, doi:10.1109/TASSP.1980.1163351).

    Examples
    --------
    >>> cosine_transform(np.full((2, 3), 1.0)).round(12) + 0.0  # sqrt(rows * columns), and no wave
    array([[2.44948974, 0.        , 0.        ],
           [0.        , 0.        , 0.        ]])
    """
    return _cosines(_cosines(field).T).T


def _cosines(lines: NDArray[Any]) -> NDArray[np.float64]:
    count = lines.shape[1]
    order = np.concatenate([lines[:, ::2], lines[:, 1::2][:, ::-1]], axis=1)
    turn = np.exp(-0.5j * np.pi * np.arange(count) / count)
    scale = np.sqrt(np.where(np.arange(count) == 0, 1.0, 2.0) / count)
    waves: NDArray[np.float64] = (np.fft.fft(order, axis=1) * turn).real * scale
    return waves
