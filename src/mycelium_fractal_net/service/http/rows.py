"""Rows of numbers without an object for each: how long bodies hold them, and how a model takes them."""

from __future__ import annotations

import math
from collections.abc import Iterable
from itertools import chain
from types import NoneType
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydantic import GetCoreSchemaHandler, ValidationError, ValidatorFunctionWrapHandler
from pydantic_core import CoreSchema, InitErrorDetails, PydanticKnownError
from pydantic_core.core_schema import no_info_wrap_validator_function

__all__ = ["Packed", "Rows", "as_row"]

Array = NDArray[np.float64]

_NUMBERS = {int, float, NoneType}
_LONGEST_SHOWN = 1_000_001


def _packed(values: list[Any]) -> Array | None:
    """Return numbers as an array, null as NaN, which JSON has no other way to say; None if there is anything else."""
    if not set(map(type, values)) <= _NUMBERS:
        return None
    try:
        return np.array(values, dtype=np.float64)
    except OverflowError:
        return None


def _listed(values: Array) -> list[float | None]:
    return [None if math.isnan(value) else value for value in values.tolist()]


def as_row(batches: Iterable[list[Any]]) -> Any:
    """Return a row that comes in pieces as an array, or as a list of its true length up to the first fault."""
    blocks: list[Array] = [np.empty(0)]
    fault: list[Any] | None = None
    for batch in batches:
        block = _packed(batch) if fault is None else None
        if block is not None:
            blocks.append(block)
        elif fault is None:
            fault = [*_listed(_joined(blocks)[:_LONGEST_SHOWN]), *batch]
        else:
            fault += [None] * len(batch)
    return _joined(blocks) if fault is None else fault


def _joined(blocks: list[NDArray[Any]]) -> NDArray[Any]:
    """Join arrays one by one: thousands of them at once would not release the GIL."""
    whole, end = np.empty(sum(block.size for block in blocks), blocks[0].dtype), 0
    for block in blocks:
        whole[end : end + block.size] = block
        end += block.size
    return whole


class Rows:
    """Rows of numbers, up to the first that is none.

    Attributes
    ----------
    count : int
        Rows that came.
    stray : tuple of int and list, or None
        Where the first rows came that do not all consist of numbers, and those.
    """

    def __init__(self) -> None:
        self.count = 0
        self.stray: tuple[int, list[Any]] | None = None
        self._blocks: list[Array] = [np.empty(0)]
        self._lengths: list[NDArray[np.int64]] = [np.empty(0, np.int64)]

    @classmethod
    def of(cls, rows: list[Any]) -> Rows:
        """Return rows that came at once."""
        made = cls()
        made.add(rows)
        return made

    def add(self, rows: list[Any]) -> None:
        """Take some more."""
        if self.stray is None and not self._pack(rows):
            self.stray = self.count, rows
        self.count += len(rows)

    def _pack(self, rows: list[Any]) -> bool:
        kinds = set(map(type, rows))
        if kinds == {list} and all(rows):
            block = _packed(list(chain.from_iterable(rows)))
        else:
            block = rows[0] if kinds == {np.ndarray} and len(rows) == 1 else None
        if block is None:
            return not rows
        self._blocks.append(block)
        self._lengths.append(np.fromiter(map(len, rows), np.int64, len(rows)))
        return True

    def whole(self) -> tuple[Array, NDArray[np.int64]]:
        """Return all values in one array, and the rows' lengths."""
        return _joined(self._blocks), _joined(self._lengths)

    def __repr__(self) -> str:
        return f"<{self.count} x {next((int(part[0]) for part in self._lengths if part.size), 0)} values>"


class Packed:
    """Let a list of lists of numbers be :class:`Rows` too, which becomes an array; for ``Annotated``.

    Bounds, lengths and texts of faults are those of the lists, read from their schema.
    """

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        """Wrap the lists' own validation."""
        schema: Any = handler(source)
        return no_info_wrap_validator_function(_Taker(schema), schema)


class _Taker:
    def __init__(self, schema: Any) -> None:
        row = schema["items_schema"]
        value = row["items_schema"]
        self._takes_null = value["type"] == "nullable"
        value = value["schema"] if self._takes_null else value
        finite = math.inf if value.get("allow_inf_nan", True) else float(np.finfo(np.float64).max)
        self._low, self._high = value.get("ge", -finite), value.get("le", finite)
        self._fewest, self._most = schema["min_length"], schema["max_length"]
        self._shortest, self._longest = row["min_length"], row["max_length"]

    def __call__(self, found: Any, handler: ValidatorFunctionWrapHandler) -> Any:
        if not isinstance(found, Rows):
            return handler(found)
        values, lengths = found.whole()
        fault = self._first_fault(values, lengths, handler)
        if fault is None and found.stray is not None:
            fault = _fault_of(handler, found.stray[1], found.stray[0])
        if fault is not None and fault["loc"][0] < self._most:
            raise ValidationError.from_exception_data("", [fault])
        self._check_count(found.count)
        if lengths.min() == lengths.max():
            return values.reshape(found.count, -1)
        return np.split(values, np.cumsum(lengths)[:-1])

    def _first_fault(
        self, values: Array, lengths: NDArray[np.int64], handler: ValidatorFunctionWrapHandler
    ) -> InitErrorDetails | None:
        """Return what is said of the first value out of bounds, or of a row before it that is too long or too short."""
        row = next(iter(np.flatnonzero((lengths < self._shortest) | (lengths > self._longest))[:1].tolist()), None)
        place = self._first_wrong(values)
        ends = np.cumsum(lengths)
        if place is not None:
            index = int(np.searchsorted(ends, place, side="right"))
            column = place - int(ends[index] - lengths[index])
            if row is None or index < row or (index == row and column < self._longest):
                return _fault_of(handler, [_listed(values[place : place + 1])], index, column)
        if row is None:
            return None
        length = int(lengths[row])
        kind, facts = _length_fault(length, self._shortest, self._longest)
        return InitErrorDetails(type=kind, loc=(row,), input=f"<{length} values>", ctx=facts)

    def _first_wrong(self, values: Array) -> int | None:
        if not values.size or (values.min() >= self._low and values.max() <= self._high):
            return None
        wrong = (values < self._low) | (values > self._high)
        wrong |= np.isnan(values) & (not self._takes_null)
        return int(wrong.argmax()) if wrong.any() else None

    def _check_count(self, count: int) -> None:
        if not self._fewest <= count <= self._most:
            raise PydanticKnownError(*_length_fault(count, self._fewest, self._most))


def _length_fault(length: int, least: int, most: int) -> tuple[Any, dict[str, Any]]:
    kind, bound = ("too_long", {"max_length": most}) if length > most else ("too_short", {"min_length": least})
    return kind, {"field_type": "List", **bound, "actual_length": length}


def _fault_of(handler: ValidatorFunctionWrapHandler, rows: list[Any], index: int, column: int = 0) -> InitErrorDetails:
    """Return what the lists' own validation says of rows that stand at an index, their values at a column."""
    try:
        handler(rows)
    except ValidationError as error:
        fault = error.errors(include_url=False)[0]
        row, *place = fault["loc"]
        place = [int(place[0]) + column, *place[1:]] if place else []
        return InitErrorDetails(
            type=fault["type"], loc=(int(row) + index, *place), input=fault["input"], ctx=fault.get("ctx", {})
        )
    raise PydanticKnownError("list_type")
