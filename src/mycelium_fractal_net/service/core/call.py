"""A call as every part of the service sees it, whatever transport it came by."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

from mycelium_fractal_net._gil import random_id
from mycelium_fractal_net.service.core.keys import Key
from mycelium_fractal_net.service.core.limits import Verdict
from mycelium_fractal_net.service.core.redaction import hidden_keys

__all__ = ["Call", "OnDisconnect", "request_id_of"]

OnDisconnect = Callable[[Callable[[], object]], Callable[[], object]]
"""``on_disconnect(tell)`` calls ``tell`` when the caller leaves, or has left; what it returns puts an end to that."""

_REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{1,128}")


def request_id_of(given: str | None) -> str:
    """Return the caller's id if it is usable, or a new one; a key in its place is not: it would go to the logs.

    Examples
    --------
    >>> request_id_of("batch-7.42")
    'batch-7.42'
    >>> len(request_id_of(None)), len(request_id_of("two words"))
    (32, 32)
    """
    if given is not None and _REQUEST_ID.fullmatch(given) and hidden_keys(given) == given:
        return given
    return random_id()


@dataclass(slots=True, eq=False, kw_only=True)
class Call:
    """What is known of a call; a door makes it, and admission finds its key and its quota.

    Attributes
    ----------
    request_id : str
        See :func:`request_id_of`.
    method : str
        HTTP's, or ``WEBSOCKET``, ``GRPC``; empty where it could not be read.
    path : str
        What was called: a path, or the full name of an RPC.
    route : str
        The template of the path, which clients cannot multiply; ``unmatched`` where there is none.
    client_ip : str
        See :class:`Addresses`.
    token : bytes or None
        The key that was sent.
    traceparent, tracestate : str
        W3C trace context of the caller, empty where there is none.
    on_disconnect : callable or None
        Tells when the caller leaves; None where nobody knows.
    key : Key or None
        The key it was admitted with.
    quota : Verdict or None
        What is left of its rate limit.
    """

    request_id: str
    method: str
    path: str
    route: str
    client_ip: str
    token: bytes | None = None
    traceparent: str = ""
    tracestate: str = ""
    on_disconnect: OnDisconnect | None = None
    key: Key | None = None
    quota: Verdict | None = None

    @property
    def who(self) -> str:
        """Whom limits and queues count this call for: the key, or the address where there is none."""
        return f"ip:{self.client_ip}" if self.key is None else f"key:{self.key.id}"
