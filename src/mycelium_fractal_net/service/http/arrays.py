"""Fields on the wire: nested JSON lists in, JSON, .npy or Arrow out."""

from __future__ import annotations

import io
import json
import math
from functools import cache
from importlib.util import find_spec
from typing import Annotated, Any

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from mycelium_fractal_net.errors import InvalidInputError, MissingExtraError
from mycelium_fractal_net.service.core.errors import ServiceError
from mycelium_fractal_net.service.http.rows import Packed

__all__ = ["ARROW", "JSON", "NPY", "FieldList", "choose_media_type", "field_array", "offers", "to_arrow", "to_npy"]

JSON = "application/json"
NPY = "application/x-npy"
ARROW = "application/vnd.apache.arrow.stream"

_MOST_PARTS = 50

# The first fault ends the reading of a list: a body can hold millions of them.
Millivolt = Annotated[float, Field(ge=-1e12, le=1e12)]
Row = Annotated[list[Millivolt], Field(min_length=1, max_length=2_048, fail_fast=True)]
FieldList = Annotated[list[Row], Field(min_length=1, max_length=2_048, fail_fast=True), Packed()]
"""Rows of a field in mV."""


def choose_media_type(accept: str) -> str:
    """Return the media type that the client likes best.

    Raises
    ------
    ServiceError
        NOT_ACCEPTABLE when it takes none of JSON, .npy and, where the extra ``arrow`` is installed, Arrow.

    Examples
    --------
    >>> choose_media_type(""), choose_media_type("application/json;q=0.5, application/x-npy")
    ('application/json', 'application/x-npy')
    """
    if not accept or accept == "*/*":
        return JSON
    parts = accept.split(",", _MOST_PARTS)[:_MOST_PARTS]
    weights = {media: max(_weight(part, media) for part in parts)[1] for media in offers()}
    best = max(weights, key=lambda media: weights[media])
    if not weights[best]:
        message = f"this path gives {' or '.join(offers())}"
        raise ServiceError("NOT_ACCEPTABLE", message, headers={"Vary": "Accept"})
    return best


@cache
def offers() -> tuple[str, ...]:
    """Return the media types that fields can be had in here."""
    return (JSON, NPY, ARROW) if find_spec("pyarrow") else (JSON, NPY)


def _weight(part: str, media: str) -> tuple[int, float]:
    """Return how closely a part of Accept names a media type, and the weight it gives it; the closest part counts."""
    kind, *parameters = (piece.strip().lower() for piece in part.split(";"))
    if kind not in {"*/*", "application/*", media}:
        return 0, 0.0
    closeness = 3 if kind == media else 2 if kind == "application/*" else 1
    quality = next((piece[2:] for piece in parameters if piece.startswith("q=")), "1")
    return closeness, _quality(quality)


def _quality(text: str) -> float:
    """Return a weight; one that is no number, or above 1, is 1: who writes it wants the type."""
    try:
        weight = float(text)
    except ValueError:
        return 1.0
    return 1.0 if math.isnan(weight) else min(max(weight, 0.0), 1.0)


def field_array(name: str, rows: Any) -> NDArray[np.float64]:
    """Turn nested lists into an array; what a long body held is one, or a list of them, already.

    Raises
    ------
    InvalidInputError
        When the rows are not of one length.
    """
    try:
        return np.asarray(rows, dtype=np.float64)
    except (ValueError, OverflowError):
        raise InvalidInputError(
            f"{name} must be a rectangle of numbers: its rows differ in length", field=name
        ) from None


def to_npy(array: NDArray[Any]) -> bytes:
    """Return an array as a .npy file."""
    stream = io.BytesIO()
    np.save(stream, array, allow_pickle=False)
    return stream.getvalue()


def to_arrow(array: NDArray[Any], facts: dict[str, Any]) -> bytes:
    """Return a field as an Arrow stream: one row for each row of the field, the facts in the schema's metadata."""
    try:
        import pyarrow as pa
    except ImportError:
        raise MissingExtraError.for_extra("arrow", "pyarrow") from None
    values = pa.FixedSizeListArray.from_arrays(pa.array(array.ravel()), array.shape[1])
    schema = pa.schema([pa.field("field_mv", values.type)], metadata={"mfn": json.dumps(facts)})
    stream = pa.BufferOutputStream()
    with pa.ipc.new_stream(stream, schema) as writer:
        writer.write_batch(pa.record_batch([values], schema=schema))
    return bytes(stream.getvalue())
