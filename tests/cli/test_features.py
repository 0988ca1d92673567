"""``mfn features``."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import mycelium_fractal_net as package
from mycelium_fractal_net.features import extract_extended_features
from tests.cli.conftest import Mfn

HISTORY = np.random.default_rng(12).normal(-62.0, 6.0, (5, 20, 24)).cumsum(axis=0) / 2.0 - 40.0


@pytest.mark.parametrize("options", [(), ("--no-periodic",)])
@pytest.mark.parametrize("fields", [HISTORY, HISTORY[0]], ids=["history", "field"])
def test_features_as_json_equal_python(mfn: Mfn, tmp_path: Path, fields: np.ndarray, options: tuple[str, ...]) -> None:
    np.save(tmp_path / "field.npy", fields)
    answer = mfn("features", tmp_path / "field.npy", "--json", *options).json
    assert answer["features"] == package.extract_features(fields, periodic=not options).to_dict()
    assert answer["units"] == dict(package.FEATURE_UNITS)


def test_thresholds_follow_the_rest_potential_that_the_file_was_simulated_with(mfn: Mfn, tmp_path: Path) -> None:
    mfn("simulate", "--preset", "neurospora", "--grid-size", "16", "--steps", "40", "--out", tmp_path)
    found = mfn("features", tmp_path / "field.npz", "--json").json["features"]
    config = package.SimulationConfig(grid_size=16, steps=40, rest_potential_mv=-180.0, clamp_mv=(-240.0, 40.0))
    assert found["f_active"] == package.simulate(config).features.f_active > 0
    rest = ("--rest-potential-mv", "-70")
    assert mfn("features", tmp_path / "field.npz", "--json", *rest).json["features"]["f_active"] == 0


def test_the_table_names_every_feature(mfn: Mfn, tmp_path: Path) -> None:
    np.savez(tmp_path / "field.npz", field_mv=HISTORY[-1], other=HISTORY)
    out = mfn("features", tmp_path / "field.npz").out
    assert all(name in out for name in package.FEATURE_NAMES)


def test_extended_features_follow_on_request(mfn: Mfn, tmp_path: Path) -> None:
    np.save(tmp_path / "field.npy", np.full((4, 9), -70.0))
    answer = mfn("features", tmp_path / "field.npy", "--json", "--extended", "--topology").json
    expected = extract_extended_features(np.full((4, 9), -70.0), topology=True)
    assert answer["extended"] == {name: None if np.isnan(value) else value for name, value in expected.items()}
    assert "none" in mfn("features", tmp_path / "field.npy", "--extended").out


@pytest.mark.parametrize(("options", "span"), [((), (-95.0, 40.0)), (("--min-mv=-80", "--max-mv=-30"), (-80.0, -30.0))])
def test_a_picture_spans_the_potentials_asked_for(
    mfn: Mfn, tmp_path: Path, options: tuple[str, ...], span: tuple[float, float]
) -> None:
    Image.fromarray(np.arange(256, dtype=np.uint8).reshape(16, 16)).save(tmp_path / "field.png")
    found = mfn("features", tmp_path / "field.png", "--json", *options).json["features"]
    assert (found["V_min"], found["V_max"]) == pytest.approx(span)


@pytest.mark.parametrize(
    ("array", "options", "why"),
    [
        (np.full((3, 3), np.nan), (), "finite potentials"),
        (np.zeros((2, 2, 2, 2)), (), "(T, rows, columns)"),
        (np.array([["a", "b"]]), ("--min-mv=-80",), "must hold finite real numbers"),
        (np.arange(256).reshape(16, 16), (), "do not look like potentials in mV"),
        (-0.07 * np.ones((4, 4)), (), "do not look like potentials in mV"),
    ],
)
def test_unusable_input_is_refused(
    mfn: Mfn, tmp_path: Path, array: np.ndarray, options: tuple[str, ...], why: str
) -> None:
    np.save(tmp_path / "field.npy", array)
    outcome = mfn("features", tmp_path / "field.npy", *options)
    assert (outcome.code, outcome.out) == (2, "")
    assert why in outcome.err


def test_a_picture_needs_black_below_white(mfn: Mfn, tmp_path: Path) -> None:
    Image.fromarray(np.zeros((4, 4), dtype=np.uint8)).save(tmp_path / "field.png")
    assert "--min-mv must be below --max-mv" in mfn("features", tmp_path / "field.png", "--min-mv=50").err


def test_a_mask_of_truth_values_is_told_the_ways_out_and_spread_like_one_of_numbers(mfn: Mfn, tmp_path: Path) -> None:
    mask = HISTORY[0] > -70.0
    np.save(tmp_path / "mask.npy", mask)
    np.save(tmp_path / "numbers.npy", mask.astype(float))
    refused = mfn("features", tmp_path / "mask.npy")
    assert refused.code == 2
    assert "Give --min-mv and --max-mv" in " ".join(refused.err.split())
    found = [mfn("features", tmp_path / f"{name}.npy", "--min-mv=-80", "--json").json for name in ("mask", "numbers")]
    assert found[0] == found[1]
