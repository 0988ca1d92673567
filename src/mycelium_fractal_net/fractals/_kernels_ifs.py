"""Compiled chaos game, tangent map and raster of an iterated function system."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from mycelium_fractal_net._compiled import njit

__all__ = ["play", "rasterise", "stretch"]


@njit(nogil=True)
def play(
    matrices: NDArray[np.float64],
    offsets: NDArray[np.float64],
    cumulative: NDArray[np.float64],
    uniforms: NDArray[np.float64],
    start: NDArray[np.float64],
) -> NDArray[np.float64]:
    """Apply the map that each uniform number picks, one after the other, and keep every point."""
    points = np.empty((uniforms.size, 2))
    x, y = start[0], start[1]
    for index in range(uniforms.size):
        k = _pick(cumulative, uniforms[index])
        a, b = matrices[k], offsets[k]
        x, y = a[0, 0] * x + a[0, 1] * y + b[0], a[1, 0] * x + a[1, 1] * y + b[1]
        points[index, 0] = x
        points[index, 1] = y
    return points


@njit(nogil=True)
def _pick(cumulative: NDArray[np.float64], uniform: float) -> int:
    k = 0
    while k < cumulative.size - 1 and uniform >= cumulative[k]:
        k += 1
    return k


@njit(nogil=True)
def stretch(matrices: NDArray[np.float64], cumulative: NDArray[np.float64], uniforms: NDArray[np.float64]) -> float:
    """Return the mean of log |A v| / |v| along a random product of the matrices."""
    x, y = np.cos(1.0), np.sin(1.0)
    total = 0.0
    for index in range(uniforms.size):
        a = matrices[_pick(cumulative, uniforms[index])]
        x, y = a[0, 0] * x + a[0, 1] * y, a[1, 0] * x + a[1, 1] * y
        length = np.hypot(x, y)
        if length == 0.0:
            return -np.inf
        total += np.log(length)
        x /= length
        y /= length
    return total / uniforms.size


@njit(nogil=True)
def rasterise(
    matrices: NDArray[np.float64],
    offsets: NDArray[np.float64],
    point: NDArray[np.float64],
    radius: float,
    frame: tuple[float, float, float],
    size: int,
) -> NDArray[np.uint8]:
    """Set the cells of a size x size grid that lie within an eighth of a cell of the attractor.

    Goes down the tree of compositions until the image of the ball of this radius around ``point``, which
    holds the attractor, is that small, and sets the cell of the image of ``point``.
    """
    left, bottom, side = frame
    cell = side / size
    count = matrices.shape[0]
    mask = np.zeros((size, size), np.uint8)
    stack = [(1.0, 0.0, 0.0, 1.0, 0.0, 0.0)]
    while len(stack) > 0:
        a, b, c, d, u, v = stack.pop()
        if _norm(a, b, c, d) * radius < 0.125 * cell:
            column = int(np.floor((a * point[0] + b * point[1] + u - left) / cell))
            row = size - 1 - int(np.floor((c * point[0] + d * point[1] + v - bottom) / cell))
            if 0 <= row < size and 0 <= column < size:
                mask[row, column] = 1
            continue
        for k in range(count):
            m, t = matrices[k], offsets[k]
            stack.append(
                (
                    a * m[0, 0] + b * m[1, 0],
                    a * m[0, 1] + b * m[1, 1],
                    c * m[0, 0] + d * m[1, 0],
                    c * m[0, 1] + d * m[1, 1],
                    a * t[0] + b * t[1] + u,
                    c * t[0] + d * t[1] + v,
                )
            )
    return mask


@njit(nogil=True)
def _norm(a: float, b: float, c: float, d: float) -> float:
    """Return the spectral norm of ((a, b), (c, d))."""
    squares = a * a + b * b + c * c + d * d
    determinant = a * d - b * c
    return float(np.sqrt(0.5 * (squares + np.sqrt(max(0.0, squares * squares - 4.0 * determinant**2)))))
