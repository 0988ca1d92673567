"""Turn what a caller passed into a 0/1 mask or a list of box sizes, or say why it cannot be used."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mycelium_fractal_net._checks import as_array, is_whole, refusal

__all__ = ["as_box_sizes", "as_mask"]


def as_mask(mask: Any) -> NDArray[np.uint8]:
    """Return a C-contiguous (rows, columns) array of 0 and 1; refuse anything that is not a mask."""
    array = as_array("mask", mask, "a rectangular array")
    if array.ndim != 2 or array.size == 0:
        raise refusal("mask", "a two-dimensional array with at least one cell", array)
    if array.dtype.kind == "b":
        return np.ascontiguousarray(array).view(np.uint8)
    if array.dtype.kind not in "iuf":
        raise refusal("mask", "an array of booleans, or of 0 and 1", array)
    if not ((array == 0) | (array == 1)).all():
        raise refusal("mask", "an array of booleans, or of 0 and 1 (compare a field with a threshold)", array)
    return np.ascontiguousarray(array, dtype=np.uint8)


def as_box_sizes(name: str, sizes: Any, largest: int, fewest: int) -> NDArray[np.int64]:
    """Return ascending distinct sizes; refuse what is not whole, or lies outside 1 to ``largest``."""
    if is_whole(sizes):
        sizes = (sizes,)
    if isinstance(sizes, str | bytes) or not isinstance(sizes, Iterable):
        raise refusal(name, "a sequence of whole numbers", sizes)
    listed = list(sizes)
    if not all(is_whole(size) and 1 <= size <= largest for size in listed):
        raise refusal(name, f"whole numbers from 1 to {largest}, the longest side", listed)
    distinct = sorted({int(size) for size in listed})
    if len(distinct) < fewest:
        raise refusal(name, f"at least {fewest} different whole numbers", listed)
    return np.asarray(distinct, dtype=np.int64)
