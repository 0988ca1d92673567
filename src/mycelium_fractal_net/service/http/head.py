"""The head of a request: headers as a table, what HTTP/1.1 asks of them, and the call they make."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping
from functools import partial
from typing import Any

from mycelium_fractal_net.service.core.addresses import Addresses
from mycelium_fractal_net.service.core.call import Call, request_id_of
from mycelium_fractal_net.service.core.errors import ServiceError
from mycelium_fractal_net.service.core.redaction import masked
from mycelium_fractal_net.service.http.routes import UNMATCHED

__all__ = ["call_of", "check_head", "header_table"]

Head = Mapping[bytes, bytes]
Receive = Callable[[], Awaitable[Any]]

_ONCE = frozenset({b"authorization", b"content-encoding", b"content-type", b"host", b"origin", b"x-api-key"})


def header_table(pairs: Iterable[tuple[bytes, bytes]]) -> dict[bytes, bytes]:
    """Return headers by name, those of one name joined by commas.

    Examples
    --------
    >>> header_table([(b"accept", b"text/html"), (b"accept", b"*/*")])
    {b'accept': b'text/html, */*'}
    """
    table: dict[bytes, list[bytes]] = {}
    for name, value in pairs:
        table.setdefault(name, []).append(value)
    return {name: values[0] if len(values) == 1 else b", ".join(values) for name, values in table.items()}


def check_head(scope: Any, headers: Head) -> None:
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
        raise ServiceError("BAD_REQUEST", "the only supported Transfer-Encoding is chunked")


def _refuse_doubled(names: Iterable[bytes]) -> None:
    seen = set()
    for name in names:
        if name in seen and name in _ONCE:
            raise ServiceError("BAD_REQUEST", f"the header {name.decode().title()} occurs twice")
        seen.add(name)


def call_of(scope: Any, receive: Receive | None, headers: Head, route: str, addresses: Addresses) -> Call:
    """Return the call that a request is."""

    def text(name: bytes) -> str:
        return headers.get(name, b"").decode("latin-1")

    client = scope.get("client")
    return Call(
        request_id=request_id_of(text(b"x-request-id")),
        method=scope.get("method", "WEBSOCKET"),
        path=masked(scope["path"]) if route == UNMATCHED else scope["path"],
        route=route,
        client_ip=addresses.client(str(client[0]) if client else "unknown", text(b"x-forwarded-for")),
        token=_token(headers),
        traceparent=text(b"traceparent"),
        tracestate=text(b"tracestate"),
        on_disconnect=scope.get("mfn.on_disconnect") or (None if receive is None else partial(_watch, receive)),
    )


def _token(headers: Head) -> bytes | None:
    """Return the key of a request, from X-API-Key or Authorization: Bearer."""
    given = headers.get(b"x-api-key")
    if given is not None:
        return given.strip()
    authorization = headers.get(b"authorization")
    if authorization is not None and authorization[:7].lower() == b"bearer ":
        return authorization[7:].strip()
    return None


def _watch(receive: Receive, tell: Callable[[], object]) -> Callable[[], object]:
    """Tell when the client leaves under a server that has no notice of its own: a task waits for it."""

    async def disconnected() -> None:
        while (await receive())["type"] != "http.disconnect":
            pass

    watcher = asyncio.ensure_future(disconnected())
    watcher.add_done_callback(lambda done: None if done.cancelled() else tell())
    return watcher.cancel
