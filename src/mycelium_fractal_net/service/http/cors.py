"""Cross-origin requests: headers on every answer, errors too, and preflights that need no key."""

from __future__ import annotations

from collections.abc import Iterable

from mycelium_fractal_net.service.core.call import Exchange
from mycelium_fractal_net.service.core.errors import ServiceError

__all__ = ["Cors"]

_EXPOSED = "X-Request-ID, X-RateLimit-Limit, X-RateLimit-Remaining, X-RateLimit-Reset, Retry-After, ETag, X-MFN-Receipt"
_TAKEN = "Accept, Authorization, Content-Type, X-API-Key, X-Request-ID, traceparent, tracestate"
_MAX_AGE_S = 600


class Cors:
    """Say to browsers which origins may call.

    Parameters
    ----------
    origins : iterable of str
        ``scheme://host[:port]`` each, or ``"*"`` for all.
    """

    def __init__(self, origins: Iterable[str]) -> None:
        self._origins = {origin.rstrip("/").encode() for origin in origins}
        self._all = b"*" in self._origins

    def headers(self, origin: bytes) -> list[tuple[bytes, bytes]]:
        """Return what every answer to a request with an Origin carries."""
        if not self._allowed(origin):
            return [(b"vary", b"Origin")]
        return [
            (b"access-control-allow-origin", b"*" if self._all else origin),
            (b"access-control-expose-headers", _EXPOSED.encode()),
            *([] if self._all else [(b"vary", b"Origin")]),
        ]

    @staticmethod
    def is_preflight(exchange: Exchange) -> bool:
        """Tell a preflight from other OPTIONS requests."""
        return (
            exchange.method == "OPTIONS"
            and b"origin" in exchange.headers
            and b"access-control-request-method" in exchange.headers
        )

    def preflight(self, exchange: Exchange, methods: Iterable[str]) -> list[tuple[bytes, bytes]]:
        """Return the headers that answer a preflight.

        Raises
        ------
        ServiceError
            BAD_REQUEST for an origin that may not call.
        """
        if not self._allowed(exchange.headers[b"origin"]):
            raise ServiceError(
                "BAD_REQUEST", "this origin may not call the service; MFN_CORS_ORIGINS lists those that may"
            )
        return [
            (b"access-control-allow-methods", ", ".join(sorted(methods)).encode()),
            (b"access-control-allow-headers", _TAKEN.encode()),
            (b"access-control-max-age", b"%d" % _MAX_AGE_S),
        ]

    def _allowed(self, origin: bytes) -> bool:
        return self._all or origin in self._origins
