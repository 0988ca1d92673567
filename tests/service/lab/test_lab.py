"""The lab in a real browser, on a service as in production: what it shows are the bits of ``mfn.simulate``."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser

import mycelium_fractal_net as mfn
from tests.service.helpers import Server, running
from tests.service.lab.browser import Lab, chromium, lab

SMALL = "grid_size=32&steps=40&seed=7"
RESULT = mfn.simulate(mfn.SimulationConfig(grid_size=32, steps=40, seed=7))


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as browser:
        yield browser


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory, browser: Browser) -> Iterator[Server]:
    with running(tmp_path_factory.mktemp("lab"), WARMUP="false", RATE_LIMIT_ENABLED="false") as server:
        yield server


@pytest.fixture
def page(browser: Browser, server: Server) -> Iterator[Lab]:
    with lab(browser, server) as page:
        yield page
        assert (page.complaints, page.strangers) == ([], [])


def test_what_the_page_grows_has_the_bits_of_simulate(page: Lab) -> None:
    assert page.goto(SMALL).receipt() == RESULT.digest
    assert page.step() == 40


def test_a_link_leads_to_the_same_receipt(page: Lab) -> None:
    assert (
        page.goto(f"{SMALL}&k.bias=-0.05&boundary=neumann&show=a").receipt()
        == mfn.simulate(
            mfn.SimulationConfig(
                grid_size=32, steps=40, seed=7, kinetics_parameters={"bias": -0.05}, boundary="neumann"
            )
        ).digest
    )


def test_the_page_is_small_and_asks_no_other_host(page: Lab) -> None:
    page.goto(SMALL).receipt()
    assert 40_000 < sum(size for url, size in page.received.items() if "/lab" in url) < 150_000
