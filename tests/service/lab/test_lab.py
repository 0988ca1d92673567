"""The lab in a real browser, on a service as in production: what it shows are the bits of ``mfn.simulate``."""

from __future__ import annotations

import io
import json
import re
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pytest
import yaml
from playwright.sync_api import Browser

import mycelium_fractal_net as mfn
from tests.service.helpers import KEY, Server
from tests.service.lab.browser import Lab, lab, until
from tests.service.lab.wire import Wire

pytestmark = pytest.mark.slow

AXE = Path(__file__).parent / "assets" / "axe.js"
SMALL = "grid_size=32&steps=40&seed=7"
RESULT = mfn.simulate(mfn.SimulationConfig(grid_size=32, steps=40, seed=7))
LONG = "grid_size=32&steps=1000&seed=7"


def python_of(page: Lab) -> mfn.SimulationResult:
    """Run the line of Python that the page shows."""
    page.page.keyboard.press("h")
    namespace: dict[str, Any] = {}
    exec(page.words("#python-line"), namespace)  # noqa: S102 # the page says that it can be run
    page.page.keyboard.press("Escape")
    result: mfn.SimulationResult = namespace["result"]
    return result


def test_what_the_page_grows_has_the_bits_of_simulate(page: Lab) -> None:
    assert page.goto(SMALL + "&map=gray").receipt() == RESULT.digest
    until(lambda: page.step() == 40, "the last frame")
    pixels = np.array(page.js(PIXELS)).reshape(32, 32)
    inside = (pixels > 0) & (pixels < 255)
    slope, offset = np.polyfit(RESULT.field_mv[inside], pixels[inside], 1)
    assert slope > 0
    assert np.abs(slope * RESULT.field_mv[inside] + offset - pixels[inside]).max() < 1.5
    assert 40_000 < sum(size for url, size in page.received.items() if "/lab" in url) < 150_000


PIXELS = """() => {
  const field = document.querySelector(".field");
  const copy = new OffscreenCanvas(field.width, field.height).getContext("2d");
  copy.drawImage(field, 0, 0);
  return [...copy.getImageData(0, 0, field.width, field.height).data].filter((_, index) => index % 4 === 0);
}"""


def test_without_a_graphics_card_the_picture_is_the_same(page: Lab) -> None:
    page.goto(SMALL + "&map=gray", query="?card").receipt()
    until(lambda: page.step() == 40, "the last frame")
    assert page.js("document.querySelector('.field').getContext('webgl2')") is not None
    card = np.array(page.js(PIXELS))
    page.goto(SMALL + "&map=gray", query="?canvas").receipt()
    until(lambda: page.step() == 40, "the last frame")
    assert page.js("document.querySelector('.field').getContext('webgl2')") is None
    assert np.abs(card - np.array(page.js(PIXELS))).max() <= 1


def _paused(page: Lab) -> None:
    page.wait_for_step(10)
    page.page.locator("#play").click()
    until(lambda: page.words("#play") == "Run", "the pause")


def _set_bias(page: Lab) -> None:
    page.page.locator("[id='value-k.bias']").fill("0.04")
    page.page.keyboard.press("Tab")
    until(lambda: "1 change" in str(page.js("document.querySelector('#steering').textContent")), "the change")


def _finish(page: Lab) -> None:
    page.page.locator("#speed").fill("8")
    page.page.locator("#play").click()


def test_steering_and_painting_are_part_of_receipt_link_and_lines(page: Lab, browser: Browser, server: Server) -> None:
    _paused(page.goto(LONG + "&k.bias=0"))
    _set_bias(page)
    page.page.locator(".overlay").click(position={"x": 100, "y": 100})
    page.page.locator("#step").click()
    until(lambda: page.words("#steering .words") == "Steering: 1 change, 1 dab.", "the steering")
    _finish(page)
    receipt = page.receipt()
    assert python_of(page).digest == receipt
    page.page.keyboard.press("h")
    line = page.words("#shell-line").split()[1:]
    command = [sys.executable, "-m", "mycelium_fractal_net", *line, "--json"]
    done = subprocess.run(command, capture_output=True, check=True)
    assert json.loads(done.stdout)["digest"] == receipt
    link = until(lambda: (url := page.page.url) and "more=" in url and url, "the link")
    with lab(browser, server) as other:
        other.page.goto(link)
        other.page.locator("#speed").fill("8")
        assert other.receipt() == receipt
        assert KEY not in link


def test_what_is_taken_home_is_what_was_simulated(page: Lab, browser: Browser, server: Server) -> None:
    page.goto(SMALL).receipt()
    page.page.keyboard.press("h")
    files = {kind: _download(page, kind) for kind in ("png", "npy", "json", "yaml", "mp4")}
    assert files["png"][:8] == b"\x89PNG\r\n\x1a\n"
    assert np.array_equal(np.load(io.BytesIO(files["npy"])), RESULT.field_mv)
    told = json.loads(files["json"])
    assert told["receipt"]["result_digest"] == RESULT.digest
    assert mfn.simulate(mfn.SimulationConfig(**told["config"])).digest == RESULT.digest
    assert mfn.SimulationConfig(**yaml.safe_load(files["yaml"])) == RESULT.config
    assert files["mp4"][4:8] == b"ftyp"
    with lab(browser, server, bypass_csp=True) as cinema:
        assert cinema.goto(SMALL).js(DURATION, list(files["mp4"])) == pytest.approx(41 / 12, abs=0.1)


DURATION = """(bytes) => new Promise((resolve) => {
  const film = document.createElement("video");
  film.onloadedmetadata = () => resolve(film.duration);
  film.onerror = () => resolve(-1);
  film.src = URL.createObjectURL(new Blob([new Uint8Array(bytes)], { type: "video/mp4" }));
})"""


def _download(page: Lab, kind: str) -> bytes:
    with page.page.expect_download(timeout=300_000) as download:
        page.page.locator(f"[data-file={kind}]").click()
    return Path(download.value.path()).read_bytes()


def test_the_activator_and_the_inhibitor_are_shown_and_taken_home(page: Lab) -> None:
    page.goto(SMALL + "&show=activator").receipt()
    assert page.page.locator("#map").input_value() == "viridis"  # as in the library's pictures
    page.page.keyboard.press("h")
    shown = np.load(io.BytesIO(_download(page, "npy")))
    assert np.array_equal(shown, RESULT.activator)


def test_the_measures_are_those_of_the_library(page: Lab) -> None:
    page.goto("grid_size=64&steps=200&seed=7").receipt()
    until(lambda: "measured" in page.words("#spectrum-words") and "none" not in page.words("#spectrum-words"), "it")
    result = mfn.simulate(mfn.SimulationConfig(grid_size=64, steps=200, seed=7))
    measured, predicted = map(float, re.findall(r"[\d.]+", page.words("#spectrum-words")))
    assert measured == pytest.approx(mfn.measure_wavelength(result.field_mv, periodic=True), rel=5e-3)
    assert predicted == pytest.approx(mfn.linear_stability("mycelium").wavelength_lattice_cells, rel=5e-3)
    dimension = until(lambda: re.search(r"dimension ([\d.]+)", page.words("#box-words")), "the dimension")
    assert float(dimension[1]) == pytest.approx(result.features.D_box, abs=0.01)
    page.page.locator("#all-features summary").click()
    cell = "tr[data-name=f_active] .value"
    until(lambda: page.words(cell) == f"{result.features.f_active:.4g}", "the feature in the table")
    assert page.words("#event-words") == f"{result.growth_events} so far"


def test_two_runs_are_compared_and_each_has_its_bits(page: Lab) -> None:
    page.goto(SMALL).receipt()
    page.page.keyboard.press("c")
    page.page.locator("#value-seed").fill("8")
    page.page.keyboard.press("Tab")
    page.page.locator("#restart").click()
    other = mfn.simulate(mfn.SimulationConfig(grid_size=32, steps=40, seed=8))
    assert until(lambda: (page.receipt("A"), page.receipt("B")) == (RESULT.digest, other.digest), "both receipts")
    assert page.js("document.documentElement.scrollWidth <= innerWidth")


def test_a_picture_of_ones_own_becomes_the_start(page: Lab, tmp_path: Path) -> None:
    from PIL import Image, ImageDraw

    picture = Image.new("RGB", (64, 64), "white")
    ImageDraw.Draw(picture).ellipse((16, 16, 47, 47), fill="black")
    picture.save(tmp_path / "disc.png")
    page.goto(SMALL).receipt()
    page.page.locator("#brush > summary").click()
    page.page.locator("#picture").set_input_files(str(tmp_path / "disc.png"))
    until(lambda: page.receipt() != RESULT.digest, "another receipt")
    result = python_of(page)
    assert result.digest == page.receipt()
    inside = np.hypot(*(np.indices((32, 32)) - 15.5)) < 6
    start = mfn.Simulation(result.config)
    start.advance(1)
    assert start.frame.activator[inside].min() > start.frame.activator[~inside].mean()


def test_everything_goes_by_keyboard(page: Lab) -> None:
    page.goto(LONG)
    page.wait_for_step(4)
    keys = page.page.keyboard
    keys.press("Space")
    until(lambda: page.words("#play") == "Run", "the pause")
    before = page.step()
    keys.press("s")
    until(lambda: page.step() > before, "one more frame")
    assert page.step() - before == 2
    page.page.locator(".overlay").focus()
    keys.press("ArrowRight")
    keys.press("Shift+ArrowDown")
    assert "row 24, column 17" in str(page.js("document.querySelector('.readout').textContent"))
    keys.press("Enter")
    keys.press("Space")
    until(lambda: "1 dab" in str(page.js("document.querySelector('#steering').textContent")), "the dab")
    for key, title in (("?", "Keyboard"), ("h", "Take home")):
        keys.press(key)
        assert page.page.locator("dialog[open] h2").inner_text() == title
        keys.press("Escape")
    keys.press("t")
    stops = []
    while page.page.locator("#tour").is_visible():
        stops.append(page.words("#tour h2"))
        keys.press("Enter")
    assert len(stops) == 5
    reached = {str(_focus_next(page)) for _ in range(120)}
    assert {"start-tour", "compare", "share", "take", "play", "step", "restart", "speed", "map", "feature"} <= reached


def _focus_next(page: Lab) -> Any:
    page.page.keyboard.press("Tab")
    return page.js("document.activeElement.id")


def test_axe_finds_nothing(browser: Browser, server: Server) -> None:
    with lab(browser, server, bypass_csp=True) as page:
        page.goto(SMALL).receipt()
        page.js("document.querySelectorAll('details').forEach((one) => (one.open = true))")
        page.page.keyboard.press("c")
        page.receipt("B")
        page.page.add_script_tag(path=str(AXE))
        assert (_violations(page, "dark"), _violations(page, "light")) == ([], [])
        page.page.keyboard.press("h")
        assert (_violations(page, "light"), _violations(page, "dark")) == ([], [])


def _violations(page: Lab, scheme: Literal["dark", "light"]) -> list[Any]:
    page.page.emulate_media(color_scheme=scheme)
    code = "async () => (await axe.run()).violations.map((v) => [v.id, v.nodes.map((n) => n.html)])"
    found: list[Any] = page.js(code)
    return found


def test_a_phone_shows_all_of_it_in_one_column(browser: Browser, server: Server) -> None:
    with lab(browser, server, viewport={"width": 360, "height": 740}, has_touch=True, is_mobile=True) as page:
        page.goto(SMALL).receipt()
        assert page.js("document.documentElement.scrollWidth") == 360
        page.page.locator("#brush > summary").tap()
        page.page.locator("#brush-on").tap()
        page.goto(LONG)
        page.page.reload()
        page.wait_for_step(4)
        page.page.locator("#brush > summary").tap()
        page.page.locator("#brush-on").tap()
        page.page.locator(".overlay").tap()
        until(lambda: "1 dab" in str(page.js("document.querySelector('#steering').textContent")), "the dab")


def test_who_wants_calm_gets_one_frame_and_a_button(browser: Browser, server: Server) -> None:
    with lab(browser, server, reduced_motion="reduce") as page:
        page.goto(SMALL)
        page.wait_for_step(2)
        until(lambda: page.words("#play") == "Run", "the pause")
        assert page.step() == 2
        page.page.locator("#play").click()
        assert page.receipt() == RESULT.digest


def test_a_key_is_typed_once_and_stays_in_the_tab(browser: Browser, server: Server) -> None:
    with lab(browser, server, key=None) as page:
        page.goto(SMALL)
        page.page.locator("#key").fill("not-the-key-of-anybody")
        page.page.keyboard.press("Enter")
        until(lambda: "does not know this key" in page.words("#key-words"), "the words")
        page.page.locator("#key").fill(KEY)
        page.page.keyboard.press("Enter")
        assert page.receipt() == RESULT.digest
        assert page.js("[sessionStorage.length, localStorage.length]") == [1, 0]
        assert KEY not in page.page.url
        assert KEY not in server.log.read_text()


def test_what_is_refused_is_said_in_words(browser: Browser, server: Server) -> None:
    with lab(browser, server) as page:
        page.goto("grid_size=512&steps=10000")
        until(lambda: "Take fewer steps or a smaller lattice" in page.words("#told"), "the words")
        assert page.status() == "failed"
        page.goto("alpha=0.25&leak=1&steps=10")
        page.page.reload()
        until(lambda: page.js("!document.querySelector('#told').hidden"), "the words")
        assert "alpha" in page.words("#told")


def test_a_broken_connection_comes_back_and_the_bits_are_the_same(browser: Browser, server: Server) -> None:
    with Wire(server.port) as wire, lab(browser, server) as page:
        _paused(page.goto(LONG, url=wire.url))
        _set_bias(page)
        wire.cut()
        until(lambda: page.js("document.querySelector('#connection').dataset.state") == "waiting", "the words")
        assert "go on where they were" in page.words("#connection")
        before = page.step()
        wire.mend()
        _finish(page)
        until(lambda: page.step() > before, "the run to go on")
        receipt = page.receipt()
        assert python_of(page).digest == receipt


def _heap(page: Lab) -> int:
    """Return the bytes that the page's objects take, after what nobody holds is gone."""
    session = page.context.new_cdp_session(page.page)
    session.send("HeapProfiler.collectGarbage")
    used: int = session.send("Runtime.getHeapUsage")["usedSize"]
    session.detach()
    return used


@pytest.mark.parametrize(
    ("side", "first", "last"), [(32, 50, 250), pytest.param(256, 1000, 10_000, marks=pytest.mark.long)]
)
def test_memory_stays_flat_while_frames_come(
    page: Lab, side: int, first: int, last: int, record_property: Callable[[str, object], None]
) -> None:
    page.goto(f"grid_size={side}&steps=10000&seed=7")
    page.page.locator("#speed").fill("2")
    page.wait_for_step(first)
    before, begin = _heap(page), time.monotonic()
    while page.step() < last:
        time.sleep(0.2)
    record_property("frames_per_second", (last - first) / (time.monotonic() - begin))
    assert _heap(page) - before < 4_000_000


@pytest.mark.parametrize("path", ["/docs", "/redoc"])
def test_the_pages_of_the_api_ask_no_other_host(browser: Browser, server: Server, path: str) -> None:
    with lab(browser, server) as page:
        page.page.goto(server.url + path)
        until(lambda: "MyceliumFractalNet" in str(page.js("document.querySelector('#api').textContent")), "the page")
        assert (page.complaints, page.strangers) == ([], [])
