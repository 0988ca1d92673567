"""Parameters that change, stimuli and starts: against the reference, against theory, and refused where they must be."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import mycelium_fractal_net as mfn
from mycelium_fractal_net.errors import InvalidInputError, StabilityError
from mycelium_fractal_net.fields import Change, Stimulus
from mycelium_fractal_net.fields._overlays import disc
from tests.fields.helpers import assert_same_bits, quiet, use_tiles
from tests.fields.reference import Reference

CHANGES = (
    Change(2, "bias", 0.04, over=5),
    Change(4, "bias", -0.05, over=3),
    Change(3, "D_h", 2.6, over=4),
    Change(5, "leak", 0.2),
    Change(1, "alpha", 0.1, over=6),
    Change(6, "turing_threshold", 0.6),
    Change(6, "turing_drive_mv", -3.0, over=100),
    Change(2, "spike_probability", 1.0),
    Change(2, "rest_potential_mv", -60.0, over=3),
    Change(3, "jitter_std_mv", 2.0),
)
STIMULI = (
    Stimulus(0, 0, 19.5, 3.2, "activator", 1.0),
    Stimulus(4, 10, 10, 4, "potential", -20.0, "add"),
    Stimulus(4, 10, 11, 2, "potential", 10.0),
    Stimulus(7, 19, 0, 5, "inhibitor", 0.1, "add"),
)
BUSY: dict[str, Any] = {"grid_size": 20, "steps": 10, "schedule": CHANGES, "stimuli": STIMULI, "quantum_jitter": True}


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("boundary", ["periodic", "neumann", "dirichlet"])
def test_schedules_and_stimuli_equal_the_reference_to_the_bit(boundary: Any, dtype: Any) -> None:
    config = mfn.SimulationConfig(**BUSY, boundary=boundary, dtype=dtype)
    simulation = mfn.Simulation(config)
    simulation.advance(10)
    assert_same_bits(simulation, Reference(config).advance(10))


@pytest.mark.parametrize("start", ["patches", "front", "spiral"])
@pytest.mark.parametrize("kinetics", ["mycelium", "gray-scott", "fitzhugh-nagumo"])
@pytest.mark.parametrize("boundary", ["periodic", "neumann"])
def test_starts_equal_the_reference_to_the_bit(boundary: Any, kinetics: str, start: Any) -> None:
    config = mfn.SimulationConfig(grid_size=33, steps=2, kinetics=kinetics, start=start, boundary=boundary)
    assert_same_bits(mfn.Simulation(config), Reference(config))


@pytest.mark.parametrize("every", [1, 3, 7])
def test_the_stride_and_tiles_do_not_change_the_bits(every: int) -> None:
    config = mfn.SimulationConfig(**{**BUSY, "grid_size": 40})
    tiled = use_tiles(mfn.Simulation(config, threads=2), (32, 16))
    *_, last = tiled.frames(every)
    assert last.digest == mfn.simulate(config).digest


@pytest.mark.parametrize("step", range(1, 10))
def test_a_checkpoint_within_a_ramp_goes_on_with_the_same_bits(tmp_path: Path, step: int) -> None:
    config = mfn.SimulationConfig(**BUSY)
    simulation = mfn.Simulation(config)
    simulation.advance(step)
    simulation.save(tmp_path / "ramp.npz")
    resumed = mfn.Simulation.load(tmp_path / "ramp.npz")
    resumed.advance(10 - step)
    assert resumed.config == config
    assert resumed.result.digest == mfn.simulate(config).digest


def test_a_change_of_nothing_gives_the_bits_of_the_unchanged_run() -> None:
    plain = mfn.SimulationConfig(grid_size=20, steps=10)
    same = mfn.SimulationConfig(grid_size=20, steps=10, schedule=(Change(3, "bias", 0.0, 4), Change(5, "leak", 0.1)))
    assert mfn.simulate(same).digest == mfn.simulate(plain).digest
    assert same.digest() != plain.digest()


def test_a_jump_equals_two_runs_of_which_the_second_takes_over_the_fields() -> None:
    jump = quiet(grid_size=16, steps=12, schedule=[Change(5, "bias", 0.04)])
    simulation = mfn.Simulation(quiet(grid_size=16, steps=5))
    simulation.advance(5)
    second = mfn.Simulation(quiet(grid_size=16, steps=7, kinetics_parameters={"bias": 0.04}))
    second.replace_fields(field_mv=simulation.field_mv, activator=simulation.activator, inhibitor=simulation.inhibitor)
    second.advance(7)
    np.testing.assert_array_equal(second.activator, mfn.simulate(jump).activator)


@pytest.mark.parametrize("tile", [None, (32, 32)])
def test_the_configuration_of_a_steered_run_reproduces_it(tile: tuple[int, int] | None, tmp_path: Path) -> None:
    simulation = use_tiles(mfn.Simulation(mfn.SimulationConfig(grid_size=36, steps=30)), tile)
    simulation.advance(7)
    simulation.steer([Change(7, "bias", 0.04, over=10), Change(9, "D_h", 3.1)])
    simulation.advance(5)
    simulation.save(tmp_path / "steered.npz")
    simulation.steer([Change(12, "bias", -0.05)], [Stimulus(20, 5, 5, 4, "activator", 0.0)])
    simulation.steer([Change(12, "bias", -0.04)])
    simulation.advance(18)
    assert mfn.simulate(simulation.config).digest == simulation.result.digest
    assert len(simulation.config.schedule) == 3
    assert len(mfn.Simulation.load(tmp_path / "steered.npz").config.schedule) == 2


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (Change(4, "bias", 0.0), "is in the past: the simulation is at step 5"),
        (Change(30, "bias", 0.0), "step 30 never comes in a run of 30 steps"),
        (Change(9, "alpha", 0.24), "8 alpha"),
    ],
)
def test_steering_that_is_refused_leaves_the_run_as_it_was(change: Change, message: str) -> None:
    simulation = mfn.Simulation(mfn.SimulationConfig(grid_size=16, steps=30))
    simulation.advance(5)
    before = simulation.config
    with pytest.raises(ValueError, match=message):
        simulation.steer([change])
    assert simulation.config == before
    simulation.advance(25)
    assert simulation.result.digest == mfn.simulate(before).digest


@pytest.mark.parametrize(
    ("schedule", "step"),
    [
        ([Change(3, "alpha", 0.24, 40)], 41),  # 8 (0.18 + 0.06 t / 40) + 0.1 > 2 from t = 38.33 on
        ([Change(0, "alpha", 0.22), Change(5, "leak", 0.3, 20)], 18),  # 1.76 + 0.1 + 0.01 t > 2 from t = 14 on
    ],
)
def test_the_potential_is_checked_along_the_whole_ramp(schedule: tuple[Change, ...], step: int) -> None:
    with pytest.raises(StabilityError, match=r"at step \d+ of the schedule: 8 alpha \+ leak") as caught:
        mfn.SimulationConfig(schedule=schedule)
    assert int(caught.value.message.split()[2]) >= step
    shorter = tuple(Change(c.step, c.parameter, c.value, c.over) for c in schedule)
    assert mfn.SimulationConfig(schedule=shorter, steps=step).steps == step


def test_the_pair_is_checked_within_a_ramp_whose_ends_are_stable() -> None:
    up_and_down = (Change(5, "r_h", 6.0, 1000), Change(1005, "r_h", 0.375, 5))
    with pytest.raises(StabilityError, match=r"at step \d+ of the schedule: .* the explicit substep"):
        mfn.SimulationConfig(schedule=up_and_down, steps=2000)


WOUND = {"step": 1, "row": 4, "column": 4, "radius": 2, "variable": "activator", "value": 0.0}


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"schedule": [Change(1, "grid_size", 8)]}, "no parameter 'grid_size' can change"),
        ({"schedule": [Change(1, "feed", 8)]}, "no parameter 'feed' can change"),
        ({"schedule": [Change(1, "leak", 2.5)]}, r"leak must be in \[0, 2\], got 2.5"),
        ({"schedule": [Change(1, "turing_threshold", 0.3)]}, r"turing_threshold must be in \[0.5, 0.95\]"),
        ({"schedule": [Change(1, "rest_potential_mv", 50.0)]}, r"rest_potential_mv must be in \[-95, 40\]"),
        ({"schedule": [Change(1, "D_a", -1.0)]}, "'D_a' must be in"),
        ({"schedule": [Change(64, "bias", 0.0)]}, "step 64 never comes"),
        ({"schedule": [Change(1, "bias", 0.0), Change(1, "bias", 0.1)]}, "'bias' changes twice at step 1"),
        ({"schedule": [{"step": 1, "parameter": "bias"}]}, "Change needs value"),
        ({"schedule": [{"step": 1, "parameter": "bias", "value": "0"}]}, "valid number"),
        ({"schedule": [{"step": 1, "parameter": "bias", "value": 0, "to": 1}]}, r"Change has no field .to."),
        ({"schedule": [Change(0, "bias", 0.0)] * 1001}, "at most 1000"),
        ({"stimuli": [Stimulus(64, 1, 1, 1, "activator", 1)]}, "step 64 never comes"),
        ({"stimuli": [{**WOUND, "radius": 1}, {**WOUND, "radius": -1}]}, r"stimuli\.1: radius must be greater than"),
        ({"stimuli": [Stimulus(1, 64, 1, 1, "activator", 1)]}, r"row and column must be in \[0, 64\)"),
        ({"stimuli": [Stimulus(1, 1, 1, 1, "potential", 41)]}, r"in \[-95, 40\] mV, got 41"),
        ({"stimuli": [Stimulus(1, 1, 1, 1, "potential", 136, "add")]}, r"in \[-135, 135\] mV, got 136"),
        ({"start": "middle"}, "start"),
        ({"start_digest": "0" * 64}, "start_digest belongs to start = 'array'"),
        ({"start": "array", "start_digest": "xyz"}, "start_digest"),
    ],
)
def test_what_cannot_happen_is_refused(values: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        mfn.SimulationConfig(**values)


@pytest.mark.parametrize(
    ("entry", "message"),
    [
        ((Change, -1, "bias", 0.0), "step .*greater than or equal to 0; got -1"),
        ((Change, 1, "bias", float("nan")), "value .*got nan"),
        ((Change, 1, "bias", 0.0, 1.5), "over .*integer"),
        ((Change, 1, "bias", 0.0, 1, 2), "a Change takes step, parameter, value, over, each once"),
        ((Stimulus, 1, 1, 1, -1, "activator", 1), "radius "),
        ((Stimulus, 1, 1, 1, 1, "voltage", 1), "variable .*'activator', 'inhibitor' or 'potential'"),
        ((Stimulus, 1, 1, 1, 1, "activator", 1, "swap"), "mode .*'set' or 'add'"),
    ],
)
def test_entries_are_checked_when_they_are_made(entry: tuple[Any, ...], message: str) -> None:
    kind, *values = entry
    with pytest.raises(InvalidInputError, match=message):
        kind(*values)


def test_the_order_in_which_entries_are_given_does_not_matter() -> None:
    one = mfn.SimulationConfig(**BUSY)
    other = mfn.SimulationConfig(**{**BUSY, "schedule": CHANGES[::-1], "stimuli": (STIMULI[3], *STIMULI[:3])})
    assert one == other
    assert one.digest() == other.digest()
    assert mfn.SimulationConfig.model_validate_json(one.model_dump_json()) == one


def test_a_disc_holds_the_cells_within_its_radius() -> None:
    spot = Stimulus(0, 0.5, 0.5, 0.75, "activator", 1.0)
    assert np.argwhere(disc(spot, (5, 5), periodic=False)).tolist() == [[0, 0], [0, 1], [1, 0], [1, 1]]
    edge = Stimulus(0, 0, 0, 1, "activator", 1.0)
    assert np.argwhere(disc(edge, (5, 5), periodic=True)).tolist() == [[0, 0], [0, 1], [0, 4], [1, 0], [4, 0]]


def test_given_arrays_are_the_start_and_their_digest_part_of_the_configuration() -> None:
    rng = np.random.default_rng(0)
    a, h, v = rng.random((8, 8)), rng.random((8, 8)), rng.uniform(-90, 40, (8, 8))
    config = mfn.SimulationConfig(grid_size=8, steps=5, start="array")
    simulation = mfn.Simulation(config, v, initial_activator=a, initial_inhibitor=h)
    for field, given in ((simulation.activator, a), (simulation.inhibitor, h), (simulation.field_mv, v)):
        np.testing.assert_array_equal(field, given)
    simulation.advance(5)
    again = mfn.simulate(simulation.config, v, initial_activator=a, initial_inhibitor=h)
    assert again.digest == simulation.result.digest
    with pytest.raises(InvalidInputError, match=r"start_digest is .*, but the arrays given have"):
        mfn.simulate(simulation.config, v, initial_activator=h, initial_inhibitor=a)


def test_a_run_from_arrays_can_be_saved_and_resumed(tmp_path: Path) -> None:
    config = mfn.SimulationConfig(grid_size=8, steps=5, start="array")
    simulation = mfn.Simulation(config, initial_activator=np.eye(8))
    simulation.advance(2)
    simulation.save(tmp_path / "array.npz")
    resumed = mfn.Simulation.load(tmp_path / "array.npz")
    resumed.advance(3)
    assert resumed.config == simulation.config
    assert resumed.result.digest == mfn.simulate(config, initial_activator=np.eye(8)).digest


def test_a_start_of_arrays_needs_arrays_and_arrays_of_the_pair_need_it() -> None:
    with pytest.raises(InvalidInputError, match="start = 'array' needs arrays"):
        mfn.simulate(mfn.SimulationConfig(grid_size=8, start="array"))
    with pytest.raises(InvalidInputError, match="need start = 'array', got start = 'noise'"):
        mfn.simulate(mfn.SimulationConfig(grid_size=8), initial_activator=np.zeros((8, 8)))
    with pytest.raises(InvalidInputError, match=r"initial_inhibitor must have the shape \(8, 8\)"):
        mfn.simulate(mfn.SimulationConfig(grid_size=8, start="array"), initial_inhibitor=np.zeros((7, 8)))


def test_a_front_in_an_excitable_medium_runs_one_way_and_a_spiral_stays() -> None:
    values: dict[str, Any] = {"grid_size": 96, "kinetics": "fitzhugh-nagumo"}
    front = mfn.Simulation(quiet(**values, steps=80, start="front", boundary="neumann"))
    fronts = [int(np.flatnonzero(frame.activator[48] > 0.5).max()) for frame in front.frames(40)]
    assert 12 < fronts[0] < fronts[1]
    spiral = mfn.simulate(quiet(**values, steps=1500, start="spiral", boundary="neumann"))
    assert spiral.activator.max() > 0.5
    assert mfn.simulate(quiet(**values, steps=1500, start="front", boundary="neumann")).activator.max() < 0.1


def test_a_ramp_through_the_turing_threshold_and_back_shows_hysteresis() -> None:
    """Spots stay where linear stability says that none grow; a small touch brings them back only where it says so."""
    unstable, stable = (mfn.linear_stability("mycelium", bias=bias) for bias in (-0.05, -0.13))
    assert (unstable.turing_unstable, stable.turing_unstable) == (True, False)
    there_and_back = [Change(200, "bias", -0.2, over=1500), Change(1800, "bias", -0.05, over=1500)]
    touches = [Stimulus(step, 16, 16, 2, "activator", 0.02, "add") for step in (2600, 3300)]
    config = quiet(
        grid_size=32, steps=4200, kinetics_parameters={"bias": -0.05}, schedule=there_and_back, stimuli=touches
    )
    assert [config.parameters_at(step)["bias"] for step in (1000, 2600)] == pytest.approx([-0.13, -0.12])
    spread = {frame.step: float(frame.activator.std()) for frame in mfn.Simulation(config).frames(100)}
    assert spread[1000] > 0.2
    assert spread[2700] < 1e-3
    assert spread[3300] < 1e-6
    assert spread[4200] > 0.2
