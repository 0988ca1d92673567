"""The client's address, seen through proxies."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Sequence
from functools import lru_cache

__all__ = ["Addresses"]

_PORT = r"(?::\d{1,5})?"
_HOP = re.compile(rf"([0-9.]+){_PORT}|\[([0-9A-Fa-f:.]+)\]{_PORT}|([0-9A-Fa-f:.]+)")


class Addresses:
    """Find the client's address, and believe X-Forwarded-For from nobody but the trusted proxies.

    Attributes
    ----------
    trusted : callable
        Tells whether an address is that of such a proxy.

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
        self.trusted = trusted

    def client(self, peer: str, forwarded: str) -> str:
        """Return the address nearest to us that is not a trusted proxy's."""
        if self._none or not forwarded or not self.trusted(peer):
            return peer
        nearest = peer
        for hop in reversed(forwarded.split(",")):
            address = _address(hop)
            if address is None:
                return nearest
            nearest = address
            if not self.trusted(address):
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
