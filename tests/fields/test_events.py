from functools import cache
from typing import Any

import numpy as np
import pytest
from scipy import stats

import mycelium_fractal_net as mfn
from tests.fields.helpers import Field

STEPS = 3000


@cache
def kicks(turing_enabled: bool = False, seed: int = 5) -> Field:
    """Return the change of the potential in each step when nothing but events changes it, (STEPS, N, N) mV."""
    config = mfn.SimulationConfig(
        grid_size=6, steps=STEPS, seed=seed, alpha=0.0, leak=0.0, spike_probability=1.0,
        turing_enabled=turing_enabled, rest_potential_mv=-900.0, clamp_mv=(-1000.0, 1000.0),
    )  # fmt: skip
    simulation = mfn.Simulation(config)
    changes = []
    for frame in simulation.frames():
        changes.append(frame.field_mv)
        simulation.replace_fields(field_mv=np.full((6, 6), -900.0))
    return np.stack(changes)[1:] + 900.0


@pytest.mark.parametrize("probability", [0.0, 0.01, 0.25, 0.9, 1.0])
def test_events_come_at_the_rate_that_was_asked_for(probability: float) -> None:
    config = mfn.SimulationConfig(grid_size=4, steps=4000, spike_probability=probability, turing_enabled=False)
    count = mfn.simulate(config).growth_events
    low, high = stats.binom.ppf([1e-6, 1 - 1e-6], 4000, probability)
    assert max(low, 0) <= count <= high


def test_an_event_changes_one_cell() -> None:
    assert np.array_equal(np.count_nonzero(kicks(), axis=(1, 2)), np.ones(STEPS - 1))


def test_amplitudes_are_normal_with_mean_20_and_deviation_5_mv() -> None:
    amplitudes = kicks().sum(axis=(1, 2))
    assert stats.kstest(amplitudes, "norm", args=(20.0, 5.0)).pvalue > 1e-3


def test_without_living_cells_every_cell_is_as_likely() -> None:
    counts = np.count_nonzero(kicks(), axis=0)
    assert counts.sum() == STEPS - 1
    assert stats.chisquare(counts.ravel()).pvalue > 1e-3


def test_every_living_cell_is_as_likely_and_no_other_is_hit() -> None:
    config = mfn.SimulationConfig(
        grid_size=12, steps=4000, alpha=0.0, leak=0.0, spike_probability=1.0, turing_drive_mv=0.0,
        kinetics_parameters={"r_a": 0.0, "r_h": 0.0, "D_a": 0.0, "D_h": 0.0}, clamp_mv=(-100.0, 1000.0),
    )  # fmt: skip
    living = np.zeros((12, 12), dtype=bool)
    living[2:5, 3:11] = living[11, 0] = True
    simulation = mfn.Simulation(config)
    simulation.replace_fields(activator=np.where(living, 0.9, 0.1))
    counts = np.zeros((12, 12), dtype=int)
    for frame in simulation.frames():
        counts += frame.field_mv != -70.0
        simulation.replace_fields(field_mv=np.full((12, 12), -70.0))
        if frame.step == 1:
            counts[:] = 0
    assert not counts[~living].any()
    assert stats.chisquare(counts[living]).pvalue > 1e-3


@pytest.mark.parametrize("tile", [None, (32, 8)], ids=["whole", "tiles"])
def test_events_strike_before_the_pair_moves(tile: Any) -> None:
    config = mfn.SimulationConfig(
        grid_size=20, steps=1, spike_probability=1.0, alpha=0.0, leak=0.0, turing_drive_mv=0.0
    )
    simulation = mfn.Simulation(config)
    activator = np.full((20, 20), 0.1)
    activator[7, 9] = 0.7501
    simulation.replace_fields(activator=activator, inhibitor=np.full((20, 20), 0.9), field_mv=np.full((20, 20), -70.0))
    if tile is not None:
        simulation._engine.use_tiles(tile)
    simulation.advance(1)
    assert simulation.activator[7, 9] < 0.75
    assert np.argwhere(simulation.field_mv != -70.0).tolist() == [[7, 9]]


def test_jitter_has_the_deviation_that_was_asked_for() -> None:
    config = mfn.SimulationConfig(
        grid_size=128, steps=1, alpha=0.0, leak=0.0, spike_probability=0.0, turing_enabled=False,
        quantum_jitter=True, jitter_std_mv=0.8,
    )  # fmt: skip
    history = mfn.simulate_history(config)
    noise = (history[1] - history[0]).ravel()
    assert stats.kstest(noise, "norm", args=(0.0, 0.8)).pvalue > 1e-3


def test_the_drive_lifts_living_cells_only() -> None:
    config = mfn.SimulationConfig(
        grid_size=8, steps=1, alpha=0.0, leak=0.0, spike_probability=0.0, turing_drive_mv=7.0,
        kinetics_parameters={"r_a": 0.0, "r_h": 0.0, "D_a": 0.0, "D_h": 0.0},
    )  # fmt: skip
    simulation = mfn.Simulation(config)
    living = np.indices((8, 8)).sum(0) % 3 == 0
    simulation.replace_fields(activator=np.where(living, 0.76, 0.74), field_mv=np.full((8, 8), -70.0))
    simulation.advance(1)
    np.testing.assert_array_equal(simulation.field_mv, np.where(living, -63.0, -70.0))
    assert simulation.frame.turing_activations == living.sum()
