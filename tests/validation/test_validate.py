import json
import math
from collections.abc import Callable, Iterator, Mapping
from threading import Event
from types import ModuleType
from typing import Any

import numpy as np
import pytest
from typer.testing import CliRunner

import mycelium_fractal_net as mfn
from mycelium_fractal_net.cli._main import application
from mycelium_fractal_net.fields._engine import Engine
from mycelium_fractal_net.validation import (
    Check,
    ValidationReport,
    _examples,
    _fields,
    _kinetics,
    _membrane,
    _numbers,
    validate,
)
from mycelium_fractal_net.validation.validate import _GROUPS

Checks = Callable[[], Iterator[Check]]


@pytest.fixture(scope="module")
def report() -> ValidationReport:
    return validate(grid_size=16, steps=16, epochs=5)


def failed(checks: Checks) -> list[str]:
    return [check.name for check in checks() if not check.passed]


def test_a_sound_installation_passes(report: ValidationReport) -> None:
    assert [check for check in report.checks if not check.passed] == []
    assert report.passed


def test_the_network_learns_and_says_how_well(report: ValidationReport) -> None:
    assert report.loss_drop == report.loss_start - report.loss_final > 0.5
    assert report.target == "bias"
    assert 0.2 < report.r2_held_out <= 1


def test_the_report_is_plain_json(report: ValidationReport) -> None:
    values = json.loads(json.dumps(report.to_dict(), allow_nan=False))
    assert values["passed"] is True
    assert values["nernst_symbolic_mv"] == pytest.approx(values["nernst_numeric_mv"], abs=1e-10)
    assert set(values["checks"][0]) == {"name", "expected", "got", "tolerance", "passed", "reference"}


def test_a_configuration_has_one_lyapunov_exponent(report: ValidationReport) -> None:
    assert report.lyapunov_exponent == mfn.lyapunov_exponent(mfn.SimulationConfig(grid_size=16, steps=16))


def test_without_the_turing_pair_another_parameter_is_learnt() -> None:
    assert mfn.validate(grid_size=16, steps=16, epochs=3, turing_enabled=False).target == "spike_probability"


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"epochs": 0}, "epochs must be a whole number from 1 to 100; got 0"),
        ({"epochs": True}, "epochs must be a whole number"),
        ({"batch_size": 193}, "batch_size must be a whole number from 1 to 192"),
        ({"grid_size": 2}, "grid_size"),
    ],
)
def test_parameters_out_of_range_are_refused(options: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        mfn.validate(**options)


def test_the_network_stops_learning_when_it_is_cancelled() -> None:
    late = Event()
    with pytest.raises(mfn.CancelledError, match="cancelled after 0 of 100 epochs"):
        mfn.validate(
            grid_size=8, steps=1, epochs=100, cancel=late, progress=lambda done, of: late.set() if done == of else None
        )


def test_exponents_stop_when_they_are_cancelled() -> None:
    (cancel := Event()).set()
    with pytest.raises(mfn.CancelledError, match="cancelled at step 0 of 21000"):
        list(_numbers.number_checks(cancel))


def test_it_can_be_cancelled() -> None:
    cancel = Event()
    cancel.set()
    with pytest.raises(mfn.CancelledError, match="cancelled after 0 of 240 fields"):
        mfn.validate(cancel=cancel)
    with pytest.raises(mfn.CancelledError, match="cancelled"):
        mfn.validate(
            grid_size=8, steps=1, cancel=(late := Event()), progress=lambda done, of: late.set() if done == of else None
        )


def test_nan_never_passes() -> None:
    assert not Check.number("x", 1.0, math.nan, 10.0, "").passed
    assert not Check.number("x", math.nan, math.nan, 10.0, "").passed


def off_by(module: ModuleType, name: str, error: float) -> Callable[..., Any]:
    function = getattr(module, name)
    return lambda *arguments, **options: function(*arguments, **options) + error


@pytest.mark.parametrize("name", ["nernst_potential_mv", "ghk_potential_mv"])
def test_a_wrong_potential_fails(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_membrane, name, off_by(_membrane, name, 0.5))
    assert any(name.split("_", maxsplit=1)[0] in check.lower() for check in failed(_membrane.membrane_checks))


def test_diffusion_of_the_wrong_size_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    prepare = Engine._prepare_constants

    def prepare_wrongly(engine: Engine, values: Mapping[str, float]) -> None:
        prepare(engine, values)
        four, da, dh, dt = engine._scales
        engine._scales = (four, da, dh * np.float64(0.9), dt)

    monkeypatch.setattr(Engine, "_prepare_constants", prepare_wrongly)
    found = failed(_fields.field_checks)
    assert "largest difference from NumPy after 12 steps" in found
    assert "growth of one mode in 10 steps, over the dispersion relation's" in found
    assert "digest of the default simulation" in found


def test_a_potential_that_diffuses_wrongly_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    prepare = Engine._prepare_constants

    def prepare_wrongly(engine: Engine, values: Mapping[str, float]) -> None:
        prepare(engine, values)
        engine._potential = (engine._potential[0] * np.float64(1.02), *engine._potential[1:])

    monkeypatch.setattr(Engine, "_prepare_constants", prepare_wrongly)
    assert "order of convergence in space" in failed(_fields.field_checks)


def test_swapped_boundaries_fail(monkeypatch: pytest.MonkeyPatch) -> None:
    swapped = {"periodic": 0, "neumann": 2, "dirichlet": 1}
    monkeypatch.setattr("mycelium_fractal_net.fields._engine._BOUNDARIES", swapped)
    found = failed(_fields.field_checks)
    assert "drift of the mean by diffusion, neumann, in mV" in found
    assert "distance from the held border's potential, in mV" in found


def test_a_wrong_wavelength_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_fields, "measure_wavelength", off_by(_fields, "measure_wavelength", 2.0))
    assert failed(_fields.field_checks) == ["wavelength measured over wavelength predicted"]


def test_a_wrong_exponent_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_numbers, "lyapunov_spectrum", off_by(_numbers, "lyapunov_spectrum", 0.02))
    assert len(failed(_numbers.number_checks)) == 3


def test_features_in_another_order_fail(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_numbers, "FEATURE_NAMES", mfn.FEATURE_NAMES[::-1])
    assert failed(_numbers.number_checks) == ["names and order of the features"]


def test_a_check_that_raises_counts_as_failed(monkeypatch: pytest.MonkeyPatch) -> None:
    def explode(*_: Any, **__: Any) -> None:
        raise RuntimeError("no such thing")

    monkeypatch.setattr(_numbers, "box_counting_dimension", explode)
    report = mfn.validate(grid_size=8, steps=4)
    assert not report.passed
    assert [check.got for check in report.checks if not check.passed][:1] == ["RuntimeError: no such thing"]


@pytest.mark.slow
def test_the_command_ends_with_1_when_a_check_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    arguments = ["validate", "--grid-size", "16", "--steps", "16"]
    sound = CliRunner().invoke(application, [*arguments, "--json"])
    assert (sound.exit_code, json.loads(sound.stdout)["passed"]) == (0, True)
    monkeypatch.setattr(_membrane, "nernst_potential_mv", off_by(_membrane, "nernst_potential_mv", 0.5))
    broken = CliRunner().invoke(application, arguments)
    assert broken.exit_code == 1
    assert "FAILED" in broken.stdout


@pytest.mark.parametrize("group", ["plasticity", "kinetics", "histories", "measures", "patterns", "aggregation"])
def test_every_room_is_checked_and_sound(group: str) -> None:
    checks = list(_GROUPS[group](None))
    assert len(checks) >= 6
    assert [check for check in checks if not check.passed] == []


def test_a_wrong_reaction_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    reaction, *others = _kinetics._EQUATIONS["schnakenberg"]
    monkeypatch.setitem(
        _kinetics._EQUATIONS, "schnakenberg", (lambda a, h: (1.01 * reaction(a, h)[0], reaction(a, h)[1]), *others)
    )
    assert failed(_kinetics.kinetics_checks) == ["3 steps of schnakenberg, periodic edges, against NumPy"]


@pytest.mark.parametrize(
    ("name", "checks"),
    [
        ("stdp_weight_update", _examples.plasticity_checks),
        ("stdp_window", _examples.plasticity_checks),
        ("lacunarity", _examples.measure_checks),
    ],
)
def test_a_wrong_example_fails(name: str, checks: Checks, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_examples, name, off_by(_examples, name, 1e-6))
    assert failed(checks)
