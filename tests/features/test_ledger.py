"""Leak, push and events, read from the sum of the potential."""

from typing import Any

import numpy as np
import pytest

import mycelium_fractal_net as mfn
from mycelium_fractal_net.features._ledger import read_ledger


def changes(leak: float, push: float, rate: float, living: np.ndarray, seed: int) -> np.ndarray:
    """Return the changes of a sum that leaks, is pushed by living cells and jumps now and then."""
    draw, sums = np.random.default_rng(seed), [300.0]
    for count in living:
        jump = draw.normal(20.0, 5.0) if draw.random() < rate else 0.0
        sums.append((1.0 - leak) * (sums[-1] + jump) + push * count)
    return np.diff(sums)


def growing(steps: int, seed: int) -> np.ndarray:
    return np.cumsum(np.random.default_rng(seed).poisson(np.linspace(0.0, 4.0, steps)))


@pytest.mark.parametrize("rate", [0.0, 0.2, 0.5])
@pytest.mark.parametrize(("leak", "push"), [(0.05, 2.3), (0.1, 5.0), (0.19, 7.7), (0.1, -4.0)])
def test_leak_and_push_come_back_to_many_digits(leak: float, push: float, rate: float) -> None:
    found = read_ledger(changes(leak, push, rate, growing(160, 3), 5))
    assert found.leak == pytest.approx(leak, rel=1e-6)
    assert found.push_mv == pytest.approx(abs(push), rel=1e-6)
    assert found.event_rate == pytest.approx(rate, abs=0.12)


def test_without_living_cells_there_is_no_push() -> None:
    found = read_ledger(changes(0.1, 5.0, 0.3, np.zeros(150), 1))
    assert found.leak == pytest.approx(0.1, rel=1e-6)
    assert np.isnan(found.push_mv)
    assert found.event_rate == pytest.approx(0.3, abs=0.12)


@pytest.mark.parametrize("series", [np.zeros(50), np.ones(2), np.empty(0), np.random.default_rng(2).normal(size=90)])
def test_what_does_not_balance_has_no_numbers(series: np.ndarray) -> None:
    assert np.isnan(read_ledger(series)).all()


@pytest.mark.parametrize("boundary", ["periodic", "neumann"])
def test_a_run_shows_what_it_was_told(boundary: Any) -> None:
    told: dict[str, Any] = {"leak": 0.12, "turing_drive_mv": 4.3, "spike_probability": 0.2}
    result = mfn.simulate(mfn.SimulationConfig(grid_size=48, steps=120, boundary=boundary, **told), sets="events")
    assert result.features.leak == pytest.approx(0.12, rel=1e-6)
    assert result.features.push == pytest.approx(4.3, rel=1e-6)
    assert result.features.event_rate == pytest.approx(result.growth_events / 120, abs=0.03)


def test_the_first_step_shows_leak_and_exchange() -> None:
    config = mfn.SimulationConfig(grid_size=128, steps=1, alpha=0.15, leak=0.08, spike_probability=0.0)
    found = mfn.simulate(config, sets="events").features
    assert found.exchange_1 == pytest.approx(0.15, rel=0.03)
    assert found.loss_1 == pytest.approx(0.08 + 4 * 0.15, rel=0.03)


@pytest.mark.parametrize(
    "settings",
    [
        {"dtype": "float32"},
        {"quantum_jitter": True},
        {"boundary": "dirichlet"},
        {"clamp_mv": (-80.0, -60.0)},
        {"spike_probability": 1.0},
        {"turing_enabled": False},
        {"kinetics": "fitzhugh-nagumo", "start": "spiral"},
        {"kinetics": "gray-scott"},
        {"rest_potential_mv": -180.0, "clamp_mv": (-240.0, 40.0)},
    ],
)
def test_what_does_not_balance_says_so_rather_than_guess(settings: dict[str, Any]) -> None:
    """Online, after every stretch: leak and push are those told, or none; cells that live at once push as one."""
    config = mfn.SimulationConfig(grid_size=32, steps=120, leak=0.12, turing_drive_mv=4.3, seed=3, **settings)
    for frame in mfn.Simulation(config, sets="events").frames(every=24):
        found = frame.features
        assert not np.isinf(found.to_array()).any()
        assert np.isnan(found.leak) or found.leak == pytest.approx(0.12, rel=1e-3)
        together = found.push / 4.3
        assert np.isnan(together) or (together > 0.9 and together == pytest.approx(round(together), rel=1e-3))
        assert np.isnan(found.event_rate) or 0 <= found.event_rate <= 1
