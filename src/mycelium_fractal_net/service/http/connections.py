"""What one client may hold open: bounds of a connection, and the count of connections in all and per address."""

from __future__ import annotations

import ipaddress
from collections import Counter, OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

__all__ = ["Bounds", "Connection", "Connections"]

_MOST_CROWDED = 64


@dataclass(frozen=True)
class Bounds:
    """How long and how much.

    Attributes
    ----------
    stall_s : float
        Time for a head, and without progress of a transfer, in s.
    idle_s : float
        Time that a connection is kept between requests, in s.
    answer_s : float
        Time for a client to read what was written to it, in s.
    connections : int
        Connections in all.
    per_address : int
        Connections from one address.
    """

    stall_s: float = 30.0
    idle_s: float = 5.0
    answer_s: float = 300.0
    connections: int = 2048
    per_address: int = 1280


class Connection(Protocol):
    """What is counted."""

    def drop(self) -> None:
        """Close at once."""
        ...


class Connections:
    """Count the connections of every door, and say which find no place.

    One that finds no place is not cut off in silence: it is *crowded*, may ask how the service is, and is refused
    everything else. Of those there are 64 at most, the oldest makes room.

    Parameters
    ----------
    bounds : Bounds
        How many there may be.
    proxies : sequence of str
        Addresses and networks that many clients share, and that are not counted one by one.

    Attributes
    ----------
    draining : bool
        Whether each answer is the last of its connection.

    Examples
    --------
    >>> class Silent:
    ...     def drop(self) -> None: ...
    >>> connections = Connections(Bounds(connections=2, per_address=1))
    >>> [connections.enter(Silent(), address) for address in ("10.0.0.1", "10.0.0.1", "10.0.0.2", "10.0.0.3")]
    [True, False, True, False]
    """

    def __init__(self, bounds: Bounds, proxies: Sequence[str] = ()) -> None:
        self.bounds = bounds
        self.draining = False
        self._networks = [ipaddress.ip_network(text, strict=False) for text in proxies]
        self._addresses: Counter[str] = Counter()
        self._placed: dict[Connection, str] = {}
        self._crowded: OrderedDict[Connection, None] = OrderedDict()
        self._idle: OrderedDict[Connection, None] = OrderedDict()

    def __len__(self) -> int:
        return len(self._placed) + len(self._crowded)

    def enter(self, connection: Connection, address: str) -> bool:
        """Count a connection; False where it finds no place."""
        if self._has_place(address):
            self._placed[connection] = address
            self._addresses[address] += 1
            return True
        self._crowded[connection] = None
        if len(self._crowded) > _MOST_CROWDED:
            next(iter(self._crowded)).drop()
        return False

    def leave(self, connection: Connection) -> None:
        """Count it no longer."""
        self._crowded.pop(connection, None)
        self._idle.pop(connection, None)
        address = self._placed.pop(connection, None)
        if address is not None:
            self._addresses[address] -= 1
            if not self._addresses[address]:
                del self._addresses[address]

    def rest(self, connection: Connection) -> None:
        """Note that a connection waits for its next request: it may have to make room."""
        self._idle[connection] = None

    def work(self, connection: Connection) -> None:
        """Note that it waits no longer."""
        self._idle.pop(connection, None)

    def _has_place(self, address: str) -> bool:
        if self._addresses[address] >= self.bounds.per_address and not self._is_proxy(address):
            return False
        if len(self._placed) < self.bounds.connections:
            return True
        if self._idle:
            oldest = next(iter(self._idle))
            self.leave(oldest)
            oldest.drop()
            return True
        return False

    def _is_proxy(self, address: str) -> bool:
        try:
            parsed = ipaddress.ip_address(address)
        except ValueError:
            return False
        return any(parsed in network for network in self._networks)
