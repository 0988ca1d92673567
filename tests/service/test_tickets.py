"""Tickets: signed, for one purpose, used once or bound to one stream."""

from __future__ import annotations

import base64
from typing import Any

import pytest

from mycelium_fractal_net.service.core.errors import ServiceError
from mycelium_fractal_net.service.core.tickets import TICKET_S, Tickets
from mycelium_fractal_net.service.services import Services
from tests.service.helpers import KEY, make_app

pytestmark = pytest.mark.anyio


def _services(**settings: Any) -> Services:
    services: Services = make_app(**settings).state.services
    return services


def _issued(services: Services, stream: str | None = None) -> str:
    return services.tickets.issue(services.keys.find(KEY.encode()), "simulate", stream)


async def test_a_ticket_stands_for_its_key_once() -> None:
    services = _services()
    ticket = _issued(services)
    key = await services.tickets.redeem(ticket, "simulate", "s1")
    assert key == services.keys.find(KEY.encode())
    with pytest.raises(ServiceError, match="used"):
        await services.tickets.redeem(ticket, "simulate", "s1")


async def test_a_ticket_of_one_process_opens_another_of_the_same_deployment() -> None:
    one, other = _services(), _services()
    key = await other.tickets.redeem(_issued(one), "simulate", "s1")
    assert key is not None


async def test_a_ticket_of_other_keys_is_refused() -> None:
    stranger = _services(api_key="another-plain-key-for-tests")
    ticket = stranger.tickets.issue(None, "simulate")
    with pytest.raises(ServiceError, match="something else"):
        await _services().tickets.redeem(ticket, "simulate", "s1")


async def test_a_ticket_that_is_bound_to_a_stream_serves_that_stream_alone() -> None:
    services = _services()
    ticket = _issued(services, "mine")
    for _ in "ab":
        assert await services.tickets.redeem(ticket, "simulate", "mine") is not None
    for operation, stream in (("simulate", "other"), ("aggregate", "mine")):
        with pytest.raises(ServiceError, match="something else"):
            await services.tickets.redeem(ticket, operation, stream)


@pytest.mark.parametrize(("stream", "lasts_s"), [(None, TICKET_S), ("mine", 3600)])
async def test_a_ticket_ends(stream: str | None, lasts_s: int) -> None:
    services, now = _services(), [1e9]
    tickets = Tickets(lambda: services.keys, services.limiter.once, clock=lambda: now[0])
    ticket = tickets.issue(None, "simulate", stream)
    now[0] += lasts_s + 1
    with pytest.raises(ServiceError, match="has expired"):
        await tickets.redeem(ticket, "simulate", "mine")


@pytest.mark.parametrize("at", [0, 40, 60])
async def test_a_ticket_that_was_changed_is_refused(at: int) -> None:
    services = _services()
    content = bytearray(base64.urlsafe_b64decode(_issued(services)))
    content[at] ^= 1
    with pytest.raises(ServiceError, match="something else"):
        await services.tickets.redeem(base64.urlsafe_b64encode(content).decode(), "simulate", "s1")


@pytest.mark.parametrize("text", ["", "guess", "ä", "x" * 5000, "AAAA"])
async def test_a_text_that_is_no_ticket_is_refused(text: str) -> None:
    with pytest.raises(ServiceError, match="something else"):
        await _services().tickets.redeem(text, "simulate", "s1")


async def test_a_ticket_dies_with_its_key() -> None:
    before = _services(api_key_pepper="p" * 30)
    ticket = before.tickets.issue(before.keys.find(KEY.encode()), "simulate", "mine")
    after = _services(api_key_pepper="p" * 30, api_key_required=False, api_key=None)
    with pytest.raises(ServiceError, match="something else"):
        await after.tickets.redeem(ticket, "simulate", "mine")
