"""Photograph and film the lab: ``python docs/make_lab_pictures.py`` writes into ``docs/images``.

Starts a service and a Chromium on this machine; needs the programs ``chromium`` and ``ffmpeg``.
"""

from __future__ import annotations

import io
import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from tempfile import TemporaryDirectory

from PIL import Image
from playwright.sync_api import Browser, Page, sync_playwright

IMAGES = Path(__file__).parent / "images"
PICTURES_A_SECOND = 10
FILM_WIDTH = 760


@contextmanager
def service() -> Iterator[str]:
    """Run a service on a free port."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    environment = {**os.environ, "MFN_PORT": str(port), "MFN_GRPC_PORT": "0", "MFN_LOG_LEVEL": "ERROR"}
    process = subprocess.Popen([sys.executable, "-m", "mycelium_fractal_net", "serve"], env=environment)
    try:
        for _ in range(1200):
            with suppress(OSError):
                urllib.request.urlopen(f"http://127.0.0.1:{port}/health/ready").close()
                break
            time.sleep(0.1)
        yield f"http://127.0.0.1:{port}/lab"
    finally:
        process.terminate()
        process.wait()


def step_of(page: Page) -> int:
    """Return the step that run A shows."""
    text = str(page.evaluate("document.querySelector('.pane .at')?.textContent ?? ''"))
    return int(text.split("step ")[1].split(" ", maxsplit=1)[0]) if "step " in text else 0


def wait(condition: Callable[[], bool]) -> None:
    """Wait for up to three minutes."""
    end = time.monotonic() + 180
    while not condition():
        if time.monotonic() > end:
            raise TimeoutError("the lab did not get there")
        time.sleep(0.1)


def photograph(page: Page, name: str) -> None:
    """Write what the page shows, in 160 colours."""
    image = Image.open(io.BytesIO(page.screenshot()))
    image.convert("RGB").quantize(160, dither=Image.Dither.NONE).save(IMAGES / f"lab-{name}.png", optimize=True)


def photographs(browser: Browser, url: str) -> None:
    """Write five states: a run, two compared, what is taken home, the tour in light, a phone."""
    page = browser.new_page(viewport={"width": 1440, "height": 900}, color_scheme="dark")
    page.goto(f"{url}#grid_size=128&steps=600&k.bias=0")
    wait(lambda: step_of(page) > 300)
    page.wait_for_timeout(1500)
    photograph(page, "run")
    page.locator("#compare").click()
    page.locator("[data-regime=mycelium-spots]").click()
    wait(lambda: page.evaluate("document.querySelector('.pane[data-pane=B]').dataset.status") == "done")
    page.wait_for_timeout(2500)
    photograph(page, "compare")
    page.locator("#take").click()
    photograph(page, "take-home")
    page.close()
    light = browser.new_page(viewport={"width": 1440, "height": 900}, color_scheme="light")
    light.goto(f"{url}#grid_size=128&steps=600&k.bias=0.04&map=cividis")
    wait(lambda: step_of(light) > 300)
    light.locator("#start-tour").click()
    light.locator("[data-tour=next]").click()
    light.wait_for_timeout(800)
    photograph(light, "tour")
    light.close()
    phone = browser.new_page(viewport={"width": 360, "height": 740}, device_scale_factor=2, color_scheme="dark")
    phone.goto(f"{url}#grid_size=96&steps=600&k.bias=-0.05&map=magma")
    wait(lambda: step_of(phone) > 300)
    photograph(phone, "phone")
    phone.close()


def film(browser: Browser, url: str, folder: Path) -> None:
    """Take pictures of a run that is painted on and steered, one after another."""
    page = browser.new_page(viewport={"width": 1280, "height": 800}, color_scheme="dark")
    page.goto(f"{url}#grid_size=128&steps=900&k.bias=-0.05")
    wait(lambda: step_of(page) > 2)
    page.locator("#play").click()
    for number in range(9 * PICTURES_A_SECOND):
        before = step_of(page)
        page.locator("#step").click()
        wait(lambda before=before: step_of(page) > before)
        if number in range(30, 42, 2):
            page.locator(".overlay").click(position={"x": 120 + 20 * (number - 30), "y": 200 + 4 * (number - 30)})
        if number == 50:
            page.locator("[id='value-k.bias']").fill("0.04")
            page.keyboard.press("Tab")
        if number > 12:
            page.locator("#speed").evaluate("(slider) => { slider.value = 5; slider.oninput(); }")
        page.screenshot(path=folder / f"{number:03d}.png")
    page.close()


def cut(folder: Path) -> None:
    """Make MP4 and GIF of the pictures."""
    ffmpeg = shutil.which("ffmpeg") or "ffmpeg"
    start = [ffmpeg, "-loglevel", "error", "-y", "-r", str(PICTURES_A_SECOND), "-i", str(folder / "%03d.png")]
    video = ["-pix_fmt", "yuv420p", "-crf", "26", "-movflags", "+faststart", str(IMAGES / "lab.mp4")]
    subprocess.run([*start, *video], check=True)  # noqa: S603 # no shell
    colours = (
        f"fps=8,scale={FILM_WIDTH}:-1:flags=lanczos,split[a][b];[a]palettegen=max_colors=96[p];"
        "[b][p]paletteuse=dither=none:diff_mode=rectangle"
    )
    subprocess.run([*start, "-filter_complex", colours, str(IMAGES / "lab.gif")], check=True)  # noqa: S603 # no shell


def main() -> None:
    """Write all of it."""
    program = shutil.which("chromium") or shutil.which("google-chrome")
    with service() as url, sync_playwright() as playwright, TemporaryDirectory() as folder:
        browser = playwright.chromium.launch(executable_path=program, args=["--no-sandbox"])
        photographs(browser, url)
        film(browser, url, Path(folder))
        cut(Path(folder))
        browser.close()


if __name__ == "__main__":
    main()
