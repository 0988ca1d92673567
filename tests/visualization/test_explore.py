"""The explorer of notebooks: what it computes, and its page in a real browser with a stand-in for the notebook."""

from __future__ import annotations

import base64
import sys
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from playwright.sync_api import Browser, Page

import mycelium_fractal_net as mfn
from mycelium_fractal_net.visualization import explore
from tests.service.lab.browser import chromium, until

SMALL = mfn.SimulationConfig(grid_size=24, steps=32, seed=3)
BYTES = ("values", "colours")
DATA = ("sliders", "chosen", "variable", "movie", "rows", "units", "verdict", "problem", "revision")
HOST = """
async ([module_text, state]) => {
  const view = (text) => new DataView(Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0)).buffer);
  const told = (given) => ({ ...given, values: view(given.values), colours: view(given.colours) });
  const listeners = [];
  window.state = told(state);
  window.saved = [];
  window.arrive = (given) => { window.state = told(given); listeners.forEach((call) => call()); };
  const model = {
    get: (name) => window.state[name],
    set: (name, value) => { window.state[name] = value; },
    save_changes: () => window.saved.push({ chosen: window.state.chosen, variable: window.state.variable }),
    on: (_, call) => listeners.push(call),
    off: () => {},
  };
  const url = URL.createObjectURL(new Blob([module_text], { type: "text/javascript" }));
  const widget = (await import(url)).default;
  await widget.render({ model, el: document.body });
}
"""


def _state(widget: Any) -> dict[str, Any]:
    texts = {name: base64.b64encode(getattr(widget, name)).decode() for name in BYTES}
    return {**{name: getattr(widget, name) for name in DATA}, **texts}


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as browser:
        yield browser


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    page = browser.new_page(viewport={"width": 900, "height": 700})
    complaints: list[str] = []
    page.on("pageerror", lambda error: complaints.append(str(error)))
    yield page
    page.close()
    assert complaints == []


def test_the_last_frame_is_what_simulate_gives() -> None:
    widget = explore(SMALL)
    values = np.frombuffer(widget.values, dtype=np.float32).reshape(widget.movie["frames"], 24, 24)
    assert np.array_equal(values[-1], mfn.simulate(SMALL).field_mv.astype(np.float32))
    assert widget.rows[-1] == mfn.simulate(SMALL).features.to_dict()
    assert "Turing-unstable" in widget.verdict


def test_a_choice_simulates_again_and_an_impossible_one_is_said() -> None:
    widget = explore(SMALL)
    widget.chosen = {"alpha": 0.1, "bias": 0.04}
    assert widget.result.digest == mfn.simulate(widget.config).digest
    assert (widget.config.alpha, widget.config.kinetics_parameters["bias"]) == (0.1, 0.04)
    before = widget.values
    widget.chosen = {"alpha": 0.23, "leak": 0.5}
    assert "use alpha <=" in widget.problem
    assert widget.values == before
    widget.chosen = {}
    assert (widget.problem, widget.config) == ("", SMALL)


def test_the_activator_has_a_scale_of_its_own() -> None:
    widget = explore(SMALL)
    widget.variable = "activator"
    shown = np.frombuffer(widget.values, dtype=np.float32)
    assert widget.movie["limits"] == [shown.min(), shown.max()]


def test_a_large_lattice_is_refused() -> None:
    with pytest.raises(mfn.InvalidInputError, match="at most 256 cells"):
        explore(mfn.SimulationConfig(grid_size=512))


def test_without_its_package_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    from mycelium_fractal_net.visualization.explorer import _explorer

    _explorer.cache_clear()
    monkeypatch.setitem(sys.modules, "anywidget", None)
    with pytest.raises(mfn.MissingExtraError, match=r"mycelium-fractal-net\[notebooks\]"):
        explore(SMALL)


def test_a_slider_that_moves_in_the_browser_changes_the_field(page: Page) -> None:
    widget = explore(SMALL)
    page.evaluate(HOST, [widget._esm, _state(widget)])
    assert page.locator("canvas.mfn-field").get_attribute("width") == "24"
    assert page.locator(".mfn-features tr").count() == 18
    assert page.locator("output").filter(has_text="step 32").count() == 1
    first = page.locator("canvas.mfn-field").screenshot()
    page.get_by_label("bias").fill("0.2")
    saved = until(lambda: page.evaluate("window.saved.at(-1)"), "the choice")
    assert saved["chosen"] == {"bias": 0.2}
    widget.chosen = saved["chosen"]
    page.evaluate("(state) => window.arrive(state)", _state(widget))
    assert "no pattern grows" in page.locator(".mfn-verdict").inner_text()
    assert page.locator("canvas.mfn-field").screenshot() != first


def test_playing_shows_every_frame_and_stops_at_the_last(page: Page) -> None:
    widget = explore(SMALL)
    page.evaluate(HOST, [widget._esm, _state(widget)])
    page.get_by_role("button", name="Play").click()
    until(lambda: page.get_by_role("button", name="Play").count(), "the end of the film")
    assert page.get_by_label("frame").input_value() == str(widget.movie["frames"] - 1)
