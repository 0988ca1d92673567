"""Turn what a caller passed into float64, or say why it cannot be used."""

from __future__ import annotations

from collections.abc import Iterable
from numbers import Real
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from mycelium_fractal_net.errors import InvalidInputError

__all__ = ["FloatOrArray", "as_float64", "as_result", "require", "require_one_shape"]

FloatOrArray: TypeAlias = Any  # a float for scalars, else an array; a union would force a cast on callers


def as_float64(name: str, value: Any) -> NDArray[np.float64]:
    """Return ``value`` as a float64 array; refuse booleans, text, complex numbers and objects."""
    if isinstance(value, Real) and not isinstance(value, bool | np.bool_):
        try:
            return np.asarray(float(value), dtype=np.float64)
        except OverflowError:
            raise _refusal(name, "a number that float64 can hold", value) from None
    if _holds_booleans(value):
        raise _refusal(name, "a number, not a truth value", value)
    try:
        array = np.asarray(value)
    except ValueError:
        raise _refusal(name, "numbers in a rectangular array", value) from None
    if array.dtype.kind not in "iuf":
        raise _refusal(name, "a real number or an array of real numbers", value)
    return array.astype(np.float64)


def require(name: str, value: NDArray[np.float64], valid: NDArray[np.bool_], expected: str) -> None:
    """Raise with the first offending value unless ``valid`` holds everywhere."""
    if not valid.all():
        offending = float(np.broadcast_to(value, valid.shape)[~valid][0])
        raise _refusal(name, expected, offending)


def require_one_shape(*arrays: NDArray[np.float64]) -> None:
    """Raise unless the arrays broadcast against each other."""
    shapes = [array.shape for array in arrays]
    try:
        np.broadcast_shapes(*shapes)
    except ValueError:
        raise InvalidInputError(f"arrays must have shapes that broadcast against each other; got {shapes}") from None


def as_result(array: NDArray[np.float64]) -> FloatOrArray:
    """Give a Python float for a scalar question, the array otherwise."""
    return float(array) if array.ndim == 0 else array


def _holds_booleans(value: Any) -> bool:
    if isinstance(value, bool | np.bool_):
        return True
    if isinstance(value, np.ndarray):
        return bool(value.dtype.kind == "b")
    if isinstance(value, str | bytes) or not isinstance(value, Iterable):
        return False
    return any(_holds_booleans(item) for item in value)


def _refusal(name: str, expected: str, value: Any) -> InvalidInputError:
    shown = repr(value)
    if len(shown) > 80:
        shown = f"{shown[:77]}..."
    return InvalidInputError(f"{name} must be {expected}; got {shown}", field=name, value=shown)
