"""Read a JSON body: bounded, strict, and never a reason to fail."""

from __future__ import annotations

import codecs
import json
import threading
from collections import Counter
from collections.abc import Callable, Mapping
from typing import Annotated, Any

from pydantic import BeforeValidator

from mycelium_fractal_net.service.core.errors import ServiceError, masked
from mycelium_fractal_net.service.http.pieces import Pieces

__all__ = ["AsInteger", "Whole", "parse_json", "parse_long_json", "read_body", "require_json"]

_JSON = b"application/json"
_MOST_MEMBERS = 1000
_MOST_DIGITS = 400
_DIGITS_OF_A_FLOAT = 308
_DECODED_AT_ONCE = 1 << 20


def _as_integer(value: Any) -> Any:
    if isinstance(value, bool):
        raise ValueError("must be a whole number")  # noqa: TRY004 # pydantic reports ValueErrors only
    return int(value) if isinstance(value, float) and value.is_integer() else value


AsInteger = BeforeValidator(_as_integer)
"""Take 2.0 for 2, as JSON Schema does, and true for no number, as ``Literal[1, 2]`` would."""

Whole = Annotated[int, AsInteger]
"""A whole number."""


async def read_body(receive: Any, longest: int, too_large: Any) -> bytes:
    """Read a request's body, chunked or not, up to a length.

    Parameters
    ----------
    receive : callable
        ASGI's.
    longest : int
        Most bytes to take.
    too_large : callable
        Makes the error for more.

    Raises
    ------
    ServiceError
        What ``too_large`` makes, or CANCELLED when the client leaves first.
    """
    message = await receive()
    if message["type"] == "http.request" and not message.get("more_body"):
        whole: bytes = message.get("body", b"")
        if len(whole) > longest:
            raise too_large()
        return whole
    parts, total = [], 0
    while True:
        if message["type"] == "http.disconnect":
            raise ServiceError("CANCELLED")
        parts.append(message.get("body", b""))
        total += len(parts[-1])
        if total > longest:
            raise too_large()
        if not message.get("more_body"):
            return b"".join(parts)
        message = await receive()


def require_json(headers: Mapping[bytes, bytes]) -> None:
    """Refuse a body that does not say it is JSON, in UTF-8, and not compressed.

    Examples
    --------
    >>> require_json({b"content-type": b"application/json; charset=utf-8"})
    >>> require_json({b"content-type": b"text/plain"})
    Traceback (most recent call last):
    ...
    mycelium_fractal_net.service.core.errors.ServiceError: Send JSON with Content-Type: application/json.
    """
    encoding = headers.get(b"content-encoding")
    if encoding is not None and encoding.lower() != b"identity":
        message = "send the body as it is, without a Content-Encoding"
        raise ServiceError("UNSUPPORTED_MEDIA_TYPE", message, headers={"Accept-Encoding": "identity"})
    content_type = headers.get(b"content-type", b"")
    if content_type != _JSON:
        _require_json_type(*(part.strip() for part in content_type.lower().split(b";")))


def _require_json_type(kind: bytes, *parameters: bytes) -> None:
    charsets = [part[8:].strip(b'"') for part in parameters if part.startswith(b"charset=")]
    if kind != _JSON:
        raise ServiceError("UNSUPPORTED_MEDIA_TYPE")
    if any(charset != b"utf-8" for charset in charsets):
        raise ServiceError("UNSUPPORTED_MEDIA_TYPE", "JSON is UTF-8: leave the charset out")


def parse_json(text: bytes) -> Any:
    """Parse JSON as RFC 8259 has it: UTF-8, no NaN or Infinity, no name twice.

    Raises
    ------
    ServiceError
        VALIDATION_ERROR that says what is wrong and where.

    Examples
    --------
    >>> parse_json(b'{"alpha": 0.1}')
    {'alpha': 0.1}
    >>> parse_json(b'{"alpha": NaN}')
    Traceback (most recent call last):
    ...
    mycelium_fractal_net.service.core.errors.ServiceError: the body is not JSON: NaN is not a JSON number
    """
    return _strictly(lambda: _DECODER.decode(text.decode("utf-8")))


def parse_long_json(text: bytes, arrays: Mapping[str, int], cancel: threading.Event | None = None) -> Any:
    """Parse JSON as :func:`parse_json` does, in pieces; see :class:`Pieces` for what becomes of arrays.

    Raises
    ------
    CancelledError
        Soon after ``cancel`` was set.
    """
    return _strictly(lambda: Pieces(_decoded(text), _DECODER, arrays, cancel).read())


def _decoded(text: bytes) -> str:
    """Decode a long text in pieces; where they cannot be, the whole says which byte is at fault."""
    decoder = codecs.getincrementaldecoder("utf-8")()
    ends = range(0, len(text), _DECODED_AT_ONCE)
    try:
        return "".join(decoder.decode(text[i : i + _DECODED_AT_ONCE], i == ends[-1]) for i in ends)
    except UnicodeDecodeError:
        return text.decode("utf-8")


def _strictly(parse: Callable[[], Any]) -> Any:
    try:
        return parse()
    except json.JSONDecodeError as error:
        raise _refusal(f"{error.msg} at line {error.lineno}, column {error.colno}") from None
    except UnicodeDecodeError as error:
        raise _refusal(f"byte {error.start} is not UTF-8") from None
    except RecursionError:
        raise _refusal("it is nested too deeply") from None
    except ValueError as error:
        raise _refusal(str(error)) from None


def _refusal(reason: str) -> ServiceError:
    message = f"the body is not JSON: {reason}"
    return ServiceError("VALIDATION_ERROR", message, details=[{"field": "body", "message": message, "value": None}])


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    if len(pairs) > _MOST_MEMBERS:
        raise ValueError(f"an object has {len(pairs)} members; {_MOST_MEMBERS} are taken")
    found = dict(pairs)
    if len(found) != len(pairs):
        [(twice, _)] = Counter(name for name, _ in pairs).most_common(1)
        raise ValueError(f"the name {masked(twice)!r} occurs twice")
    return found


def _no_constant(name: str) -> Any:
    raise ValueError(f"{name} is not a JSON number")


def _integer(text: str) -> float:
    if len(text) > _MOST_DIGITS:
        raise ValueError(f"a number of {len(text)} digits is too long")
    # What is longer may be beyond every float, as 1e400 is, and then is infinite as that is.
    return int(text) if len(text) <= _DIGITS_OF_A_FLOAT else float(text)


_DECODER = json.JSONDecoder(object_pairs_hook=_once, parse_constant=_no_constant, parse_int=_integer)
