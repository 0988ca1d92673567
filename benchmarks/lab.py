"""Measure the lab in Chromium: ``python -m benchmarks.lab`` prints when the first frame is seen, and frames a second.

Needs the program ``chromium`` and a machine that does nothing else. The first line is of a service that has answered
nothing yet; the goals are 1 s and, at 256 x 256, 30 a second.
"""

from __future__ import annotations

import time
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.service.helpers import running
from tests.service.lab.browser import chromium, lab

SECONDS = 10.0
PAGES = {"default": "", "256 x 256": "grid_size=256&steps=10000&seed=7"}
SETTINGS = {"WARMUP": "true", "RATE_LIMIT_ENABLED": "false", "MAX_CELL_STEPS": "1000000000"}


def main() -> None:
    """Open each page twice."""
    with TemporaryDirectory() as folder, running(Path(folder), **SETTINGS) as server, chromium() as browser:
        for name, fragment in [*PAGES.items()] * 2:
            with lab(browser, server, viewport={"width": 1440, "height": 900}) as page:
                page.context.unroute_all()  # what only tests need makes every request slower
                begin = time.monotonic()
                page.goto(fragment)
                page.wait_for_step(1)
                seen_s = time.monotonic() - begin
                page.page.locator("#speed").fill("2")  # a step a frame, up to 60 a second
                page.wait_for_step(20)
                first, begin = page.step(), time.monotonic()
                time.sleep(SECONDS)
                rate = (page.step() - first) / (time.monotonic() - begin)
                print(f"{name}: first frame after {seen_s:.2f} s, then {rate:.0f} frames a second")


if __name__ == "__main__":
    main()
