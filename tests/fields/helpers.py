"""What the tests of the engine share: starts of one's own, states side by side, a kinetics of known solutions."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

import mycelium_fractal_net as mfn
from mycelium_fractal_net.fields import Kinetics, get_kinetics, kinetics, list_kinetics
from tests.fields.reference import Reference

Field = NDArray[np.floating[Any]]


def probe() -> Kinetics:
    """Return a kinetics of known solutions: heat alone by default, growth, decay and blow-up by its parameters."""
    if "probe" in list_kinetics():
        return get_kinetics("probe")

    @kinetics("probe", diffusion=(0.2, 0.1), steady_guess=(0.0, 0.0), start=(1.0, 0.0), noise=0.1)
    def rates(a: Any, h: Any, linear: float = 0.0, square: float = 0.0, decay: float = 0.0) -> tuple[Any, Any]:
        return linear * a + square * a * a, -decay * h

    return rates


def quiet(**values: Any) -> mfn.SimulationConfig:
    """Return a configuration without growth events."""
    return mfn.SimulationConfig(**{"spike_probability": 0.0, **values})


def started(config: mfn.SimulationConfig, **fields: ArrayLike) -> mfn.Simulation:
    """Return a simulation that starts from given fields."""
    simulation = mfn.Simulation(config)
    simulation.replace_fields(**fields)
    return simulation


def use_tiles(simulation: mfn.Simulation, tile: tuple[int, int] | None) -> mfn.Simulation:
    """Let a simulation advance in tiles of (rows, columns), or as a whole."""
    if tile is not None:
        simulation._engine.use_tiles(tile)
    return simulation


def assert_same_bits(simulation: mfn.Simulation, reference: Reference) -> None:
    """Compare every field and counter of a simulation with those of the reference model."""
    frame = simulation.frame
    np.testing.assert_array_equal(frame.activator, reference.a)
    np.testing.assert_array_equal(frame.inhibitor, reference.h)
    np.testing.assert_array_equal(frame.field_mv, reference.v)
    assert frame.field_mv.dtype == frame.activator.dtype == np.dtype(simulation.config.dtype)
    counters = (frame.growth_events, frame.turing_activations, frame.clamping_events)
    assert counters == (reference.events, reference.activations, reference.clampings)


def symbol(kx: float, ky: float) -> float:
    """Return what the lattice has for k**2."""
    return float(4 - 2 * np.cos(kx) - 2 * np.cos(ky))


def mode(n: int, rows: int, columns: int) -> Field:
    """Return a plane wave with so many periods along rows and columns, (n, n)."""
    i, j = np.indices((n, n))
    return np.asarray(np.cos(2 * np.pi * (rows * i + columns * j) / n))
