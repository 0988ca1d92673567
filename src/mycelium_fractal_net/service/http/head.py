"""The head of a request: headers as a table, and what HTTP/1.1 asks of them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from mycelium_fractal_net.service.core.errors import ServiceError

__all__ = ["check_head", "header_table"]

_ONCE = frozenset({b"authorization", b"content-encoding", b"content-type", b"host", b"origin", b"x-api-key"})


def header_table(pairs: Iterable[tuple[bytes, bytes]]) -> dict[bytes, bytes]:
    """Return headers by name, those of one name joined by commas.

    Examples
    --------
    >>> header_table([(b"accept", b"text/html"), (b"accept", b"*/*")])
    {b'accept': b'text/html, */*'}
    """
    table: dict[bytes, bytes] = {}
    for name, value in pairs:
        table[name] = table[name] + b", " + value if name in table else value
    return table


def check_head(scope: Any, headers: Mapping[bytes, bytes]) -> None:
    """Refuse what two programs on the way could read in two ways: doubled names, no host, unknown codings.

    Raises
    ------
    ServiceError
        BAD_REQUEST, with the header that is at fault.
    """
    if len(headers) != len(scope["headers"]):
        _refuse_doubled(name for name, _ in scope["headers"])
    if b"host" not in headers and scope["http_version"] == "1.1":
        raise ServiceError("BAD_REQUEST", "the header Host is missing")
    coding = headers.get(b"transfer-encoding")
    if coding is not None and coding.lower() != b"chunked":
        raise ServiceError("BAD_REQUEST", "the only Transfer-Encoding taken is chunked")


def _refuse_doubled(names: Iterable[bytes]) -> None:
    seen = set()
    for name in names:
        if name in seen and name in _ONCE:
            raise ServiceError("BAD_REQUEST", f"the header {name.decode().title()} occurs twice")
        seen.add(name)
