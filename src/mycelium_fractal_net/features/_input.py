"""Checks of the fields that callers hand over."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from mycelium_fractal_net.errors import InvalidInputError

__all__ = ["as_field", "as_history"]

_LARGEST_MV = 1e12


def as_history(values: Any) -> NDArray[np.floating[Any]]:
    """Return (T, N, M) in mV as C-contiguous float64 or float32, from (N, M) or (T, N, M).

    Raises
    ------
    InvalidInputError
        For other shapes, no cell, values that are not real numbers, NaN, infinity, or beyond 1e12 mV.
    """
    array = _as_numbers(values)
    if array.ndim not in (2, 3) or 0 in array.shape:
        raise InvalidInputError(
            f"expected a field (N, M) or a history (T, N, M) in mV with at least one cell, got shape {array.shape}",
            field="field",
            value=str(array.shape),
        )
    history = array.reshape(-1, *array.shape[-2:])
    _check_range(history)
    return history


def as_field(values: Any) -> NDArray[np.floating[Any]]:
    """Return one field (N, M) as C-contiguous float64 or float32, or refuse it like :func:`as_history`."""
    array = _as_numbers(values)
    if array.ndim != 2 or 0 in array.shape:
        raise InvalidInputError(
            f"expected one field (N, M) with at least one cell, got shape {array.shape}",
            field="field",
            value=str(array.shape),
        )
    _check_range(array)
    return array


def _as_numbers(values: Any) -> NDArray[np.floating[Any]]:
    if isinstance(values, np.ma.MaskedArray):
        raise InvalidInputError("expected plain numbers in mV, got a masked array; fill it first", field="field")
    try:
        array = np.asarray(values)
    except (ValueError, TypeError) as error:
        raise InvalidInputError(f"expected an array of numbers in mV: {error}", field="field") from None
    if array.dtype.kind not in "fiu":
        raise InvalidInputError(
            f"expected real numbers in mV, got dtype {array.dtype}; a mask of booleans is no potential",
            field="field",
            value=str(array.dtype),
        )
    dtype = np.float32 if array.dtype == np.float32 else np.float64
    return np.ascontiguousarray(array, dtype=dtype)


def _check_range(array: NDArray[np.floating[Any]]) -> None:
    low, high = float(array.min()), float(array.max())
    if not (low >= -_LARGEST_MV and high <= _LARGEST_MV):
        bad = int(np.count_nonzero(~np.isfinite(array)))
        raise InvalidInputError(
            f"expected finite potentials within [-1e12, 1e12] mV, got {low} to {high} with {bad} cells not finite",
            field="field",
            value=f"{low} to {high}",
        )
