from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageSequence

import mycelium_fractal_net as mfn
from mycelium_fractal_net.errors import InvalidInputError
from mycelium_fractal_net.visualization import save_animation, save_film

CONFIG = mfn.SimulationConfig(grid_size=16, steps=12, spike_probability=1.0)


def _frames(path: Path) -> list[np.ndarray]:
    with Image.open(path) as picture:
        return [np.asarray(frame.convert("RGB")).astype(int) for frame in ImageSequence.Iterator(picture)]


def test_a_film_has_a_frame_for_each_stride_and_says_how_far_it_is(tmp_path: Path) -> None:
    told: list[tuple[int, int]] = []
    path = save_film(CONFIG, tmp_path / "x.gif", every=4, progress=lambda *done: told.append(done))
    assert len(_frames(path)) == 3
    assert told == [(1, 3), (2, 3), (3, 3)]


def test_rings_mark_cells_and_curves_stand_beside(tmp_path: Path) -> None:
    fields = np.full((2, 9, 9), -70.0)
    plain, marked = _frames(
        save_animation(fields, tmp_path / "x.gif", steps=[1, 1], limits_mv=(-70, -20), events=[[], [(4, 4)]])
    )
    assert (plain != marked).any(axis=2).sum() > 20
    wide = _frames(save_animation(fields, tmp_path / "y.gif", curves={"V_mean (mV)": [0.0, 1.0]}))
    assert wide[0].shape[1] > plain.shape[1]
    assert (wide[0] != wide[1])[:, plain.shape[1] :].any()


def test_a_dead_field_looks_dead(tmp_path: Path) -> None:
    dead = CONFIG.model_copy(update={"turing_enabled": False, "spike_probability": 0.0})
    (frame, *_) = _frames(save_film(dead, tmp_path / "x.gif", every=12, features=()))
    middle = frame[150:400, 150:400]
    assert middle.max() - middle.min() < 20


@pytest.mark.parametrize(
    ("options", "why"), [({"features": ["beauty"]}, "no feature 'beauty'"), ({"field": "w"}, "v, activator")]
)
def test_what_cannot_be_filmed_is_refused(tmp_path: Path, options: dict[str, object], why: str) -> None:
    with pytest.raises(InvalidInputError, match=why):
        save_film(CONFIG, tmp_path / "x.gif", **options)  # type: ignore[arg-type]
