"""Compiled moments of the mass in boxes: of gliding boxes, and of the boxes of every grid offset."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from mycelium_fractal_net._compiled import njit

__all__ = ["gliding_moments", "partition_sums"]


@njit(nogil=True)
def gliding_moments(mask: NDArray[np.uint8], size: int, periodic: bool) -> tuple[int, float, float]:
    """Return number, sum and sum of squares of the masses of all size x size boxes."""
    rows, columns = mask.shape
    downwards = rows if periodic else rows - size + 1
    across = columns if periodic else columns - size + 1
    band = np.zeros(columns, np.int64)
    for r in range(size):
        band += mask[r]
    total, squares = 0.0, 0.0
    for r in range(downwards):
        mass = band[:size].sum()
        for c in range(across):
            total += float(mass)
            squares += float(mass) * float(mass)
            mass += band[(c + size) % columns] - band[c]
        band += mask[(r + size) % rows]
        band -= mask[r]
    return downwards * across, total, squares


@njit(nogil=True)
def partition_sums(
    measure: NDArray[np.float64], scale: int, orders: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Sum m**q over the boxes of each grid offset, for q = 1 m ln m: (orders, row offset, column offset).

    Returns sums, and the logarithms of what each is to be multiplied by: 0 but for negative orders, whose powers
    may be no doubles. Only boxes with mass count. A window that ends at row r belongs to the grids with offset r
    modulo its height; a side above that of the array counts as the latter.
    """
    rows, columns = measure.shape
    height, width = min(scale, rows), min(scale, columns)
    sums = np.zeros((orders.size, height, width))
    tops = np.zeros((orders.size, height, width))
    column = np.empty(columns)
    band = np.empty(columns + width - 1)
    for r in range(rows + height - 1):
        column[:] = 0.0
        for row in range(max(0, r - height + 1), min(r + 1, rows)):
            column += measure[row]
        _box_sums(column, width, band)
        for c in range(band.size):
            mass = band[c]
            if mass > 0.0:
                for index in range(orders.size):
                    if orders[index] >= 0.0:
                        sums[index, r % height, c % width] += _term(mass, orders[index])
                    else:
                        exponent = orders[index] * np.log(mass)
                        top = tops[index, r % height, c % width]
                        if exponent <= top:
                            sums[index, r % height, c % width] += np.exp(exponent - top)
                        else:
                            sums[index, r % height, c % width] *= np.exp(top - exponent)
                            sums[index, r % height, c % width] += 1.0
                            tops[index, r % height, c % width] = exponent
    return sums, tops


@njit(nogil=True)
def _box_sums(line: NDArray[np.float64], size: int, target: NDArray[np.float64]) -> None:
    """Write the sums of ``size`` neighbours, partial ones at the ends too; only adding, so empty means 0."""
    target[:] = 0.0
    for shift in range(size):
        target[shift : shift + line.size] += line


@njit(nogil=True)
def _term(mass: float, order: float) -> float:
    if order == 0.0:
        return 1.0
    if order == 1.0:
        return float(mass * np.log(mass))
    if order == 2.0:
        return mass * mass
    return float(mass**order)
