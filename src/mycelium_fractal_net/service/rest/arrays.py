"""Fields on the wire: nested JSON lists in, JSON, .npy or Arrow out."""

from __future__ import annotations

import io
import json
from typing import Annotated, Any

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from mycelium_fractal_net.errors import InvalidInputError, MissingExtraError
from mycelium_fractal_net.service.errors import ServiceError

__all__ = ["ARROW", "JSON", "NPY", "FieldList", "choose_media_type", "field_array", "to_arrow", "to_npy"]

JSON = "application/json"
NPY = "application/x-npy"
ARROW = "application/vnd.apache.arrow.stream"

Number = Annotated[float, Field(allow_inf_nan=False)]
FieldList = Annotated[list[Annotated[list[Number], Field(min_length=1)]], Field(min_length=1)]
"""Rows of a field in mV."""


def choose_media_type(accept: str) -> str:
    """Return the media type that the client likes best.

    Raises
    ------
    ServiceError
        NOT_ACCEPTABLE when it takes none of JSON, .npy and Arrow.

    Examples
    --------
    >>> choose_media_type(""), choose_media_type("application/json;q=0.5, application/x-npy")
    ('application/json', 'application/x-npy')
    """
    if not accept or accept == "*/*":
        return JSON
    weights = {media: max(_weight(part, media) for part in accept.split(",")) for media in (JSON, NPY, ARROW)}
    best = max(weights, key=lambda media: weights[media][1])
    if weights[best][1] <= 0:
        raise ServiceError("NOT_ACCEPTABLE", f"this path gives {JSON}, {NPY} or {ARROW}")
    return best


def _weight(part: str, media: str) -> tuple[bool, float]:
    kind, *parameters = (piece.strip().lower() for piece in part.split(";"))
    exact = kind == media
    if not exact and kind not in {"*/*", "application/*"}:
        return False, 0.0
    quality = next((piece[2:] for piece in parameters if piece.startswith("q=")), "1")
    try:
        return exact, min(1.0, max(0.0, float(quality)))
    except ValueError:
        return exact, 0.0


def field_array(name: str, rows: list[Any]) -> NDArray[np.float64]:
    """Turn nested lists into an array.

    Raises
    ------
    InvalidInputError
        When the rows are not of one length.
    """
    try:
        return np.array(rows, dtype=np.float64)
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
        raise MissingExtraError.for_extra("server", "pyarrow") from None
    values = pa.FixedSizeListArray.from_arrays(pa.array(array.ravel()), array.shape[1])
    schema = pa.schema([pa.field("field_mv", values.type)], metadata={"mfn": json.dumps(facts)})
    stream = pa.BufferOutputStream()
    with pa.ipc.new_stream(stream, schema) as writer:
        writer.write_batch(pa.record_batch([values], schema=schema))
    return bytes(stream.getvalue())
