"""A ticket in a query string, the one credential that may stand there."""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qs

from mycelium_fractal_net.service.core.call import Call
from mycelium_fractal_net.service.services import Services

__all__ = ["show_ticket"]


async def show_ticket(scope: Any, call: Call, services: Services) -> bool:
    """Find the key that the ticket of a request stands for; tell whether there was one.

    Raises
    ------
    ServiceError
        INVALID_API_KEY for a ticket that is not good for this.
    """
    query = scope["query_string"].decode("latin-1")
    if call.token is not None or "ticket=" not in query:
        return False
    members = parse_qs(query)
    last = scope["mfn.headers"].get(b"last-event-id", b"").decode("latin-1") or members.get("last_event_id", [""])[-1]
    stream = last.rpartition(":")[0] or members.get("stream", ["s1"])[-1]
    call.key = await services.tickets.redeem(members.get("ticket", [""])[-1], "simulate", stream)
    return True
