import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mycelium_fractal_net.datasets import SCENARIOS, Axis, Scenario, load_scenario
from mycelium_fractal_net.datasets.sampling import row_seed, rows_of
from mycelium_fractal_net.errors import ConfigurationError


@pytest.mark.parametrize(
    ("name", "rows", "cells", "steps"),
    [("small", 10, 32, 50), ("medium", 100, 64, 100), ("large", 500, 128, 200), ("benchmark", 5, 32, 32)],
)
def test_named_scenarios_have_their_size(name: str, rows: int, cells: int, steps: int) -> None:
    configs = rows_of(SCENARIOS[name])
    assert len(configs) == rows
    assert {(config.grid_size, config.steps) for config in configs} == {(cells, steps)}
    assert len({config.seed for config in configs}) == rows


@given(st.floats(1e-6, 1e3), st.floats(1e-3, 1e3), st.floats(0, 1, exclude_max=True), st.booleans())
def test_a_range_holds_what_is_drawn_from_it(low: float, width: float, u: float, log: bool) -> None:
    value = Axis("x", low=low, high=low + width, log=log).at(u)
    assert low * (1 - 1e-12) <= value <= (low + width) * (1 + 1e-12)


@given(st.integers(1, 50), st.integers(1, 50), st.floats(0, 1, exclude_max=True), st.booleans())
def test_whole_ranges_hold_whole_numbers(low: int, width: int, u: float, log: bool) -> None:
    value = Axis("x", low=low, high=low + width, log=log, integer=True).at(u)
    assert isinstance(value, int)
    assert low <= value <= low + width


def test_whole_ranges_reach_both_ends() -> None:
    axis = Axis("x", low=3, high=5, integer=True)
    assert [axis.at(u) for u in (0.0, 0.5, 0.999999)] == [3, 4, 5]


def test_a_grid_visits_every_combination() -> None:
    scenario = load_scenario(
        {
            "method": "grid",
            "sweep": {"alpha": {"min": 0.1, "max": 0.2, "count": 3}, "boundary": ["periodic", "neumann"]},
        }
    )
    assert scenario.samples == 6
    assert {(round(c.alpha, 6), c.boundary) for c in rows_of(scenario)} == {
        (alpha, boundary) for alpha in (0.1, 0.15, 0.2) for boundary in ("periodic", "neumann")
    }


@pytest.mark.parametrize("spec", [{"min": 1, "max": 100, "count": 3, "scale": "log"}])
def test_a_logarithmic_grid_is_even_in_the_logarithm(spec: dict[str, Any]) -> None:
    scenario = load_scenario({"method": "grid", "sweep": {"turing_drive_mv": {**spec, "integer": False}}})
    assert [config.turing_drive_mv for config in rows_of(scenario)] == pytest.approx([1, 10, 100])


@pytest.mark.parametrize("method", ["random", "lhs", "sobol"])
def test_samples_fill_every_quarter_of_an_axis(method: str) -> None:
    scenario = load_scenario({"samples": 64, "method": method, "sweep": {"alpha": {"min": 0.1, "max": 0.2}}})
    quarters = [int((config.alpha - 0.1) / 0.025) for config in rows_of(scenario)]
    assert {quarters.count(k) > 4 for k in range(4)} == {True}


def test_parameters_of_the_kinetics_can_be_swept_and_fixed() -> None:
    scenario = load_scenario({"base": {"kinetics_parameters": {"beta": 1.2}}, "sweep": {"bias": [-0.02, 0.02]}})
    assert {tuple(sorted(c.kinetics_parameters.items())) for c in rows_of(scenario)} == {
        (("beta", 1.2), ("bias", -0.02)),
        (("beta", 1.2), ("bias", 0.02)),
    }


def test_the_seed_of_a_row_depends_on_nothing_but_scenario_and_number() -> None:
    short, long = (rows_of(SCENARIOS["benchmark"].with_samples(n)) for n in (2, 9))
    assert [config.seed for config in short] == [config.seed for config in long][:2]
    assert row_seed(1, 0) != row_seed(1, 1) != row_seed(2, 1)


WRONG = {
    "samples: 3\nsweep: [1": r"wrong.yaml:2: not YAML",
    "samples: 3\nsamples: 4": r"wrong.yaml:2: 'samples' occurs twice",
    "sampels: 3": r"wrong.yaml:1: sampels is unknown; known are name, .*did you mean 'samples'",
    "- 1\n- 2": r"wrong.yaml:1: expected a mapping",
    "samples: many": r"wrong.yaml:1: samples must be a whole number",
    "samples: 0": r"samples must be a whole number from 1",
    "seed: -1": r"wrong.yaml:1: seed must be a whole number",
    "name: 7": r"wrong.yaml:1: name must be text",
    "method: magic": r"wrong.yaml:1: method must be one of grid, random, lhs, sobol",
    "sweep: 3": r"wrong.yaml:1: sweep must be a mapping",
    "sweep:\n  alfa: [1]": r"wrong.yaml:2: sweep.alfa cannot be swept",
    "sweep:\n  seed: [1]": r"wrong.yaml:2: sweep.seed cannot be swept",
    "sweep:\n  alpha: []": r"wrong.yaml:2: sweep.alpha is an empty list",
    "sweep:\n  alpha: 3": r"wrong.yaml:2: sweep.alpha must be a list of values or a range",
    "sweep:\n  alpha: {min: 0.2, max: 0.1}": r"wrong.yaml:2: sweep.alpha needs min < max, got 0.2 and 0.1",
    "sweep:\n  alpha: {min: 1e-3, max: 0.1}": r"wrong.yaml:2: sweep.alpha.min must be a finite number.*write 1.0e-3",
    "sweep:\n  alpha: {min: 0.1}": r"sweep.alpha.max must be a finite number, got None",
    "sweep:\n  alpha: {min: 0.0, max: 0.1, scale: log}": r"wrong.yaml:2: sweep.alpha.scale must be linear, or log",
    "sweep:\n  alpha: {min: 0.0, max: 0.1, skale: log}": r"wrong.yaml:2: sweep.alpha.skale is unknown",
    "sweep:\n  alpha: {min: 0.0, max: 0.1, integer: 3}": r"sweep.alpha.integer must be true or false",
    "method: grid\nsweep:\n  alpha: {min: 0.0, max: 0.1}": r"wrong.yaml:3: sweep.alpha needs a count in a grid",
    "method: grid\nsamples: 3\nsweep:\n  alpha: [0.1]": r"wrong.yaml:2: samples does not apply to a grid",
    "base:\n  seed: 3": r"wrong.yaml:2: base.seed is set for each row",
    "base:\n  gridsize: 3": r"wrong.yaml:2: base.gridsize is no field of a simulation",
    "base:\n  grid_size: 3": r"wrong.yaml:1: base is not a usable configuration: grid_size",
}


@pytest.mark.parametrize("text", WRONG)
def test_a_wrong_file_is_refused_with_its_line_and_key(text: str, tmp_path: Path) -> None:
    path = tmp_path / "wrong.yaml"
    path.write_text(text)
    with pytest.raises(ConfigurationError, match=WRONG[text]):
        load_scenario(path)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('{"samples": 3', r"wrong.json:1: not JSON"),
        ('{"samples": 3, "samples": 4}', r"wrong.json: 'samples' occurs twice"),
    ],
)
def test_wrong_json_is_refused(text: str, message: str, tmp_path: Path) -> None:
    path = tmp_path / "wrong.json"
    path.write_text(text)
    with pytest.raises(ConfigurationError, match=message):
        load_scenario(str(path))


def test_binary_files_and_unknown_names_are_refused(tmp_path: Path) -> None:
    (tmp_path / "noise.yaml").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(ConfigurationError, match="not text in UTF-8"):
        load_scenario(tmp_path / "noise.yaml")
    with pytest.raises(ConfigurationError, match="no scenario and no file 'smal'; scenarios are small"):
        load_scenario("smal")


def test_a_json_file_and_a_mapping_make_the_same_scenario(tmp_path: Path) -> None:
    values = {"name": "twice", "samples": 3, "sweep": {"alpha": {"min": 0.1, "max": 0.2}}}
    path = tmp_path / "twice.json"
    path.write_text(json.dumps(values))
    assert load_scenario(path).digest() == load_scenario(values).digest()
    assert load_scenario(load_scenario(values)).samples == 3


def test_a_row_that_cannot_be_simulated_is_named_before_anything_runs() -> None:
    scenario = load_scenario({"sweep": {"alpha": [0.1, 0.3]}, "method": "grid"})
    with pytest.raises(ConfigurationError, match=r"row 1 with \{'alpha': 0.3\} cannot be simulated: 8 alpha \+ leak"):
        rows_of(scenario)


@pytest.mark.parametrize("samples", [0, -1, True, 1.5])
def test_unusable_numbers_of_samples_are_refused(samples: Any) -> None:
    with pytest.raises(ConfigurationError, match="samples must be a whole number"):
        Scenario("s", 3).with_samples(samples)


def test_a_grid_takes_no_number_of_samples() -> None:
    with pytest.raises(ConfigurationError, match="samples do not apply"):
        load_scenario({"sweep": {"alpha": [0.1]}, "method": "grid"}).with_samples(4)
