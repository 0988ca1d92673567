import math
import threading
from typing import Any

import numpy as np
import pytest

from mycelium_fractal_net.dynamics import lyapunov_exponent
from mycelium_fractal_net.errors import CancelledError, InvalidInputError
from mycelium_fractal_net.fields import SimulationConfig

QUIET: dict[str, Any] = {"spike_probability": 0.0}
IN_VOLTS: dict[str, Any] = {"rest_potential_mv": -0.07, "clamp_mv": (-0.095, 0.04), "turing_drive_mv": 0.005}


def slowest_mode(alpha: float, leak: float, size: int) -> float:
    """Logarithm of the largest factor by which diffusion and leak multiply a wave on a torus."""
    waves = 2 - 2 * np.cos(2 * np.pi * np.arange(size) / size)
    factors = 1 - leak - alpha * (waves[:, None] + waves[None, :])
    return float(np.log(np.abs(factors).max()))


@pytest.mark.parametrize(("alpha", "leak"), [(0.18, 0.1), (0.18, 0.3), (0.0, 0.5), (0.05, 0.02), (0.01, 1.7)])
def test_the_potential_alone_decays_as_its_slowest_mode(alpha: float, leak: float) -> None:
    config = SimulationConfig(grid_size=12, turing_enabled=False, alpha=alpha, leak=leak)
    assert lyapunov_exponent(config, steps=300) == pytest.approx(slowest_mode(alpha, leak, 12), abs=2e-3)


@pytest.mark.parametrize(("preset", "seed"), [("spots", 1), ("spots", 2), ("labyrinth", 42), ("net", 1)])
def test_a_settled_pattern_forgets_a_disturbance(preset: str, seed: int) -> None:
    config = SimulationConfig.preset(preset, grid_size=24, seed=seed)
    assert -0.02 < lyapunov_exponent(config) < 0.0


def test_a_pattern_that_still_forms_amplifies_one() -> None:
    config = SimulationConfig(grid_size=24, seed=5)
    assert lyapunov_exponent(config, settle_steps=0, steps=100) > lyapunov_exponent(config)


def test_events_and_jitter_reach_both_twins_alike() -> None:
    loud = SimulationConfig(grid_size=16, spike_probability=1.0, quantum_jitter=True, turing_enabled=False)
    assert lyapunov_exponent(loud, steps=300) == pytest.approx(math.log(0.9), abs=2e-3)


def test_the_unit_of_the_potential_does_not_matter() -> None:
    in_mv = lyapunov_exponent(SimulationConfig(grid_size=16, **QUIET), steps=200)
    in_v = lyapunov_exponent(SimulationConfig(grid_size=16, **QUIET, **IN_VOLTS), steps=200)
    assert in_v == pytest.approx(in_mv, rel=1e-6)


def test_equal_arguments_give_equal_bits() -> None:
    config = SimulationConfig(grid_size=16)
    assert lyapunov_exponent(config, steps=50) == lyapunov_exponent(config, steps=50)


def test_what_one_step_wipes_out_has_minus_infinity() -> None:
    config = SimulationConfig(grid_size=8, turing_enabled=False, alpha=0.0, leak=1.0, **QUIET)
    assert lyapunov_exponent(config, steps=5) == -math.inf


def test_a_measurement_can_be_cancelled() -> None:
    cancel = threading.Event()
    cancel.set()
    with pytest.raises(CancelledError, match="cancelled at step 0"):
        lyapunov_exponent(SimulationConfig(grid_size=16), cancel=cancel)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"config": {"grid_size": 16}}, "config must be a SimulationConfig; got dict"),
        ({"steps": 0}, "steps must be a whole number >= 1"),
        ({"settle_steps": -1}, "settle_steps must be a whole number >= 0"),
        ({"seed": 1.5}, "seed must be a whole number >= 0"),
    ],
)
def test_unusable_arguments_are_refused(arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(InvalidInputError, match=message):
        lyapunov_exponent(**({"config": SimulationConfig(grid_size=8)} | arguments))
