"""The substep of the pair: results stand beside a converged solution, or the run is refused."""

from typing import Any

import numpy as np
import pytest

import mycelium_fractal_net as mfn
from mycelium_fractal_net.errors import InvalidInputError, StabilityError
from mycelium_fractal_net.fields import get_kinetics, kinetics
from mycelium_fractal_net.fields._monitor import window
from tests.fields.helpers import quiet
from tests.fields.test_trace import BUILT_IN

ENDS = [
    (name, parameter, end)
    for name in BUILT_IN
    for parameter, ends in get_kinetics(name).ranges.items()
    for end in sorted({*ends})
]


def runs(name: str, steps: int, parameters: dict[str, float]) -> tuple[Any, Any]:
    """Return the activator with the substeps that the configuration takes, and with sixteen times as many."""
    values: dict[str, Any] = {"grid_size": 24, "steps": steps, "kinetics": name, "kinetics_parameters": parameters}
    usual = quiet(**values)
    return mfn.simulate(usual).activator, mfn.simulate(quiet(**values, least_substeps=16 * usual.substeps)).activator


@pytest.mark.parametrize("name", BUILT_IN)
def test_every_parameter_has_a_documented_range_around_its_default(name: str) -> None:
    model = get_kinetics(name)
    assert set(model.ranges) == set(model.parameters)
    assert all(low <= model.parameters[key] <= high for key, (low, high) in model.ranges.items())


@pytest.mark.parametrize(("name", "parameter", "value"), ENDS)
def test_results_agree_with_a_converged_solution_over_the_documented_ranges(
    name: str, parameter: str, value: float
) -> None:
    usual, converged = runs(name, 100, {parameter: value})
    low, high = get_kinetics(name).activator_range
    assert np.sqrt(np.mean((usual - converged) ** 2)) < (0.08 if name == "gray-scott" else 0.02) * (high - low)
    assert usual.std() == pytest.approx(converged.std(), rel=0.02, abs=0.001 * (high - low))


@pytest.mark.parametrize("steps", [64, 300])
@pytest.mark.parametrize("rate", [0.2, 0.3, 0.35, 0.4, 0.5, 0.6, 0.9])
@pytest.mark.parametrize("name", ["brusselator", "schnakenberg", "gierer-meinhardt"])
def test_a_fast_reaction_is_converged_or_refused(name: str, rate: float, steps: int) -> None:
    try:
        usual, converged = runs(name, steps, {"rate": rate})
    except StabilityError:
        return
    assert usual.std() == pytest.approx(converged.std(), rel=0.02)


@pytest.mark.parametrize("boundary", ["periodic", "neumann", "dirichlet"])
def test_a_substep_that_peaks_outrun_is_named_with_the_step_and_the_way_out(boundary: Any) -> None:
    fast: dict[str, Any] = {"kinetics": "brusselator", "kinetics_parameters": {"rate": 0.6}, "boundary": boundary}
    config = quiet(**fast, grid_size=40, steps=100)
    with pytest.raises(StabilityError, match=r"at step 100 the pair jumps by .* set least_substeps to 16") as caught:
        mfn.simulate(config)
    assert caught.value.details["step"] == 100
    two = [quiet(**fast, grid_size=40, steps=100, least_substeps=substeps) for substeps in (16, 64)]
    usual, converged = (mfn.simulate(each).activator for each in two)
    assert usual.std() == pytest.approx(converged.std(), rel=0.02)


@pytest.mark.parametrize("periodic", [True, False])
def test_the_watch_looks_at_every_part_of_a_large_field_in_turn(periodic: bool) -> None:
    field = np.arange(300.0 * 300).reshape(300, 300)
    seen = [window(field, step, periodic=periodic) for step in range(256, 256 * 80, 256)]
    assert {part.shape for part in seen} == {(140, 140)}
    assert len({value for part in seen for value in part[6:-6, 6:-6].ravel()}) > 0.9 * field.size


def test_the_watch_does_not_depend_on_how_a_run_is_cut_into_pieces() -> None:
    config = quiet(grid_size=32, kinetics="schnakenberg", kinetics_parameters={"rate": 0.5}, steps=600)
    steps = set()
    for every in (1, 7, 600):
        with pytest.raises(StabilityError, match="least_substeps") as caught:
            list(mfn.Simulation(config).frames(every))
        steps.add(caught.value.details["step"])
    assert steps == {256}


def test_travelling_fronts_and_wounds_are_no_cause_for_alarm() -> None:
    for name, value in (("fitzhugh-nagumo", 1.0), ("mycelium", 1.0), ("gray-scott", 0.25)):
        touch = [mfn.Stimulus(step, 10, 10, 5, "activator", value) for step in (63, 255)]
        assert mfn.simulate(quiet(grid_size=32, steps=256, kinetics=name, stimuli=touch)).step == 256


@pytest.mark.parametrize("ranges", [{"gain": (0.2, 0.1)}, {"loss": (0.0, 1.0)}])
def test_ranges_of_what_is_no_parameter_are_refused(ranges: Any) -> None:
    with pytest.raises(InvalidInputError, match="ranges of kinetics 'odd'"):
        kinetics("odd", diffusion=(0.1, 0.1), steady_guess=(0.0, 0.0), ranges=ranges)(
            lambda a, h, gain=0.1: (a * gain, h)
        )
