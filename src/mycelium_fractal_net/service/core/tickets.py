"""Tickets: what stands for a key where no header can be sent, for a moment and one purpose."""

from __future__ import annotations

import hashlib
import secrets
from collections import Counter
from collections.abc import Callable
from time import monotonic
from typing import NamedTuple

from mycelium_fractal_net.service.core.errors import ServiceError
from mycelium_fractal_net.service.core.keys import Key

__all__ = ["TICKET_S", "Tickets"]

TICKET_S = 30
"""Seconds in which a ticket has to be used for the first time."""

_MOST = 10_000
_MOST_OF_ONE = 100


class _Ticket(NamedTuple):
    key: Key | None
    who: str
    operation: str
    stream: str | None
    ends: float


class Tickets:
    """Tickets in force, kept by their digests.

    Parameters
    ----------
    stream_s : float
        Seconds for which a ticket that is bound to a stream can be shown again, by a browser that reconnects.
    clock : callable
        Seconds.

    Examples
    --------
    >>> tickets = Tickets()
    >>> text = tickets.issue(None, "ip:10.0.0.1", "simulate")
    >>> tickets.redeem(text, "simulate") is None
    True
    >>> tickets.redeem(text, "simulate")
    Traceback (most recent call last):
    ...
    mycelium_fractal_net.service.core.errors.ServiceError: the ticket is used, too old, or for something else; ...
    """

    def __init__(self, stream_s: float = 3600.0, clock: Callable[[], float] = monotonic) -> None:
        self._stream_s = stream_s
        self._clock = clock
        self._tickets: dict[bytes, _Ticket] = {}

    def issue(self, key: Key | None, who: str, operation: str, stream: str | None = None) -> str:
        """Return a ticket that nobody can guess.

        Raises
        ------
        ServiceError
            RATE_LIMIT_EXCEEDED when too many are in force.
        """
        self._forget_old()
        mine = Counter(ticket.who for ticket in self._tickets.values())[who]
        if mine >= _MOST_OF_ONE or len(self._tickets) >= _MOST:
            raise ServiceError("RATE_LIMIT_EXCEEDED", "too many tickets are in force; use them, or wait")
        text = secrets.token_urlsafe(32)
        self._tickets[_digest(text)] = _Ticket(key, who, operation, stream, self._clock() + TICKET_S)
        return text

    def redeem(self, text: str, operation: str, stream: str | None = None) -> Key | None:
        """Return the key that a ticket stands for; one that is bound to a stream can be shown again for that.

        Raises
        ------
        ServiceError
            INVALID_API_KEY for one that is unknown, used, too old, or for something else.
        """
        digest = _digest(text)
        ticket = self._tickets.pop(digest, None)
        fits = ticket is not None and ticket.operation == operation and ticket.stream in {None, stream}
        if ticket is None or not fits or ticket.ends < self._clock():
            raise ServiceError(
                "INVALID_API_KEY", "the ticket is used, too old, or for something else; get one from POST /tickets"
            )
        if ticket.stream is not None:
            self._tickets[digest] = ticket._replace(ends=self._clock() + self._stream_s)
        return ticket.key

    def _forget_old(self) -> None:
        now = self._clock()
        self._tickets = {digest: ticket for digest, ticket in self._tickets.items() if ticket.ends >= now}


def _digest(text: str) -> bytes:
    """Return what a ticket is found by: the time a look-up takes says nothing of the text."""
    return hashlib.sha256(text.encode("utf-8", "replace")).digest()
