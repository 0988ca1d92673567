"""Files of the lab: where they come from, how they are served, and what may never change unseen."""

from __future__ import annotations

import hashlib
import re
from typing import Any

import pytest

from mycelium_fractal_net.fields import REGIMES, SimulationConfig
from mycelium_fractal_net.service.http.pages import CONTENT_POLICY
from mycelium_fractal_net.service.lab import packaged_assets
from tests.service.helpers import client_of, make_app

pytestmark = pytest.mark.anyio
ASSETS = packaged_assets("mycelium_fractal_net.service.lab")
API = packaged_assets("mycelium_fractal_net.service.http")
VENDORED = {
    "vendor/uplot.js": "19c8d4c6ad88929a79f4ae49d6f7161566dfd0ba3d15cc495e974f787eb78f1f",
    "vendor/uplot.css": "df630c6a8d6f8eeaff264b50f73ce5b114f646ffd9a0bb74f049b0a00135fa04",
    "vendor/uplot.LICENSE": "8f989229699b4fe2f1a0432d0e9edc338a8a911e250e2d1b01ecd770a5f5b1bd",
    "docs/swagger-ui.js": "e6a898692f2d768e807c3ba4626068a69a2c5dd960dd6c76f3e4d3a3de180af2",
    "docs/swagger-ui.css": "5ed08757e53da3e026d6cbecc61fe5d43585c9560b302d534ad56692519a273d",
    "docs/swagger-ui.LICENSE": "cfc7749b96f63bd31c3c42b5c471bf756814053e847c10f3eb003417bc523d30",
    "redoc/redoc.js": "dcaf76612bc4a3fbcc923a8966dee2f6146a5f32e5ce1b6f02dd60cbbf89500b",
    "redoc/redoc.LICENSE": "d3026d549cf68ab7355bcfa85877bf8f845b3334a7efbfdc63936432fb34ff0e",
}
"""uPlot 1.6.32, swagger-ui-dist 5.35.0 and redoc 2.5.4 as npm has them, under shorter names."""


@pytest.mark.parametrize("name", VENDORED)
def test_what_others_wrote_is_what_they_published(name: str) -> None:
    assert hashlib.sha256((ASSETS | API)[name].content).hexdigest() == VENDORED[name]


async def test_the_page_needs_no_key_and_takes_nothing_from_elsewhere() -> None:
    async with client_of(make_app()) as client:
        answer = await client.get("/lab")
    assert (answer.status_code, answer.headers["content-type"]) == (200, "text/html; charset=utf-8")
    assert answer.headers["content-security-policy"] == CONTENT_POLICY
    assert "'unsafe" not in CONTENT_POLICY
    assert "//" not in answer.text.replace("<!doctype", "")


async def test_a_browser_that_has_a_file_is_told_so() -> None:
    async with client_of(make_app()) as client:
        first = await client.get("/lab/main.js")
        again = await client.get("/lab/main.js", headers={"If-None-Match": first.headers["etag"]})
        plain = await client.get("/lab/main.js", headers={"Accept-Encoding": "identity"})
    assert (first.headers["content-encoding"], first.content) == ("gzip", ASSETS["main.js"].content)
    assert (again.status_code, again.content) == (304, b"")
    assert "content-encoding" not in plain.headers
    assert plain.content == first.content


async def test_the_catalogue_says_what_openapi_says() -> None:
    async with client_of(make_app()) as client:
        catalogue: dict[str, Any] = (await client.get("/lab/catalogue.json")).json()
        missing = await client.get("/lab/..%2f__init__.py")
    assert missing.status_code == 404
    assert catalogue["key_required"] is True
    assert catalogue["parameters"]["alpha"] == {
        "default": 0.18,
        "description": "Diffusion of the potential in cells^2/step; 8 alpha + leak <= 2.",
        "maximum": 0.25,
        "minimum": 0,
        "type": "number",
        "unit": "cells²/step",
    }
    assert list(SimulationConfig.model_fields) == list(catalogue["parameters"])
    assert [regime["name"] for regime in catalogue["regimes"]] == list(REGIMES)


def test_there_are_colours_and_a_picture_for_each_regime() -> None:
    colours = ASSETS["colours.bin"].content
    assert len(colours) == 5 * 256 * 3
    assert tuple(colours[:3]) == (68, 1, 84)  # viridis begins so: bids.github.io/colormap
    assert ASSETS["regimes.webp"].content[8:12] == b"WEBP"


def test_every_module_is_loaded_at_once() -> None:
    page = ASSETS["index.html"].content.decode()
    modules = {name for name in ASSETS if re.fullmatch(r"\w+\.js", name)}
    assert set(re.findall(r'rel="modulepreload" href="lab/(\w+\.js)"', page)) == modules - {"main.js"}
