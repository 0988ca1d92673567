from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser

from tests.service.helpers import Server, running
from tests.service.lab.browser import Lab, chromium, lab


# One of each for a file: Playwright keeps an event loop running, beside which asynchronous tests cannot run.
@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as browser:
        yield browser


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory, browser: Browser) -> Iterator[Server]:
    settings = {
        "WARMUP": "false",
        "RATE_LIMIT_ENABLED": "false",
        "MAX_CELL_STEPS": "1000000000",
        "DOCS_ENABLED": "true",
    }
    with running(tmp_path_factory.mktemp("lab"), **settings) as server:
        yield server


@pytest.fixture
def page(browser: Browser, server: Server) -> Iterator[Lab]:
    with lab(browser, server) as page:
        yield page
        assert (page.complaints, page.strangers) == ([], [])
