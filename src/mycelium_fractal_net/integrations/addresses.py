"""Whom a webhook may reach: addresses of the public internet, checked after the name is resolved."""

from __future__ import annotations

import asyncio
import ipaddress
import socket
from collections.abc import Sequence

from mycelium_fractal_net.integrations.protocols import ConnectionFailedError, PublishRefusedError

__all__ = ["is_public", "resolve_public"]

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network

_EMBEDDING = [
    ipaddress.ip_network(text) for text in ("64:ff9b::/96", "64:ff9b:1::/48", "2002::/16", "2001::/32", "::/96")
]
_RESOLVE_S = 5.0


def is_public(address: Address) -> bool:
    """Tell whether an address belongs to the public internet, and no other one is hidden in it.

    Examples
    --------
    >>> [is_public(ipaddress.ip_address(text)) for text in ("8.8.8.8", "169.254.169.254", "::ffff:10.0.0.1")]
    [True, False, False]
    """
    if isinstance(address, ipaddress.IPv6Address):
        hides = address.ipv4_mapped is not None or any(address in network for network in _EMBEDDING)
        if hides or address.is_site_local or address.scope_id is not None:
            return False
    return address.is_global and not (address.is_multicast or address.is_reserved or address.is_unspecified)


async def resolve_public(host: str, port: int, allowed: Sequence[Network] = ()) -> str:
    """Resolve a name now, and return one of its addresses, to connect to without asking again.

    Parameters
    ----------
    host, port
        Of the URL.
    allowed : sequence of network
        Networks that may be reached although they are not public.

    Raises
    ------
    PublishRefusedError
        When one of the addresses is not public: a name with both kinds of them is an attempt.
    ConnectionFailedError
        When the name cannot be resolved.
    """
    loop = asyncio.get_running_loop()
    try:
        async with asyncio.timeout(_RESOLVE_S):
            found = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError, TimeoutError) as error:
        raise ConnectionFailedError(f"the name {host!r} cannot be resolved: {error or 'no answer in time'}") from None
    addresses = [ipaddress.ip_address(str(item[4][0])) for item in found]
    for address in addresses:
        if not is_public(address) and not any(address in network for network in allowed):
            raise PublishRefusedError(f"the address of {host!r} is not public: private networks are not allowed")
    return str(addresses[0])
