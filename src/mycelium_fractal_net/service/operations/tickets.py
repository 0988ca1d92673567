"""``tickets``: what a browser shows in place of a key where it cannot send one."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from mycelium_fractal_net.service.core.access import Access
from mycelium_fractal_net.service.core.tickets import TICKET_S
from mycelium_fractal_net.service.operations.operation import Answer, Context, Operation

__all__ = ["TICKETS", "TicketRequest", "TicketResponse"]


class TicketRequest(BaseModel):
    """What the ticket is for."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{}, {"stream": "s1"}]})

    operation: Literal["simulate"] = Field(default="simulate", description="What the ticket is valid for.")
    stream: str | None = Field(
        default=None,
        min_length=1,
        max_length=64,
        pattern=r"^[A-Za-z0-9._-]+$",
        description="The stream it is for: the ticket can then be used again to resume it. Without a stream it can "
        "be used once.",
    )


class TicketResponse(BaseModel):
    """A ticket."""

    ticket: str = Field(description="Pass it as ?ticket= to /ws/simulate or /stream/simulate.")
    expires_in_s: int = Field(description="Seconds until it expires.")
    stream: str | None = Field(description="The stream it is for.")


def run_tickets(request: TicketRequest, context: Context) -> Answer:
    """Get a ticket, which stands for the key for 30 seconds.

    Browsers cannot send headers with a WebSocket or an EventSource, and a key must not stand in a URL.
    """
    call = context.record.call
    ticket = context.services.tickets.issue(call.key, request.operation, request.stream)
    lasts_s = TICKET_S if request.stream is None else int(context.services.settings.stream_seconds)
    return Answer(TicketResponse(ticket=ticket, expires_in_s=lasts_s, stream=request.stream))


TICKETS = Operation(
    name="tickets",
    tag="simulation",
    run=run_tickets,
    access=Access("health", "simulate"),
    request=TicketRequest,
    response=TicketResponse,
    inline=True,
)
