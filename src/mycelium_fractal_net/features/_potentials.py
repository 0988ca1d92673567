"""Turn what a caller passed into fields in mV that the kernels take, or say why it cannot be used."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from mycelium_fractal_net._checks import as_array, refusal, unlocked
from mycelium_fractal_net.errors import InvalidInputError

__all__ = ["LIMIT_MV", "as_field", "as_fields", "as_numbers", "check_range", "unit_deviation"]

LIMIT_MV = 1e100
"""Largest magnitude of a potential; the square of anything above 1e154 is no double."""


def as_fields(name: str, value: Any, axes: tuple[int, ...]) -> NDArray[np.floating[Any]]:
    """Return finite fields; see :func:`as_numbers`."""
    fields = as_numbers(name, value, axes)
    check_range(name, fields)
    return fields


def as_numbers(name: str, value: Any, axes: tuple[int, ...]) -> NDArray[np.floating[Any]]:
    """Return fields, C-contiguous, in float32 if they came so and in float64 otherwise; not looked into yet.

    ``axes`` are the numbers of axes that are allowed; the last two are row and column.
    """
    array = as_array(name, value, _shapes(axes))
    if array.dtype.kind == "b":
        raise refusal(name, "potentials in mV (box_counting_dimension and lacunarity take masks)", array)
    if array.dtype.kind not in "iuf":
        raise refusal(name, "real numbers in mV", array)
    if array.ndim not in axes or array.size == 0:
        raise refusal(name, f"{_shapes(axes)} with at least one cell and one frame", array)
    single = array.dtype.kind == "f" and array.dtype.itemsize == 4
    with np.errstate(over="ignore"):  # what overflows is refused by its range
        fields: NDArray[np.floating[Any]] = np.ascontiguousarray(array, dtype=np.float32 if single else np.float64)
    return unlocked(fields)


def as_field(name: str, value: Any) -> NDArray[np.float64]:
    """Return one finite field, (rows, columns), in float64."""
    return as_fields(name, value, (2,)).astype(np.float64, copy=False)


def unit_deviation(field: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the deviation from the mean, scaled so that squares stay in range; 0 for a constant field."""
    deviation = field - field.flat[0]
    deviation /= np.abs(deviation).max() or 1.0
    unit: NDArray[np.float64] = deviation - deviation.mean()
    return unit


def check_range(name: str, fields: NDArray[np.floating[Any]]) -> None:
    """Refuse NaN, infinities and magnitudes above LIMIT_MV; say how many there are and where the first is."""
    from mycelium_fractal_net.features._kernels_moments import all_within

    if all_within(fields.ravel(), LIMIT_MV):
        return
    bad = np.argwhere(~(np.abs(fields) <= np.float64(LIMIT_MV)))  # in float32 the limit itself would overflow
    where = tuple(bad[0].tolist())
    raise InvalidInputError(
        f"{name} must hold finite potentials in mV of at most {LIMIT_MV:g}; {len(bad)} of {fields.size} values are "
        f"not, the first is {fields[where]} at index {where}: mask, interpolate or rescale them first",
        field=name,
        value=str(fields[where]),
    )


def _shapes(axes: tuple[int, ...]) -> str:
    letters = {2: "(rows, columns)", 3: "(T, rows, columns)", 4: "(n, T, rows, columns)"}
    return "an array of shape " + " or ".join(letters[count] for count in axes)
