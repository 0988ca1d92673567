"""Feature sets and thresholds on the command line."""

import json
from pathlib import Path

import numpy as np
import pytest

import mycelium_fractal_net as package
from tests.cli.conftest import Mfn

RUN = ("--grid-size", 16, "--steps", 12, "--seed", 3)
CONFIG = package.SimulationConfig(grid_size=16, steps=12, seed=3)


def test_simulate_measures_the_sets_and_thresholds_that_are_asked_for(mfn: Mfn) -> None:
    answer = mfn("simulate", *RUN, "--sets", "events,core", "--active-threshold-mv", -66, "--json").json
    measure = package.FeatureConfig(active_threshold_mv=-66.0)
    expected = package.simulate(CONFIG, sets=("core", "events"), feature_config=measure).features
    assert answer["features"] == {name: None if value != value else value for name, value in expected.items()}
    assert answer["sets"] == ["core", "events"]
    assert answer["thresholds_mv"] == {"active": -66.0, "clusters": [-60.0, -50.0, -40.0]}


@pytest.mark.parametrize("suffix", ["json", "yaml"])
def test_a_file_may_say_it_and_options_go_first(mfn: Mfn, tmp_path: Path, suffix: str) -> None:
    file = tmp_path / f"run.{suffix}"
    features = {"sets": ["core", "spectral"], "cluster_thresholds_mv": [-65, -64, -63], "active_threshold_mv": -61}
    file.write_text(json.dumps({"grid_size": 16, "steps": 3, "features": features}))
    answer = mfn("simulate", "--config", file, "--active-threshold-mv", -62, "--json").json
    assert answer["thresholds_mv"] == {"active": -62.0, "clusters": [-65.0, -64.0, -63.0]}
    assert answer["sets"] == ["core", "spectral"]


def test_features_of_a_file_take_sets_and_a_rest_potential(mfn: Mfn, tmp_path: Path) -> None:
    field = np.random.default_rng(2).normal(-180.0, 9.0, (16, 16))
    np.save(tmp_path / "field.npy", field)
    options = ("--rest-potential-mv", -180, "--sets", "core,spectral", "--json")
    answer = mfn("features", tmp_path / "field.npy", *options).json
    assert answer["features"]["f_active"] == (field > -170.0).mean()
    assert len(answer["features"]) == len(package.feature_schema(("core", "spectral")))


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("--sets", "corn"), "sets must be among core"),
        (("--stability-share", 3), "stability_share must be"),
        (("--cluster-thresholds-mv", -40, -50, -60), "three ascending numbers"),
    ],
)
def test_what_cannot_be_measured_is_said(mfn: Mfn, options: tuple[object, ...], words: str) -> None:
    outcome = mfn("simulate", *RUN, *options)
    assert outcome.code == 2
    assert words in outcome.err
