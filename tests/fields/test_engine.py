"""Compiled kernels equal the reference to the bit."""

from typing import Any

import numpy as np
import pytest

import mycelium_fractal_net as mfn
from mycelium_fractal_net.errors import CancelledError, DivergedError, InvalidInputError
from mycelium_fractal_net.features._kernels_temporal import step_statistics_of
from tests.fields.helpers import assert_same_bits, probe, quiet
from tests.fields.reference import Reference
from tests.fields.test_trace import BUILT_IN

BOUNDARIES = ["periodic", "neumann", "dirichlet"]
TILES = [((32, 48), 1), ((64, 100), 2), ((32, 7), 3), ((128, 128), 2)]


def compare(config: mfn.SimulationConfig, tile: tuple[int, int] | None = None, threads: int = 1) -> None:
    """Run engine and reference over all steps of a configuration and compare their bits."""
    simulation = mfn.Simulation(config, threads=threads)
    if tile is not None:
        simulation._engine.use_tiles(tile)
    simulation.advance(config.steps)
    assert_same_bits(simulation, Reference(config).advance(config.steps))


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("name", BUILT_IN)
def test_every_kinetics_equals_the_reference(name: str, dtype: Any) -> None:
    compare(mfn.SimulationConfig(grid_size=33, steps=20, kinetics=name, dtype=dtype))


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("boundary", BOUNDARIES)
@pytest.mark.parametrize("jitter", [False, True], ids=["calm", "jitter"])
def test_every_boundary_equals_the_reference(boundary: Any, dtype: Any, jitter: bool) -> None:
    config = mfn.SimulationConfig(
        grid_size=37, steps=24, boundary=boundary, dtype=dtype, quantum_jitter=jitter, turing_threshold=0.55
    )
    compare(config)


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("boundary", BOUNDARIES)
@pytest.mark.parametrize(("tile", "threads"), TILES)
def test_tiles_and_threads_equal_the_reference(boundary: Any, dtype: Any, tile: tuple[int, int], threads: int) -> None:
    config = mfn.SimulationConfig(
        grid_size=101, steps=4, boundary=boundary, dtype=dtype, quantum_jitter=True, turing_threshold=0.55
    )
    compare(config, tile, threads)


@pytest.mark.parametrize("tile", [None, (32, 16)], ids=["whole", "tiles"])
@pytest.mark.parametrize("boundary", BOUNDARIES)
@pytest.mark.parametrize("d_h", [0.2, 0.3, 2.0, 8.0])
def test_any_number_of_substeps_equals_the_reference(d_h: float, boundary: Any, tile: Any) -> None:
    parameters = {"D_h": d_h, "r_h": 0.1, "r_a": 0.1}
    config = mfn.SimulationConfig(
        grid_size=50, steps=5, boundary=boundary, kinetics_parameters=parameters, turing_threshold=0.55
    )
    assert config.substeps == round(d_h / 0.2 + 0.25)
    compare(config, tile)


@pytest.mark.parametrize("n", [4, 5, 7, 31, 64, 65])
def test_any_size_equals_the_reference(n: int) -> None:
    compare(mfn.SimulationConfig(grid_size=n, steps=12, spike_probability=1.0))


@pytest.mark.parametrize("n", [31, 33, 65])
@pytest.mark.parametrize("tile", [(32, 3), (32, 31), (64, 65)])
def test_sizes_that_no_tile_divides_equal_the_reference(n: int, tile: tuple[int, int]) -> None:
    compare(mfn.SimulationConfig(grid_size=n, steps=12, spike_probability=1.0), tile)


@pytest.mark.parametrize("tile", [None, (32, 16)], ids=["whole", "tiles"])
@pytest.mark.parametrize(
    "values",
    [
        {"turing_enabled": False},
        {"turing_enabled": False, "boundary": "dirichlet", "quantum_jitter": True},
        {"clamp_mv": (-71.0, -69.5)},
        {"turing_drive_mv": -40.0, "turing_threshold": 0.5},
        {"rest_potential_mv": -180.0, "clamp_mv": (-240.0, 40.0)},
        {"alpha": 0.0, "leak": 0.0},
        {"alpha": 0.0, "leak": 2.0},
        {"seed": 2**64 - 1, "spike_probability": 1.0},
    ],
    ids="-".join,
)
def test_every_part_of_the_potential_equals_the_reference(values: dict[str, Any], tile: Any) -> None:
    compare(mfn.SimulationConfig(**{"grid_size": 40, "steps": 20, **values}), tile)


def test_a_user_kinetics_equals_the_reference() -> None:
    values = {"linear": 0.05, "square": -0.05, "decay": 0.1}
    config = mfn.SimulationConfig(grid_size=20, steps=40, kinetics=probe().name, kinetics_parameters=values)
    compare(config)
    compare(config, (32, 9))


def test_large_grids_choose_tiles_and_threads_themselves() -> None:
    config = mfn.SimulationConfig(grid_size=520, steps=2, turing_threshold=0.5)
    simulation = mfn.Simulation(config)
    assert simulation._engine.tile is not None
    assert mfn.Simulation(quiet(grid_size=64))._engine.tile is None
    simulation.advance(2)
    assert_same_bits(simulation, Reference(config).advance(2))


@pytest.mark.parametrize("values", [{}, {"quantum_jitter": True, "boundary": "neumann"}, {"dtype": "float32"}])
@pytest.mark.parametrize("tile", [None, (32, 11)], ids=["whole", "tiles"])
def test_statistics_of_the_steps_are_those_of_the_history(values: dict[str, Any], tile: Any) -> None:
    config = mfn.SimulationConfig(**{"grid_size": 45, "steps": 30, "spike_probability": 1.0, **values})
    simulation = mfn.Simulation(config)
    if tile is not None:
        simulation._engine.use_tiles(tile)
    simulation.advance(config.steps)
    expected = step_statistics_of(mfn.simulate_history(config))
    np.testing.assert_array_equal(simulation.frame.step_statistics, expected)


def test_statistics_mean_what_they_say() -> None:
    config = mfn.SimulationConfig(grid_size=16, steps=9, spike_probability=1.0)
    history = mfn.simulate_history(config)
    change = np.diff(history, axis=0)
    found = mfn.simulate(config).step_statistics
    axes = (1, 2)
    np.testing.assert_allclose(found[:, 0], np.abs(change).sum(axes), rtol=1e-12)
    np.testing.assert_array_equal(found[:, 1], np.abs(change).max(axes))
    np.testing.assert_allclose(found[:, 2], change.sum(axes), rtol=1e-9)
    np.testing.assert_allclose(found[:, 3], (change**2).sum(axes), rtol=1e-12)


def blow_up(grid_size: int) -> mfn.SimulationConfig:
    return quiet(grid_size=grid_size, steps=50, kinetics=probe().name, kinetics_parameters={"square": 0.5})


@pytest.mark.parametrize("tile", [None, (32, 8)], ids=["whole", "tiles"])
def test_a_field_that_blows_up_says_at_which_step(tile: Any) -> None:
    config, reference = blow_up(12), Reference(blow_up(12))
    with np.errstate(all="ignore"):
        step = next(t for t in range(1, 50) if not np.isfinite(reference.advance(1).a).all())
    simulation = mfn.Simulation(config)
    if tile is not None:
        simulation._engine.use_tiles(tile)
    for _ in range(2):
        with pytest.raises(DivergedError, match=f"at step {step}: kinetics 'probe' .* diverges") as caught:
            simulation.advance(50)
        assert caught.value.step == simulation.step == step


def test_a_ramp_that_blows_up_says_with_which_parameters() -> None:
    ramp = mfn.Change(step=2, parameter="r_a", value=60.0, over=20)
    with pytest.raises(DivergedError, match="diverges") as caught:
        mfn.simulate(mfn.SimulationConfig(grid_size=16, steps=40, schedule=(ramp,)))
    used = mfn.SimulationConfig(steps=40, schedule=(ramp,)).parameters_at(caught.value.step - 1)["r_a"]
    assert used > 1
    assert f"'r_a': {used}," in str(caught.value)


def test_simulate_raises_what_the_engine_raises() -> None:
    with pytest.raises(DivergedError, match="is no longer finite at step"):
        mfn.simulate(blow_up(8))


@pytest.mark.parametrize("threads", [0, -1, 1.5, True, "2"])
def test_threads_are_a_whole_number(threads: Any) -> None:
    with pytest.raises(InvalidInputError, match="threads must be a whole number >= 1; got"):
        mfn.Simulation(quiet(grid_size=8), threads=threads)


def test_a_cancelled_error_carries_the_step() -> None:
    assert issubclass(CancelledError, mfn.MFNError)
