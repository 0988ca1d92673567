"""Types of the requests' members: whole numbers, and arrays that come as lists or as arrays."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Any

import numpy as np
from numpy.typing import NDArray
from pydantic import BeforeValidator, GetCoreSchemaHandler, GetJsonSchemaHandler, ValidationInfo
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema, PydanticCustomError, core_schema

from mycelium_fractal_net.service.core.errors import ServiceError

__all__ = ["AsInteger", "Box", "Whole", "as_integer"]

Array = NDArray[np.float64]


def as_integer(value: Any) -> Any:
    """Return 2 for 2.0; refuse true and false."""
    if isinstance(value, bool):
        raise ValueError("must be a whole number")  # noqa: TRY004 # pydantic reports ValueErrors only
    return int(value) if isinstance(value, float) and value.is_integer() else value


AsInteger = BeforeValidator(as_integer)
"""Take 2.0 for 2, as JSON Schema does, and true for no number, as ``Literal[1, 2]`` would."""

Whole = Annotated[int, AsInteger]
"""A whole number."""


@dataclass(frozen=True)
class Box:
    """An array of numbers between bounds; for ``Annotated[NDArray[np.float64], Box(...)]``.

    It comes as nested lists, from JSON, or as an array already. Of a list the first fault ends the reading: a body can
    hold millions of them.

    Parameters
    ----------
    *sides : tuple of two int
        Least and greatest length along each axis.
    low, high : float
        Bounds of the values.
    holes : bool
        Whether null, which becomes NaN, and numbers that are not finite are taken too.
    """

    sides: tuple[tuple[int, int], ...]
    low: float = -1e12
    high: float = 1e12
    holes: bool = False

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        """Validate lists as lists; what comes of them, and an array, as an array."""
        schema: CoreSchema = (
            core_schema.nullable_schema(core_schema.float_schema(strict=True))
            if self.holes
            else core_schema.float_schema(strict=True, ge=self.low, le=self.high)
        )
        for least, most in reversed(self.sides):
            schema = core_schema.list_schema(schema, min_length=least, max_length=most, fail_fast=True, strict=True)
        return core_schema.with_info_wrap_validator_function(self._take, schema)

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        """Describe the lists."""
        return handler(schema["schema"])

    def _take(self, value: Any, lists: Callable[[Any], Any], info: ValidationInfo) -> Array:
        if isinstance(value, np.ndarray):
            return self._checked(value)
        rows = lists(value)
        try:
            return np.array(rows, dtype=np.float64)
        except ValueError:
            name = info.field_name or "the array"
            message = f"{name} must be a rectangular array of numbers; its rows differ in length"
            detail = {"field": info.field_name, "message": message, "value": None}
            raise ServiceError("INVALID_INPUT", message, details=[detail]) from None

    def _checked(self, array: NDArray[Any]) -> Array:
        if array.ndim != len(self.sides) or not all(
            least <= length <= most for length, (least, most) in zip(array.shape, self.sides, strict=True)
        ):
            wanted = " x ".join(f"({least} to {most})" for least, most in self.sides)
            raise PydanticCustomError("array_shape", "must be an array of {wanted} values", {"wanted": f"{wanted}"})
        found = np.ascontiguousarray(array, dtype=np.float64)
        if not self.holes and not (found.min() >= self.low and found.max() <= self.high):
            wrong = np.argwhere(~((found >= self.low) & (found <= self.high)))[0].tolist()
            facts = {"low": self.low, "high": self.high, "place": wrong, "got": str(found[tuple(wrong)])}
            raise PydanticCustomError(
                "array_value", "values must be between {low} and {high}; at {place} there is {got}", facts
            )
        return found
