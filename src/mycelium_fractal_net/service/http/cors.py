"""Cross-origin requests: Starlette's middleware, and preflights that it refuses in the one shape of errors."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from starlette.datastructures import Headers
from starlette.middleware.cors import CORSMiddleware
from starlette.responses import Response

from mycelium_fractal_net.service.core.errors import ServiceError

__all__ = ["Cors"]

_EXPOSED = (
    "X-Request-ID",
    "X-RateLimit-Limit",
    "X-RateLimit-Remaining",
    "X-RateLimit-Reset",
    "Retry-After",
    "ETag",
    "X-MFN-Receipt",
)
_TAKEN = (
    "Accept",
    "Authorization",
    "Content-Type",
    "If-None-Match",
    "Last-Event-ID",
    "X-API-Key",
    "X-Request-ID",
    "traceparent",
    "tracestate",
)


class Cors(CORSMiddleware):
    """Say to browsers which origins may call.

    Parameters
    ----------
    app : ASGI application
        What answers.
    origins : iterable of str
        ``scheme://host[:port]`` each, or ``"*"`` for all.
    """

    def __init__(self, app: Any, origins: Iterable[str]) -> None:
        super().__init__(
            app,
            allow_origins=[origin.rstrip("/") for origin in origins],
            allow_methods=("GET", "HEAD", "POST"),
            allow_headers=_TAKEN,
            expose_headers=_EXPOSED,
        )

    def preflight_response(self, request_headers: Headers) -> Response:
        """Answer a preflight.

        Raises
        ------
        ServiceError
            BAD_REQUEST for an origin, a method or a header that is not allowed.
        """
        response = super().preflight_response(request_headers)
        if response.status_code != 200:
            reason = bytes(response.body).decode()
            raise ServiceError("BAD_REQUEST", f"{reason}; MFN_CORS_ORIGINS lists the origins that may call")
        told = {name: value for name, value in response.headers.items() if not name.startswith("content-")}
        return Response(status_code=204, headers=told)
