"""A dataset with more feature sets and other thresholds."""

import json
from pathlib import Path

import pyarrow.parquet as parquet
import pytest

import mycelium_fractal_net as mfn
from mycelium_fractal_net.datasets import load_scenario

RECIPE = {
    "samples": 2,
    "base": {"grid_size": 16, "steps": 12},
    "features": {"sets": ["core", "activator", "events"], "active_threshold_mv": -65.0},
}


def test_rows_hold_the_sets_of_the_scenario_with_units_and_definitions(tmp_path: Path) -> None:
    mfn.generate_dataset(RECIPE, tmp_path / "data.parquet")
    table = parquet.read_table(tmp_path / "data.parquet")
    names = [feature.name for feature in mfn.feature_schema(("core", "activator", "events"))]
    assert [name for name in table.column_names if name in names] == names
    assert table.schema.field("living_rise").metadata == {b"unit": b"mV", b"role": b"feature"}
    assert "activator" in json.loads(table.schema.metadata[b"mfn.feature_definitions"])["a_std"]
    config = mfn.SimulationConfig(grid_size=16, steps=12, seed=table["random_seed"][0].as_py())
    expected = mfn.simulate(config, feature_config=mfn.FeatureConfig(active_threshold_mv=-65.0))
    assert table["f_active"][0].as_py() == expected.features.f_active


def test_the_caller_may_ask_for_other_sets(tmp_path: Path) -> None:
    mfn.generate_dataset("benchmark", tmp_path / "data.parquet", samples=1, sets="core,spectral")
    assert "V_bandwidth" in parquet.read_schema(tmp_path / "data.parquet").names


@pytest.mark.parametrize(
    ("features", "match"),
    [
        ({"sets": ["corn"]}, "sets must be among core"),
        ({"active_threshold": 3}, r"features.active_threshold is unknown"),
        ({"stability_share": 7}, "stability_share must be"),
    ],
)
def test_what_cannot_be_measured_is_refused_before_the_first_row(features: dict[str, object], match: str) -> None:
    with pytest.raises(mfn.ConfigurationError, match=match):
        load_scenario({**RECIPE, "features": features})


def test_other_sets_make_another_dataset() -> None:
    assert load_scenario(RECIPE).digest() != load_scenario({**RECIPE, "features": {"sets": ["core"]}}).digest()
