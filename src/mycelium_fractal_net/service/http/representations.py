"""Answers on the wire: JSON, .npy or Arrow, as the client asks for."""

from __future__ import annotations

import io
import json
import math
from collections.abc import Callable, Iterable
from functools import cache, partial
from importlib.util import find_spec
from typing import Any, NamedTuple

import numpy as np
import orjson
from numpy.typing import NDArray
from pydantic import BaseModel

from mycelium_fractal_net.errors import InvalidInputError, MissingExtraError
from mycelium_fractal_net.service.core.errors import ServiceError
from mycelium_fractal_net.service.operations import Answer, Operation

__all__ = [
    "ARROW",
    "JSON",
    "NPY",
    "Payload",
    "choose_media_type",
    "is_known",
    "offers",
    "renderer",
    "without_content",
]

JSON = "application/json"
NPY = "application/x-npy"
ARROW = "application/vnd.apache.arrow.stream"

_MOST_PARTS = 50


class Payload(NamedTuple):
    """The bytes of an answer, and the headers that go with them."""

    content: bytes
    headers: list[tuple[bytes, bytes]]


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
        raise ServiceError("NOT_ACCEPTABLE", f"this path can respond with {' or '.join(offers())}")
    return best


@cache
def offers() -> tuple[str, ...]:
    """Return the media types that arrays can be had in here."""
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


def renderer(operation: Operation, media: str, request: Any) -> Callable[[Answer], Payload]:
    """Return what renders an answer; arrays go alone.

    Raises
    ------
    InvalidInputError
        When the request includes what travels in JSON only.
    """
    if operation.media is not None:
        return partial(_bytes, operation.media)
    if media == JSON or operation.array_answer is None:
        return _json
    others = sorted(set(getattr(request, "include", ())) - {operation.array_answer})
    if others:
        message = (
            f"{media} gives the {operation.array_answer} alone: ask for {JSON}, or leave {' and '.join(others)} out"
        )
        raise InvalidInputError(message, field="include", value=list(getattr(request, "include", ())))
    return _npy if media == NPY else _arrow


def is_known(tags: bytes, headers: Iterable[tuple[bytes, bytes]]) -> bool:
    """Tell whether If-None-Match names the tag of an answer; weak tags and strong ones compare alike (RFC 9110).

    Examples
    --------
    >>> is_known(b'"a", W/"b"', [(b"etag", b'W/"a"')]), is_known(b"*", [(b"etag", b'W/"a"')]), is_known(b'"a"', [])
    (True, True, False)
    """
    tag = next((value for name, value in headers if name == b"etag"), None)
    if tag is None:
        return False
    given = [text.strip().removeprefix(b"W/") for text in tags.split(b",", _MOST_PARTS)]
    return given == [b"*"] or tag.removeprefix(b"W/") in given


def without_content(headers: Iterable[tuple[bytes, bytes]]) -> list[tuple[bytes, bytes]]:
    """Return the headers of an answer that says only that nothing is new."""
    return [header for header in headers if not header[0].startswith(b"content-")]


def _bytes(media: str, answer: Answer) -> Payload:
    if not isinstance(answer.body, bytes):
        raise TypeError("the operation promises bytes and gives none")
    return _payload(answer.body, media.encode(), answer)


def _json(answer: Answer) -> Payload:
    """Write JSON; what is not finite is null."""
    if isinstance(answer.body, bytes):
        raise TypeError("the operation gives bytes and names no media type")
    content = orjson.dumps(_members(answer.body), default=_plain, option=orjson.OPT_SERIALIZE_NUMPY)
    return _payload(content, JSON.encode(), answer)


def _members(model: BaseModel) -> dict[str, Any]:
    """Return the members that were set."""
    return {name: value for name, value in model.__dict__.items() if name in model.model_fields_set}


def _plain(value: Any) -> Any:
    if isinstance(value, BaseModel):
        return _members(value)
    if isinstance(value, np.ndarray):  # of an order or kind that orjson does not write
        return value.tolist()
    raise TypeError(type(value).__name__)


def _npy(answer: Answer) -> Payload:
    stream = io.BytesIO()
    np.save(stream, _array(answer), allow_pickle=False)
    return _payload(stream.getvalue(), NPY.encode(), answer)


def _arrow(answer: Answer) -> Payload:
    """Write an Arrow stream: a row for each row of the array, the receipt in the schema's metadata."""
    try:
        import pyarrow as pa
    except ImportError:
        raise MissingExtraError.for_extra("arrow", "pyarrow") from None
    array = _array(answer)
    values = pa.array(array.ravel())
    if array.ndim == 2:
        values = pa.FixedSizeListArray.from_arrays(values, array.shape[1])
    facts = answer.receipt.model_dump() if answer.receipt is not None else {}
    name = answer.column if array.ndim == 2 else "values"
    schema = pa.schema([pa.field(name, values.type)], metadata={"mfn": json.dumps(facts)})
    stream = pa.BufferOutputStream()
    with pa.ipc.new_stream(stream, schema) as writer:
        writer.write_batch(pa.record_batch([values], schema=schema))
    return _payload(bytes(stream.getvalue()), ARROW.encode(), answer)


def _array(answer: Answer) -> NDArray[Any]:
    if answer.array is None:
        raise TypeError("the operation promises an array and gives none")
    return answer.array


def _payload(content: bytes, media: bytes, answer: Answer) -> Payload:
    headers = [(b"content-type", media), (b"content-length", b"%d" % len(content))]
    return Payload(content, [*headers, *_of_receipt(answer.receipt), *_vary(answer)])


def _vary(answer: Answer) -> Iterable[tuple[bytes, bytes]]:
    return [(b"vary", b"Accept")] if answer.array is not None else []


def _of_receipt(receipt: BaseModel | None) -> Iterable[tuple[bytes, bytes]]:
    """Return the headers that carry a receipt; the tag is weak because one result has several representations."""
    if receipt is None:
        return []
    facts = receipt.__dict__
    return [(b"etag", f'W/"{facts["result_digest"]}"'.encode()), (b"x-mfn-receipt", orjson.dumps(facts))]
