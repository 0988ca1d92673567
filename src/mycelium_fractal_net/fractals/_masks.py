"""Turn what a caller passed into a 0/1 mask or a list of box sizes, or say why it cannot be used."""

from __future__ import annotations

from collections.abc import Iterable
from numbers import Integral
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mycelium_fractal_net.errors import InvalidInputError

__all__ = ["as_box_sizes", "as_flag", "as_mask", "refusal"]


def as_mask(mask: Any) -> NDArray[np.uint8]:
    """Return a C-contiguous (rows, columns) array of 0 and 1; refuse anything that is not a mask."""
    try:
        array = np.asarray(mask)
    except ValueError:
        raise refusal("mask", "a rectangular array", mask) from None
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
    if isinstance(sizes, Integral) and not isinstance(sizes, bool):
        sizes = (sizes,)
    if isinstance(sizes, str | bytes) or not isinstance(sizes, Iterable):
        raise refusal(name, "a sequence of whole numbers", sizes)
    listed = list(sizes)
    if not all(_is_whole(size) and 1 <= size <= largest for size in listed):
        raise refusal(name, f"whole numbers from 1 to {largest}, the longest side", listed)
    distinct = sorted({int(size) for size in listed})
    if len(distinct) < fewest:
        raise refusal(name, f"at least {fewest} different whole numbers", listed)
    return np.asarray(distinct, dtype=np.int64)


def as_flag(name: str, value: Any) -> bool:
    """Return a truth value; refuse anything that merely could be read as one."""
    if not isinstance(value, bool | np.bool_):
        raise refusal(name, "True or False", value)
    return bool(value)


def refusal(name: str, expected: str, value: Any) -> InvalidInputError:
    """Make the error that says what was expected and what came."""
    shown = _described(value)
    return InvalidInputError(f"{name} must be {expected}; got {shown}", field=name, value=shown)


def _is_whole(value: Any) -> bool:
    return isinstance(value, Integral) and not isinstance(value, bool | np.bool_)


def _described(value: Any) -> str:
    if isinstance(value, np.ndarray):
        return f"an array of shape {value.shape} and dtype {value.dtype}" + _extremes(value)
    shown = repr(value)
    return shown if len(shown) <= 80 else f"{shown[:77]}..."


def _extremes(array: NDArray[Any]) -> str:
    if array.dtype.kind not in "iuf" or array.size == 0:
        return ""
    return f" with values from {array.min():g} to {array.max():g}"
