"""A dataset with more feature sets and other thresholds."""

import json
from pathlib import Path

import pyarrow.parquet as parquet
import pytest

import mycelium_fractal_net as mfn
from mycelium_fractal_net.datasets import load_scenario
from mycelium_fractal_net.fields import classify_morphology, measure_wavelengths

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


def test_rows_hold_three_wavelengths_and_what_the_pattern_looks_like(tmp_path: Path) -> None:
    recipe = {"samples": 2, "base": {"grid_size": 32, "steps": 250, "spike_probability": 0.0}, "wavelengths": True}
    mfn.generate_dataset(recipe, tmp_path / "data.parquet", morphology=True)
    table = parquet.read_table(tmp_path / "data.parquet")
    row = table.to_pylist()[1]
    result = mfn.simulate(mfn.SimulationConfig(**recipe["base"], seed=row["random_seed"]))  # type: ignore[arg-type]
    for name, found in measure_wavelengths(result)._asdict().items():
        columns = (f"wavelength_{name}", f"wavelength_{name}_step", f"wavelength_{name}_verdict")
        assert tuple(row[column] for column in columns) == tuple(found)
    assert row["wavelength_predicted"] == pytest.approx(9.03, abs=0.01)
    assert row["morphology"] == classify_morphology(result).name
    assert table.schema.field("wavelength_first").metadata == {b"unit": b"cells", b"role": b"pattern"}


def test_patterns_are_part_of_what_a_scenario_is() -> None:
    assert "wavelengths" not in load_scenario("small").to_json()
    assert load_scenario({**RECIPE, "wavelengths": True}).digest() != load_scenario(RECIPE).digest()
    with pytest.raises(mfn.ConfigurationError, match="morphology must be true or false, got 1"):
        load_scenario({**RECIPE, "morphology": 1})


def test_other_sets_make_another_dataset() -> None:
    assert load_scenario(RECIPE).digest() != load_scenario({**RECIPE, "features": {"sets": ["core"]}}).digest()
