"""Sizes of updates, and a scale at which their squares are safe."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from mycelium_fractal_net.federated._threads import in_blocks
from mycelium_fractal_net.federated._updates import FloatArray

__all__ = ["is_ordinary", "middle_size", "row_sizes", "tame", "untame"]

_SAFE = 400
_ORDINARY = 1e100


def row_sizes(values: FloatArray) -> NDArray[np.float64]:
    """Return the largest magnitude of every row; infinite or NaN if the row is not finite."""
    from mycelium_fractal_net.federated import _kernels

    integer = np.dtype(f"i{values.itemsize}")
    mask = integer.type(np.iinfo(integer).max)
    bits = np.empty(len(values), dtype=integer)
    view = values.view(integer)
    in_blocks(lambda start, stop: _kernels.row_sizes(view, mask, start, stop, bits), len(values), values.size)
    return bits.view(values.dtype).astype(np.float64)


def middle_size(sizes: NDArray[np.float64]) -> float:
    """Return the median, also of sizes whose sum overflows."""
    ordered, n = np.sort(sizes), len(sizes)
    return float(0.5 * ordered[(n - 1) // 2] + 0.5 * ordered[n // 2])


def is_ordinary(sizes: NDArray[np.float64]) -> bool:
    """Tell whether the squares of rows of these sizes neither overflow nor, for most of them, vanish."""
    middle = middle_size(sizes)
    return bool(sizes.max() < _ORDINARY and (middle == 0.0 or middle > 1.0 / _ORDINARY))


def tame(values: FloatArray) -> tuple[FloatArray, int]:
    """Return rows whose squares neither overflow nor vanish, and e: they are the input over 2^e.

    e is 0 and the rows are the input itself where nothing needs to be done. Else 2^e is the size of the
    median row, so a hostile minority does not set it, and rows 2^400 times larger are shrunk along their own
    direction, which changes no ranking among the others and no direction by more than rounding.
    """
    sizes = row_sizes(values)
    if is_ordinary(sizes):
        return values, 0
    exponent = int(np.frexp(middle_size(sizes))[1])
    limit = 2.0**_SAFE
    with np.errstate(over="ignore"):  # the rows that overflow are the wild ones, written below
        scaled = np.ldexp(values.astype(np.float64), -exponent)
        wild_rows = np.flatnonzero(np.ldexp(sizes, -exponent) >= limit)
    for wild in wild_rows:
        scaled[wild] = values[wild] / sizes[wild] * limit
    return scaled, exponent


def untame(values: NDArray[np.float64], exponent: int) -> NDArray[np.float64]:
    """Multiply by 2^exponent, the way back; infinite where a float cannot hold it."""
    if exponent == 0:
        return values
    with np.errstate(over="ignore", under="ignore"):
        return np.ldexp(values, exponent)
