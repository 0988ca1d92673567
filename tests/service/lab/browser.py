"""A real Chromium on a real service, for the tests of the lab: one of each for a whole file."""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, Response, sync_playwright

from tests.service.helpers import KEY, Server

PATIENCE_S = 300.0


@contextmanager
def chromium() -> Iterator[Browser]:
    """Start Debian's Chromium; without one a laptop skips, CI fails."""
    program = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if program is None:
        if os.environ.get("CI"):
            raise RuntimeError("the tests of the lab need the program chromium")
        pytest.skip("there is no Chromium here")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=program, args=["--no-sandbox", "--disable-background-networking"]
        )
        try:
            yield browser
        finally:
            browser.close()


def until(condition: Callable[[], Any], what: str) -> Any:
    """Wait for a condition; under the page's policy Playwright cannot do so inside the page."""
    end = time.monotonic() + PATIENCE_S
    while time.monotonic() < end:
        value = condition()
        if value:
            return value
        time.sleep(0.05)
    raise AssertionError(f"waited {PATIENCE_S:g} s in vain for {what}")


@dataclass
class Lab:
    """The page in a tab of its own, and what went wrong in it."""

    context: BrowserContext
    page: Page
    server: Server
    complaints: list[str] = field(default_factory=list)
    strangers: list[str] = field(default_factory=list)
    received: dict[str, int] = field(default_factory=dict)

    def hear(self, message: ConsoleMessage) -> None:
        if message.type == "error":
            self.complaints.append(message.text)

    def weigh(self, answer: Response) -> None:
        self.received[answer.url] = int(answer.headers.get("content-length", 0))

    def goto(self, fragment: str = "", query: str = "", url: str = "") -> Lab:
        self.page.goto(f"{url or self.server.url}/lab{query}#{fragment}")
        return self

    def js(self, code: str, argument: Any = None) -> Any:
        return self.page.evaluate(code, argument)

    def pane(self, name: str = "A") -> str:
        return f".pane[data-pane={name}]"

    def status(self, name: str = "A") -> str:
        return str(self.js("(pane) => document.querySelector(pane)?.dataset.status ?? ''", self.pane(name)))

    def step(self, name: str = "A") -> int:
        text = str(self.js("(pane) => document.querySelector(`${pane} .at`)?.textContent ?? ''", self.pane(name)))
        return int(text.split("step ")[1].split(" ", maxsplit=1)[0]) if "step " in text else 0

    def receipt(self, name: str = "A") -> str:
        """Wait for the end of the run, and return the digest that the page shows."""
        digest = "(pane) => document.querySelector(pane)?.dataset.receipt"
        return str(until(lambda: self.js(digest, self.pane(name)), f"the receipt of run {name}"))

    def wait_for_step(self, step: int, name: str = "A") -> None:
        until(lambda: self.step(name) >= step, f"step {step}")

    def words(self, selector: str) -> str:
        return str(self.page.locator(selector).inner_text())


@contextmanager
def lab(browser: Browser, server: Server, *, key: str | None = KEY, **options: Any) -> Iterator[Lab]:
    """Open a tab; what leaves the host is refused, and what the console says is kept."""
    context = browser.new_context(**{"viewport": {"width": 1000, "height": 700}, "accept_downloads": True, **options})
    if key is not None:
        context.add_init_script(f"sessionStorage.setItem('mfn-key', '{key}')")
    tab = Lab(context, context.new_page(), server)

    def gate(route: Any) -> None:
        if urlsplit(route.request.url).hostname == "127.0.0.1":
            route.continue_()
        else:
            tab.strangers.append(route.request.url)
            route.abort()

    context.route("**/*", gate)
    tab.page.on("console", tab.hear)
    tab.page.on("pageerror", lambda error: tab.complaints.append(str(error)))
    tab.page.on("response", tab.weigh)
    try:
        yield tab
    finally:
        context.close()
