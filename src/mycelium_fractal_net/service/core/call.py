"""One request and its answer, as every part of the service sees it."""

from __future__ import annotations

import re
from time import perf_counter
from typing import Any

from mycelium_fractal_net._gil import random_id
from mycelium_fractal_net.service.core.errors import Problem, hidden_keys
from mycelium_fractal_net.service.core.keys import Key
from mycelium_fractal_net.service.http.head import header_table

__all__ = ["Exchange", "exchange_of"]

_REQUEST_ID = re.compile(rb"[A-Za-z0-9._-]{1,128}")


def _is_usable(request_id: bytes) -> bool:
    """Tell whether a caller's id is taken; a key in its place is not: it would come back, and go to the logs."""
    return _REQUEST_ID.fullmatch(request_id) is not None and hidden_keys(request_id) == request_id


class Exchange:
    """What is known of a request while it is answered; ``scope["mfn"]``.

    ``problem`` is the error the application answered, ``refused`` what the protocol answered in its place.
    """

    __slots__ = (
        "added",
        "begin",
        "client_ip",
        "headers",
        "key",
        "method",
        "path",
        "problem",
        "refused",
        "request_id",
        "route",
        "span",
        "status",
        "trace_id",
    )

    def __init__(self, scope: Any) -> None:
        self.begin = perf_counter()
        self.method: str = scope["method"]
        self.path: str = scope["path"]
        self.headers: dict[bytes, bytes] = dict(scope["headers"])
        if len(self.headers) != len(scope["headers"]):
            self.headers = header_table(scope["headers"])
        given = self.headers.get(b"x-request-id")
        self.request_id = random_id() if given is None or not _is_usable(given) else given.decode()
        self.route = ""
        self.status = 0
        self.client_ip = ""
        self.key: Key | None = None
        self.span: Any = None
        self.trace_id: str | None = None
        self.problem: Problem | None = None
        self.refused: Problem | None = None
        self.added: list[tuple[bytes, bytes]] = [(b"x-request-id", self.request_id.encode())]

    def text_header(self, name: bytes) -> str:
        """Return a header as text, empty where it is missing."""
        return self.headers.get(name, b"").decode("latin-1")

    def facts(self) -> dict[str, Any]:
        """Return what every log line about this request tells."""
        return {
            "request_id": self.request_id,
            "method": self.method or None,
            "path": self.path or None,
            "route": self.route,
            "client_ip": self.client_ip,
            "key_id": self.key.id if self.key is not None else None,
            "trace_id": self.trace_id,
        }


def exchange_of(scope: Any) -> Exchange:
    """Return the exchange of a request."""
    found: Exchange = scope["mfn"]
    return found
