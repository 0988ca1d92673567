"""Keys, scopes, rate limits and sizes, before an endpoint sees anything."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Sequence
from functools import lru_cache
from typing import Any

from mycelium_fractal_net.service.core.access import Access
from mycelium_fractal_net.service.core.call import Exchange
from mycelium_fractal_net.service.core.errors import ServiceError
from mycelium_fractal_net.service.core.keys import Key, KeyRing
from mycelium_fractal_net.service.core.limits import RateLimiter
from mycelium_fractal_net.service.settings import Settings

__all__ = ["Addresses", "Guard"]

_PORT = r"(?::\d{1,5})?"
_HOP = re.compile(rf"([0-9.]+){_PORT}|\[([0-9A-Fa-f:.]+)\]{_PORT}|([0-9A-Fa-f:.]+)")
_REALM = {"WWW-Authenticate": 'Bearer realm="mfn"'}


class Addresses:
    """Find the client's address, and believe X-Forwarded-For from nobody but the trusted proxies.

    Examples
    --------
    >>> Addresses(["10.0.0.0/8"]).client("10.0.0.1", "6.6.6.6, 1.2.3.4, 10.0.0.9")
    '1.2.3.4'
    >>> Addresses(["10.0.0.0/8"]).client("10.0.0.1", "[2001:db8::1]:443")
    '2001:db8::1'
    >>> Addresses([]).client("10.0.0.1", "1.2.3.4")
    '10.0.0.1'
    """

    def __init__(self, proxies: Sequence[str]) -> None:
        networks = [ipaddress.ip_network(text, strict=False) for text in proxies]

        @lru_cache(maxsize=4096)
        def trusted(address: str) -> bool:
            try:
                parsed = ipaddress.ip_address(address)
            except ValueError:
                return False
            return any(parsed in network for network in networks)

        self._none = not networks
        self._trusted = trusted

    def client(self, peer: str, forwarded: str) -> str:
        """Return the address nearest to us that is not a trusted proxy's."""
        if self._none or not forwarded or not self._trusted(peer):
            return peer
        nearest = peer
        for hop in reversed(forwarded.split(",")):
            address = _address(hop)
            if address is None:
                return nearest
            nearest = address
            if not self._trusted(address):
                return nearest
        return nearest


@lru_cache(maxsize=4096)
def _address(hop: str) -> str | None:
    """Return the address of a hop in one spelling, without the port that some proxies add."""
    match = _HOP.fullmatch(hop.strip())
    try:
        return str(ipaddress.ip_address(match[match.lastindex or 0])) if match else None
    except ValueError:
        return None


class Guard:
    """Check a request against keys, scopes, limits and sizes.

    Parameters
    ----------
    settings : Settings
        What applies.
    keys : KeyRing
        Keys in force.
    limiter : RateLimiter
        Counts the requests.
    """

    def __init__(self, settings: Settings, keys: KeyRing, limiter: RateLimiter) -> None:
        self._required = settings.api_key_required
        self._limited = settings.rate_limit_enabled
        self._longest = settings.max_body_bytes
        self._metrics_public = settings.metrics_public
        self.keys = keys
        self._limiter = limiter
        self._addresses = Addresses(settings.trusted_proxies)

    def address(self, exchange: Exchange, scope: Any) -> str:
        """Return the client's address."""
        client = scope.get("client")
        peer = str(client[0]) if client else "unknown"
        if b"x-forwarded-for" not in exchange.headers:
            return peer
        forwarded = b",".join(value for name, value in scope["headers"] if name == b"x-forwarded-for")
        return self._addresses.client(peer, forwarded.decode("latin-1"))

    async def check(self, exchange: Exchange, wanted: Access) -> None:
        """Let a request pass or raise a ServiceError; whoever is known is counted, also for what is then refused."""
        token = _token(exchange.headers)
        exchange.key = key = self.keys.find(token) if token is not None else None
        public = wanted.public or (wanted.limit == "metrics" and self._metrics_public)
        needed = self._required and not public
        if needed and key is None:
            await self._refuse(exchange, token)
        if self._limited and wanted.limit is not None:
            await self._count(exchange, key, wanted.limit)
        if needed and key is not None and not key.may(wanted.scope):
            raise ServiceError("INSUFFICIENT_SCOPE", f"this needs a key with the scope {wanted.scope}")
        length = exchange.headers.get(b"content-length")
        if length is not None and length.isdigit() and int(length[:20]) > self._longest:
            raise self.too_large()

    async def _refuse(self, exchange: Exchange, token: bytes | None) -> None:
        if self._limited:
            await self._count(exchange, None, "failed_auth")
        raise ServiceError("AUTHENTICATION_REQUIRED" if token is None else "INVALID_API_KEY", headers=_REALM)

    async def _count(self, exchange: Exchange, key: Key | None, endpoint: str) -> None:
        who = f"ip:{exchange.client_ip}" if key is None else f"key:{key.id}"
        verdict = await self._limiter.hit(who, endpoint)
        exchange.added += verdict.headers
        if not verdict.passed:
            raise ServiceError(
                "RATE_LIMIT_EXCEEDED",
                f"more than {verdict.limit} requests a minute ({endpoint}); try again in {verdict.reset_s} s",
            )

    def too_large(self) -> ServiceError:
        """Return the refusal of a body that is too long."""
        return ServiceError(
            "PAYLOAD_TOO_LARGE",
            f"the body may have at most {self._longest} bytes (MFN_MAX_BODY_BYTES)",
            headers={"Connection": "close"},
        )

    @property
    def longest_body(self) -> int:
        """Most bytes that a body may have."""
        return self._longest


def _token(headers: dict[bytes, bytes]) -> bytes | None:
    """Return the key of a request, from X-API-Key or Authorization: Bearer."""
    given = headers.get(b"x-api-key")
    if given is not None:
        return given.strip()
    authorization = headers.get(b"authorization")
    if authorization is not None and authorization[:7].lower() == b"bearer ":
        return authorization[7:].strip()
    return None
