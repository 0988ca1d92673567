"""What the lab says when limits, the queue or the network refuse, and how it goes on."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from playwright.sync_api import Browser

import mycelium_fractal_net as mfn
from tests.service.helpers import KEY, Server, running
from tests.service.lab.browser import Lab, lab, until
from tests.service.lab.wire import Wire

pytestmark = pytest.mark.slow

SMALL = "grid_size=32&steps=40&seed=7"
DIGEST = mfn.simulate(mfn.SimulationConfig(grid_size=32, steps=40, seed=7)).digest


@pytest.fixture(scope="module")
def narrow(tmp_path_factory: pytest.TempPathFactory, browser: Browser) -> Iterator[Server]:
    """Run a service of one thread, where nobody may wait, with few requests a minute."""
    settings = {
        "WARMUP": "false",
        "RATE_LIMIT_ENABLED": "true",
        "RATE_LIMITS": '{"simulate": 12}',
        "MAX_CELL_STEPS": "1000000000",
        "COMPUTE_THREADS": "1",
        "COMPUTE_QUEUE": "0",
    }
    with running(tmp_path_factory.mktemp("narrow"), **settings) as server:
        yield server


@contextmanager
def _busy(server: Server) -> Iterator[None]:
    """Keep the one thread busy with the computation of somebody else, who then leaves."""
    body = b'{"grid_size": 512, "steps": 3000}'
    head = f"POST /simulate HTTP/1.1\r\nHost: mfn\r\nX-API-Key: {KEY}\r\n"
    head += f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    with socket.create_connection(("127.0.0.1", server.port)) as somebody:
        somebody.sendall(head.encode() + body)
        until(lambda: server.metric("mfn_compute_threads_busy") == 1, "the computation")
        yield


def _told(page: Lab, words: str) -> str:
    return str(until(lambda: (said := page.words("#told")) and words in said and said, words))


def test_a_full_queue_and_spent_limits_are_said_in_words(browser: Browser, narrow: Server) -> None:
    with lab(browser, narrow) as page:
        assert page.goto(SMALL).receipt() == DIGEST
        page.page.keyboard.press("h")
        with _busy(narrow):
            page.page.locator("[data-file=json]").click()
            assert "try again in" in _told(page, "the queue is full")
        page.page.keyboard.press("Escape")

        def refused() -> bool:
            page.page.keyboard.press("r")
            return "accepts no more requests" in page.words("#told")

        until(refused, "the limit")
        until(lambda: page.status() == "failed", "the end of the last attempt")
        assert "try again in" in page.words("#told")


def test_a_page_that_opens_without_network_begins_when_it_is_there(browser: Browser, server: Server) -> None:
    with Wire(server.port) as wire, lab(browser, server) as page:
        page.page.route("**/tickets", lambda route: route.abort())
        page.goto(SMALL, url=wire.url)
        words = until(lambda: "cannot be reached" in (said := page.words("#connection")) and said, "the words")
        assert "Trying again in" in str(words)
        page.page.unroute("**/tickets")
        assert page.receipt() == DIGEST
