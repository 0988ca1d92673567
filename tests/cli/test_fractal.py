"""``mfn fractal`` and ``mfn lyapunov``."""

import math
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import mycelium_fractal_net as package
from mycelium_fractal_net.dynamics import get_system
from tests.cli.conftest import Mfn

ROW, COLUMN = np.indices((64, 64))
SIERPINSKI = (ROW & COLUMN) == 0


@pytest.fixture
def field(tmp_path: Path) -> Path:
    np.save(tmp_path / "field.npy", np.where(SIERPINSKI, -50.0, -70.0))
    return tmp_path / "field.npy"


def picture(path: Path, mask: Any) -> Path:
    from PIL import Image

    Image.fromarray((255 * mask).astype(np.uint8)).save(path)
    return path


def test_fractal_as_json_equals_python(mfn: Mfn, field: Path) -> None:
    answer, found = mfn("fractal", field, "--json").json, package.box_counting_dimension(SIERPINSKI)
    assert (answer["dimension"], answer["verdict"]) == (found.dimension, "fractal")
    assert answer["counts"] == found.counts.tolist()
    assert answer["share_of_cells"] == 729 / 4096


def test_fractal_says_what_it_found(mfn: Mfn, field: Path) -> None:
    out = mfn("fractal", field).out
    assert "Dimension 1.5850 +- 0.0000, R^2 1.0000, 17.80% of the cells set." in out
    assert "Verdict fractal: the local slopes agree" in out


def test_threshold_method_scales_and_border_are_options(mfn: Mfn, field: Path) -> None:
    options = ("--threshold-mv", "-75", "--method", "aligned", "--periodic", "--scales", "2,4,8")
    answer = mfn("fractal", field, *options, "--json").json
    assert (answer["dimension"], answer["verdict"], answer["scales"]) == (2.0, "filled", [2, 4, 8])


@pytest.mark.parametrize("kind", ["bool.npy", "numbers.npy", "one.npz", "picture.png"])
def test_masks_and_pictures_do_without_a_threshold(mfn: Mfn, tmp_path: Path, kind: str) -> None:
    path = tmp_path / kind
    if kind.endswith("png"):
        picture(path, SIERPINSKI)
    elif kind.endswith("npz"):
        np.savez(path, mask=SIERPINSKI)
    else:
        np.save(path, SIERPINSKI.astype(bool if kind == "bool.npy" else float))
    assert mfn("fractal", path, "--json").json["dimension"] == pytest.approx(math.log2(3))


def test_it_reads_what_simulate_writes(mfn: Mfn, tmp_path: Path) -> None:
    assert mfn("simulate", "--grid-size", 16, "--steps", 4, "--out", tmp_path).code == 0
    answer = mfn("fractal", tmp_path / "field.npz", "--periodic", "--json").json
    assert 0.0 <= answer["dimension"] <= 2.0
    assert "neither potentials in mV nor a mask" in mfn("fractal", tmp_path / "field.npz", "--key", "activator").err
    assert mfn("fractal", tmp_path / "field.npz", "--key", "activator", "--threshold", "otsu").code == 0


def test_an_undefined_error_is_null(mfn: Mfn, field: Path) -> None:
    assert mfn("fractal", field, "--threshold-mv", 0, "--json").json["standard_error"] is None
    assert "Verdict empty" in mfn("fractal", field, "--threshold-mv", 0).out


def test_fractal_draws_the_fit(mfn: Mfn, field: Path, tmp_path: Path) -> None:
    assert mfn("fractal", field, "--plot", tmp_path / "fit.png").code == 0
    assert (tmp_path / "fit.png").read_bytes().startswith(b"\x89PNG")


@pytest.mark.parametrize(
    ("name", "content", "why"),
    [
        ("f.txt", b"1 2", "must end in .npy, .npz or .png, .tif"),
        ("f.npy", b"", "cannot be read as .npy"),
        ("f.npy", b"\x93NUMPY\x01\x00garbage", "cannot be read as .npy"),
        ("f.npz", b"PK nothing", "cannot be read as .npz"),
        ("f.png", b"\x89PNG broken", "cannot be read as a picture"),
        ("f.npy", np.full((4, 4), np.nan), "holds NaN"),
        ("f.npy", np.array([["a", "b"]]), "must hold real numbers"),
        ("f.npy", np.array([[None]], dtype=object), "cannot be read as .npy"),
        ("f.npy", np.zeros((2, 3, 4)), "two-dimensional"),
    ],
)
def test_fractal_refuses_what_is_no_field(mfn: Mfn, tmp_path: Path, name: str, content: Any, why: str) -> None:
    path = tmp_path / name
    if isinstance(content, bytes):
        path.write_bytes(content)
    else:
        np.save(path, content)
    outcome = mfn("fractal", path)
    assert outcome.code == 2
    assert why in outcome.err


@pytest.mark.parametrize(
    ("options", "why"),
    [
        (("--threshold-mv", "nan"), "--threshold-mv must be a finite number"),
        (("--scales", "2,x"), "--scales must be whole numbers"),
        (("--scales", "2,65"), "from 1 to 64"),
        (("--method", "sliding"), "'cover', 'aligned'"),
    ],
)
def test_fractal_refuses_unusable_options(mfn: Mfn, field: Path, options: tuple[str, ...], why: str) -> None:
    outcome = mfn("fractal", field, *options)
    assert outcome.code == 2
    assert why in outcome.err


def test_several_arrays_need_a_key(mfn: Mfn, tmp_path: Path) -> None:
    np.savez(tmp_path / "two.npz", a=SIERPINSKI, b=SIERPINSKI)
    assert "holds a, b; choose one with --key" in mfn("fractal", tmp_path / "two.npz").err


def test_lyapunov_of_the_field_equals_python(mfn: Mfn) -> None:
    options = ("--grid-size", 12, "--no-turing-enabled", "--measure-steps", 50, "--settle-steps", 5)
    config = package.SimulationConfig(grid_size=12, turing_enabled=False)
    expected = package.lyapunov_exponent(config, steps=50, settle_steps=5)
    assert mfn("lyapunov", *options, "--json").json["exponents"] == [expected]
    assert "a perturbation halves in 6." in mfn("lyapunov", *options).out


def test_an_exponent_of_minus_infinity_is_null(mfn: Mfn) -> None:
    options = ("--grid-size", 8, "--no-turing-enabled", "--alpha", 0, "--leak", 1, "--spike-probability", 0)
    assert mfn("lyapunov", *options, "--json").json["exponents"] == [None]
    assert "one step erases every perturbation" in mfn("lyapunov", *options).out


@pytest.mark.parametrize("name", ["cat", "henon", "logistic", "lorenz"])
def test_lyapunov_of_a_system_equals_python(mfn: Mfn, name: str) -> None:
    answer = mfn("lyapunov", "--system", name, "--measure-steps", 200, "--json").json
    assert answer["exponents"] == get_system(name).lyapunov_spectrum(200).tolist()
    assert "Largest in the literature" in mfn("lyapunov", "--system", name, "--measure-steps", 20).out


def test_the_dimension_of_a_short_orbit_shows_no_digit_beyond_its_error(mfn: Mfn) -> None:
    options = ("lyapunov", "--system", "lorenz", "--measure-steps", 300)
    answer = mfn(*options, "--json").json
    (one, two, three), (_, _, last) = answer["standard_errors"], answer["exponents"]
    share = answer["kaplan_yorke_dimension"] - 2.0
    assert answer["kaplan_yorke_error"] == pytest.approx((one + two + share * three) / -last)
    assert re.search(r"Kaplan-Yorke dimension 2\.\d\d \+- 0\.\d\d\.", mfn(*options).out)


def test_the_sum_of_one_exponent_holds_by_no_construction(mfn: Mfn) -> None:
    assert "by construction" in mfn("lyapunov", "--system", "henon", "--measure-steps", 20).out
    assert "by construction" not in mfn("lyapunov", "--system", "logistic", "--measure-steps", 20).out


@pytest.mark.parametrize("extra", [("--grid-size", 8), ("--settle-steps", 5)])
def test_a_system_takes_no_parameters_of_the_field(mfn: Mfn, extra: tuple[object, ...]) -> None:
    outcome = mfn("lyapunov", "--system", "henon", *extra)
    assert outcome.code == 2
    assert "leave out: " in outcome.err


def test_words_for_an_exponent() -> None:
    from mycelium_fractal_net.cli.lyapunov import _meaning

    assert _meaning(math.log(2), 0.01) == "a perturbation doubles in 1 steps"
    assert _meaning(0.01, 0.008) == "a perturbation neither grows nor decays, within the error"
    assert _meaning(0.0, math.nan) == "a perturbation neither grows nor decays, within the error"
