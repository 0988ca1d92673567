import json
from pathlib import Path
from typing import Any

import pytest

from mycelium_fractal_net.cli._settings import option_names, parse_parameters, read_mapping
from mycelium_fractal_net.errors import ConfigurationError, InvalidInputError, MissingExtraError
from mycelium_fractal_net.fields import PRESETS, SimulationConfig
from tests.cli.conftest import Mfn

QUICK = ("--grid-size", 8, "--steps", 1, "--json")
OTHER_VALUES = {
    "grid_size": 16,
    "steps": 2,
    "seed": 7,
    "alpha": 0.1,
    "leak": 0.2,
    "spike_probability": 0.5,
    "turing_enabled": False,
    "turing_threshold": 0.6,
    "turing_drive_mv": 2.5,
    "quantum_jitter": True,
    "jitter_std_mv": 0.25,
    "boundary": "neumann",
    "kinetics": "schnakenberg",
    "kinetics_parameters": {"bias": -0.05},
    "rest_potential_mv": -60.0,
    "clamp_mv": [-90.0, 30.0],
    "dtype": "float32",
    "schedule": [{"step": 0, "parameter": "bias", "value": 0.01, "over": 3}],
    "stimuli": [
        {"step": 0, "row": 1.5, "column": 2.0, "radius": 3.0, "variable": "activator", "value": 1.0, "mode": "add"}
    ],
    "least_substeps": 20,
    "domain": [8, 12],
    "stencil": 9,
    "resolution": 2,
    "scheme": "heun",
    "start": "spiral",
    "start_digest": "6de14d8af1ff8d0eae3bf35b3cc2a3cbd0d3fb0ab7d8ebcc5b5f1f3c7dd8b4f7",
}


def _as_options(name: str, value: Any) -> list[str]:
    flags = option_names(name).split("/")
    if isinstance(value, bool):
        return [flags[0 if value else 1]]
    if isinstance(value, dict):
        return [part for key, number in value.items() for part in (flags[0], f"{key}={number}")]
    if isinstance(value, list) and isinstance(value[0], dict):
        return [part for entry in value for part in (flags[0], ",".join(f"{k}={v}" for k, v in entry.items()))]
    return [flags[0], *map(str, value if isinstance(value, list) else [value])]


def test_no_field_is_forgotten_here() -> None:
    assert set(OTHER_VALUES) == set(SimulationConfig.model_fields)


@pytest.mark.parametrize("name", sorted(OTHER_VALUES.keys() - {"start_digest"}))
def test_every_field_of_the_configuration_has_an_option(mfn: Mfn, name: str) -> None:
    quick = [] if name in {"grid_size", "steps"} else ["--grid-size", "8", "--steps", "1"]
    quick = ["--steps", "1"] if name == "domain" else quick
    outcome = mfn("simulate", *quick, "--json", *_as_options(name, OTHER_VALUES[name]))
    assert outcome.json["config"][name] == OTHER_VALUES[name]


@pytest.mark.parametrize("name", SimulationConfig.model_fields)
def test_every_option_is_explained_in_the_help(mfn: Mfn, name: str) -> None:
    text = " ".join(mfn("simulate", "--help").out.split())
    assert option_names(name).split("/")[0] in text
    assert " ".join((SimulationConfig.model_fields[name].description or "?").split()) in text


def test_a_start_of_arrays_comes_from_a_file_and_is_known_by_its_digest(mfn: Mfn, tmp_path: Path) -> None:
    mfn("simulate", *QUICK, "--out", tmp_path)
    first = mfn("simulate", *QUICK, "--start-file", tmp_path / "field.npz").json["config"]
    assert first["start"] == "array"
    again = mfn("simulate", *QUICK, "--start-file", tmp_path / "field.npz", "--start-digest", first["start_digest"])
    assert again.json["config"] == first
    other = mfn("simulate", *QUICK, "--start-file", tmp_path / "field.npz", "--start-digest", "0" * 64)
    assert "the arrays given have" in other.err


def test_schedules_stimuli_and_starts_can_stand_in_a_file(mfn: Mfn, tmp_path: Path) -> None:
    file = tmp_path / "wound.yaml"
    file.write_text(
        "grid_size: 16\nsteps: 5\nstart: patches\nschedule:\n- {step: 1, parameter: bias, value: 0.04, over: 3}\n"
        "stimuli:\n- {step: 2, row: 8, column: 8, radius: 3, variable: activator, value: 0}\n"
    )
    config = SimulationConfig.model_validate(mfn("simulate", "--config", file, "--json").json["config"])
    assert [change.over for change in config.schedule] == [3]
    assert (config.stimuli[0].radius, config.start) == (3.0, "patches")


@pytest.mark.parametrize("text", ["step=1", "step", "step=1,step=2,parameter=bias,value=1", "bias=0.04@3"])
def test_a_change_that_cannot_be_read_is_refused_with_its_form(mfn: Mfn, text: str) -> None:
    outcome = mfn("simulate", *QUICK, "--change", text)
    assert outcome.code != 0
    assert "step" in outcome.err


@pytest.mark.parametrize("preset", PRESETS)
def test_presets_are_those_of_the_package(mfn: Mfn, preset: str) -> None:
    config = SimulationConfig.model_validate(mfn("simulate", "--preset", preset, *QUICK).json["config"])
    assert config == SimulationConfig.preset(preset, grid_size=8, steps=1)


def test_options_go_over_the_file_and_the_file_over_the_preset(mfn: Mfn, tmp_path: Path) -> None:
    file = tmp_path / "c.json"
    file.write_text(json.dumps({"seed": 5, "alpha": 0.1, "kinetics_parameters": {"bias": 0.01, "beta": 1.2}}))
    arguments = ("--preset", "spots", "--config", file, "--alpha", 0.05, "-p", "bias=0.02")
    config = mfn("simulate", *arguments, *QUICK).json["config"]
    assert (config["seed"], config["alpha"]) == (5, 0.05)
    assert config["kinetics_parameters"] == {"bias": 0.02, "beta": 1.2}


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("c.json", '{"alpha": 0.1, "clamp_mv": [-90, 30]}'),
        ("c.toml", "alpha = 0.1\nclamp_mv = [-90, 30]"),
        ("c.yaml", "alpha: 0.1\nclamp_mv: [-90, 30]"),
        ("c.yml", "{alpha: 0.1, clamp_mv: [-90, 30]}"),
        ("result.json", '{"digest": "x", "config": {"alpha": 0.1, "clamp_mv": [-90, 30]}}'),
    ],
)
def test_configuration_files_of_each_kind(mfn: Mfn, tmp_path: Path, name: str, text: str) -> None:
    (tmp_path / name).write_text(text)
    config = mfn("simulate", "--config", tmp_path / name, *QUICK).json["config"]
    assert (config["alpha"], config["clamp_mv"]) == (0.1, [-90.0, 30.0])


@pytest.mark.parametrize(
    ("name", "content", "why"),
    [
        ("c.json", b"{", "cannot be read"),
        ("c.json", b"\xff", "cannot be read"),
        ("c.json", b"[" * 100_000, "cannot be read"),
        ("c.toml", b"a = ", "cannot be read"),
        ("c.yaml", b"a: [", "cannot be read"),
        ("c.yaml", b"!!python/object/apply:os.getcwd []", "cannot be read"),
        ("c.json", b"[1]", "must hold a mapping of parameters; got list"),
        ("c.yaml", b"", "must hold a mapping of parameters; got NoneType"),
        ("c.ini", b"a=1", "must end in .json, .toml or .yaml; got '.ini'"),
    ],
)
def test_files_that_hold_no_parameters_are_refused(tmp_path: Path, name: str, content: bytes, why: str) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(ConfigurationError, match=why):
        read_mapping(tmp_path / name)


def test_yaml_without_its_library_names_the_extra(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "yaml", None)
    (tmp_path / "c.yaml").write_text("alpha: 0.1")
    with pytest.raises(MissingExtraError, match=r"mycelium-fractal-net\[datasets\]"):
        read_mapping(tmp_path / "c.yaml")


@pytest.mark.parametrize("pair", ["", "bias", "bias=", "=1", "bias=x", "bias=1=2"])
def test_parameters_are_name_equals_number(pair: str) -> None:
    with pytest.raises(InvalidInputError, match="NAME=VALUE"):
        parse_parameters([pair])


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        (("--grid-size", 3), "grid_size must be greater than or equal to 4; got 3"),
        (("--alpha", 0.3), "8 alpha + leak = 2.5"),
        (("--alpha", "nan"), "alpha must be"),
        (("--alpha", "x"), "'x' is not a valid float"),
        (("--boundary", "open"), "'open' is not one of 'periodic', 'neumann', 'dirichlet'"),
        (("--kinetics", "bogus"), "bogus"),
        (("-p", "gamma=1"), "has no parameter 'gamma'"),
        (("--clamp-mv", 40, -95), "lowest < highest"),
        (("--preset", "bogus"), "'bogus' is not one of"),
        (("--config", "nowhere.json"), "'nowhere.json' does not exist"),
        (
            ("--turing-threshold", 0.4),
            "turing_threshold must be greater than or equal to 0.5; got 0.4",
        ),
    ],
)
def test_bad_parameters_are_one_line_and_code_2(mfn: Mfn, arguments: tuple[object, ...], why: str) -> None:
    outcome = mfn("simulate", *arguments)
    assert outcome.code == 2
    assert why in outcome.err
    assert outcome.err.count("\n") == 1
