"""Bodies of requests: JSON or an array, bounded, strict, never a reason to fail."""

from __future__ import annotations

import io
import json
import math
import re
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import orjson
from numpy.typing import NDArray

from mycelium_fractal_net.service.core.errors import ServiceError
from mycelium_fractal_net.service.core.memory import Held

__all__ = ["LONGEST_ARRAY", "content_kind", "members_of_query", "parse_json", "parse_npy", "read_body", "too_large"]

LONGEST_ARRAY = 64 * 2**20
"""Most bytes of an array, as it comes and as doubles."""

_JSON, _NPY = b"application/json", b"application/x-npy"
_STRING = re.compile(rb'"[^"\\]*(?:\\.[^"\\]*)*"', re.DOTALL)
_MOST_MEMBERS = 1000
_MOST_CONTAINERS = 150_000  # a hundred thousand gradients; each costs a microsecond and more


async def read_body(receive: Any, longest: int, held: Held) -> bytes:
    """Read a request's body, chunked or not, up to a length, while there is memory for it.

    Raises
    ------
    ServiceError
        PAYLOAD_TOO_LARGE, SERVICE_UNAVAILABLE without memory, or CANCELLED when the client leaves first.
    """
    parts, total, more = [], 0, True
    while more:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise ServiceError("CANCELLED")
        parts.append(message.get("body", b""))
        total += len(parts[-1])
        if total > longest:
            raise too_large(longest)
        if total > held.size:
            held.resize(total)
        more = message.get("more_body", False)
    return parts[0] if len(parts) == 1 else b"".join(parts)


def too_large(longest: int) -> ServiceError:
    """Return the refusal of a body that is too long."""
    return ServiceError("PAYLOAD_TOO_LARGE", f"this body may have at most {longest:,} bytes", closes=True)


def content_kind(headers: Mapping[bytes, bytes], *, arrays: bool) -> str:
    """Return ``json`` or ``npy``, as the body says it is; compressed ones are not taken.

    Raises
    ------
    ServiceError
        UNSUPPORTED_MEDIA_TYPE.

    Examples
    --------
    >>> content_kind({b"content-type": b"application/json; charset=utf-8"}, arrays=False)
    'json'
    >>> content_kind({b"content-type": b"text/plain"}, arrays=False)
    Traceback (most recent call last):
    ...
    mycelium_fractal_net.service.core.errors.ServiceError: Send JSON with Content-Type: application/json.
    """
    encoding = headers.get(b"content-encoding")
    if encoding is not None and encoding.lower() != b"identity":
        message = "send the body uncompressed, without a Content-Encoding"
        raise ServiceError("UNSUPPORTED_MEDIA_TYPE", message, accepted_encoding="identity")
    kind, *parameters = (part.strip() for part in headers.get(b"content-type", b"").lower().split(b";"))
    if kind == _NPY and arrays:
        return "npy"
    if kind != _JSON:
        raise ServiceError("UNSUPPORTED_MEDIA_TYPE")
    if any(part.startswith(b"charset=") and part[8:].strip(b'"') != b"utf-8" for part in parameters):
        raise ServiceError("UNSUPPORTED_MEDIA_TYPE", "JSON must be UTF-8: leave out the charset")
    return "json"


def parse_json(text: bytes) -> Any:
    """Parse JSON as RFC 8259 has it: UTF-8, no NaN or Infinity, no duplicate key.

    Raises
    ------
    ServiceError
        VALIDATION_ERROR that says what is wrong and where.

    Examples
    --------
    >>> parse_json(b'{"alpha": 0.1}')
    {'alpha': 0.1}
    >>> parse_json(b'{"alpha": 0.1, "alpha": 0.2}')
    Traceback (most recent call last):
    ...
    mycelium_fractal_net.service.core.errors.ServiceError: the body is not JSON: an object has a duplicate key
    """
    inside = text.count(b"[") + text.count(b"{")
    if inside > _MOST_CONTAINERS:
        raise _refusal(f"it has {inside:,} brackets; at most {_MOST_CONTAINERS:,} are allowed")
    try:
        content = orjson.loads(text)
    except json.JSONDecodeError as error:
        raise _refusal(f"{error.msg} at line {error.lineno}, column {error.colno}") from None
    _check_members(text, content)
    return content


def _check_members(text: bytes, content: Any) -> None:
    """Refuse duplicate keys, of which orjson keeps the last: then there are more colons than members."""
    found = sum(map(len, _objects(content, lists=False)))
    colons = text.count(b":")
    if colons == found:
        return
    colons = _STRING.sub(b"", text).count(b":")
    if colons != found and colons != sum(map(len, _objects(content, lists=True))):
        raise _refusal("an object has a duplicate key")


def _objects(content: Any, *, lists: bool) -> Iterator[dict[str, Any]]:
    """Yield all objects that are inside others, or inside lists too."""
    kinds = (dict, list) if lists else dict
    stack = [content] if isinstance(content, kinds) else []
    while stack:
        value = stack.pop()
        if isinstance(value, dict):
            if len(value) > _MOST_MEMBERS:
                raise _refusal(f"an object has {len(value):,} members; at most {_MOST_MEMBERS:,} are allowed")
            yield value
            value = value.values()
        stack += [item for item in value if isinstance(item, kinds)]


def _refusal(reason: str) -> ServiceError:
    return _invalid("body", f"the body is not JSON: {reason}")


def _invalid(field: str, message: str) -> ServiceError:
    return ServiceError("VALIDATION_ERROR", message, details=[{"field": field, "message": message, "value": None}])


def parse_npy(content: bytes) -> NDArray[Any]:
    """Read an array of real numbers from a .npy file without copying or unpickling anything.

    Raises
    ------
    ServiceError
        VALIDATION_ERROR that says what is wrong, PAYLOAD_TOO_LARGE for more than 64 MiB of doubles.

    Examples
    --------
    >>> stream = io.BytesIO()
    >>> np.save(stream, np.eye(2))
    >>> parse_npy(stream.getvalue())
    array([[1., 0.],
           [0., 1.]])
    """
    stream = io.BytesIO(content)
    try:
        version = np.lib.format.read_magic(stream)
        read = {(1, 0): np.lib.format.read_array_header_1_0, (2, 0): np.lib.format.read_array_header_2_0}[version]
        shape, fortran, dtype = read(stream)
    except (ValueError, KeyError, EOFError, OverflowError):
        raise _invalid("body", "the body is not an array in NumPy's .npy format, version 1 or 2") from None
    if dtype.kind not in "fiu" or dtype.itemsize > 8:
        raise _invalid("body", f"an array must hold floats of 16 to 64 bits, or integers; got {dtype}")
    count, begin = math.prod(shape), stream.tell()
    if min(shape, default=1) < 1 or count * dtype.itemsize != len(content) - begin:
        raise _invalid(
            "body", f"the array's header says shape {shape} and {dtype}; {len(content) - begin} bytes follow"
        )
    if count * 8 > LONGEST_ARRAY:
        raise too_large(LONGEST_ARRAY)
    array = np.frombuffer(content, dtype, count, begin)
    return array.reshape(shape, order="F" if fortran else "C")


def members_of_query(query: str, lists: frozenset[str]) -> dict[str, Any]:
    """Return what a query string says: each value JSON, or a word; members that are lists take several, or commas.

    Raises
    ------
    ServiceError
        VALIDATION_ERROR for a name that occurs twice and is no list.

    Examples
    --------
    >>> members_of_query("seed=7&kinetics=gray-scott&include=field&include=features", frozenset({"include"}))
    {'seed': 7, 'kinetics': 'gray-scott', 'include': ['field', 'features']}
    """
    from urllib.parse import parse_qsl

    found: dict[str, Any] = {}
    try:
        pairs = parse_qsl(query, keep_blank_values=True, strict_parsing=bool(query), max_num_fields=100)
    except ValueError:
        raise _invalid("query", "the query string must be name=value&name=value, with at most 100 pairs") from None
    for name, text in pairs:
        value = _value(text)
        if name in lists:
            items = value if isinstance(value, list) else text.split(",")
            found[name] = [*found.get(name, []), *items]
        elif name in found:
            raise _invalid(name, f"{name} occurs twice in the query string")
        else:
            found[name] = value
    return found


def _value(text: str) -> Any:
    try:
        return orjson.loads(text)
    except json.JSONDecodeError:
        return text
