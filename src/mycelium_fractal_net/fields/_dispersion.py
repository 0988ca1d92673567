"""The dispersion relation of a pair: eigenvalues of ``J - symbol D`` and where they are largest."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

__all__ = ["eigenvalues", "fastest_mode", "growth_at", "unstable_band"]

Array = NDArray[np.float64]

_CANCELS = 0.1  # of a sum's terms; below, the product of both eigenvalues keeps the digits that the sum loses


def eigenvalues(jacobian: Array, diffusion: tuple[float, float], symbol: Array) -> tuple[NDArray[np.complex128], ...]:
    """Return both eigenvalues of ``J - symbol D``, the one with the larger real part first."""
    aa = jacobian[0, 0] - diffusion[0] * symbol
    hh = jacobian[1, 1] - diffusion[1] * symbol
    half = (aa + hh) / 2
    cross = jacobian[0, 1] * jacobian[1, 0]
    root = np.sqrt((((aa - hh) / 2) ** 2 + cross).astype(np.complex128))
    cancels = (half < 0) & (np.abs(half + root) < _CANCELS * -half)
    with np.errstate(invalid="ignore", divide="ignore"):
        from_product = (aa * hh - cross) / (half - root)
    return np.where(cancels, from_product, half + root), half - root


def growth_at(jacobian: Array, diffusion: tuple[float, float], symbol: float) -> float:
    """Return the growth rate at a symbol; at infinity, its limit."""
    if not math.isinf(symbol):
        return float(eigenvalues(jacobian, diffusion, np.array(symbol))[0].real)
    if diffusion == (0.0, 0.0):
        return growth_at(jacobian, diffusion, 0.0)
    still = [float(jacobian[i, i]) for i in range(2) if diffusion[i] == 0]
    return max(still, default=-math.inf)


def unstable_band(jacobian: Array, diffusion: tuple[float, float]) -> tuple[float, float] | None:
    """Return the wave numbers between which ``det(J - k^2 D)`` is negative, if any lie above zero."""
    d_a, d_h = diffusion
    product, slope = d_a * d_h, d_h * jacobian[0, 0] + d_a * jacobian[1, 1]
    determinant = max(float(np.linalg.det(jacobian)), 0.0)
    if slope <= 0:
        return None
    if product == 0:
        return math.sqrt(determinant / slope), math.inf
    discriminant = slope * slope - 4 * product * determinant
    if discriminant <= 0:
        return None
    high = (slope + math.sqrt(discriminant)) / (2 * product)
    return math.sqrt(determinant / (product * high)), math.sqrt(high)


def fastest_mode(jacobian: Array, diffusion: tuple[float, float], largest: float) -> tuple[float, float]:
    """Return the symbol in [0, largest] that grows fastest, and its growth rate.

    While the eigenvalues are complex, growth falls with the symbol; the larger real one has at most one maximum, at
    which its derivative vanishes. So the candidates are the ends and that place.
    """
    candidates = [0.0, largest, *(place for place in _stationary(jacobian, diffusion) if 0 < place < largest)]
    return max(((place, growth_at(jacobian, diffusion, place)) for place in candidates), key=lambda pair: pair[1])


def _stationary(jacobian: Array, diffusion: tuple[float, float]) -> tuple[float, ...]:
    """Return the symbols at which a real eigenvalue has no slope."""
    d_a, d_h = diffusion
    cross = -jacobian[0, 1] * jacobian[1, 0]
    if d_a * d_h == 0 or d_h == d_a or cross <= 0:
        return ()
    root = (d_a + d_h) * math.sqrt(cross / (d_a * d_h))
    return tuple(float((sign * root + jacobian[1, 1] - jacobian[0, 0]) / (d_h - d_a)) for sign in (1, -1))
