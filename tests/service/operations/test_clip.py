"""Films, and the spectrum beside the features."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import mycelium_fractal_net as mfn
from mycelium_fractal_net.features.spectrum import radial_power_spectrum
from tests.service.helpers import AUTH, client_of, make_app

pytestmark = pytest.mark.anyio
FILM: dict[str, Any] = {
    "config": {"grid_size": 16, "steps": 8},
    "frames": 5,
    "frames_per_second": 2,
    "field": "activator",
}


async def _post(path: str, body: Any) -> Any:
    async with client_of(make_app(), headers=AUTH) as client:
        return await client.post(path, json=body)


async def test_a_film_has_the_frames_that_were_asked_for(tmp_path: Path) -> None:
    answer = await _post("/clip", FILM)
    assert (answer.status_code, answer.headers["content-type"]) == (200, "video/mp4"), answer.text
    (tmp_path / "film.mp4").write_bytes(answer.content)
    asked = ["-v", "error", "-count_frames", "-show_entries", "stream=nb_read_frames,codec_name,r_frame_rate"]
    told = subprocess.check_output(["ffprobe", *asked, "-of", "csv=p=0", str(tmp_path / "film.mp4")], text=True)
    assert told.strip() == "h264,2/1,5"


async def test_without_ffmpeg_a_film_is_refused_in_words(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "which", lambda _: None)
    answer = await _post("/clip", FILM)
    assert (answer.status_code, answer.json()["code"]) == (501, "NOT_IMPLEMENTED")
    assert "ffmpeg" in answer.json()["message"]


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"config": {"include": ["features"]}}, "parameters only"),
        ({"frames": 1}, "greater than or equal to 2"),
        ({"config": {"grid_size": 512, "steps": 10_000}}, "frames) are more than"),
    ],
)
async def test_a_film_that_cannot_be_made_is_refused(changed: dict[str, Any], words: str) -> None:
    answer = await _post("/clip", {**FILM, **changed})
    assert answer.status_code == 422
    assert words in answer.json()["message"]


async def test_features_give_the_spectrum_of_the_last_field_if_asked_for() -> None:
    row, column = np.indices((32, 32))
    field = -60 + 5 * np.cos(2 * np.pi * (row + column) / 8)
    answer = (await _post("/features", {"field": field.tolist(), "spectrum": True})).json()["spectrum"]
    rings = radial_power_spectrum(field, periodic=True)
    assert answer["wavenumbers"] == rings.wavenumbers.tolist()
    assert answer["power"] == pytest.approx(rings.power.tolist())
    assert answer["wavelength_cells"] == pytest.approx(mfn.measure_wavelength(field, periodic=True))
    assert answer["wavelength_cells"] == pytest.approx(8 / np.sqrt(2), rel=0.05)
    flat = (await _post("/features", {"field": [[0.0] * 16] * 16, "spectrum": True})).json()
    assert flat["spectrum"]["wavelength_cells"] is None
    assert "spectrum" not in (await _post("/features", {"field": [[0.0] * 16] * 16})).json()
