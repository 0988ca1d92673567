"""Checks of every kinetics: its rest, and steps of the engine against the equations in NumPy."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mycelium_fractal_net.fields import Simulation, SimulationConfig
from mycelium_fractal_net.fields.config import Boundary
from mycelium_fractal_net.validation.report import Check

__all__ = ["kinetics_checks"]

Array = NDArray[np.floating[Any]]
Reaction = Callable[[Array, Array], tuple[Array, Array]]

_STEPS = 3
_DRIVING = {"brusselator": 3.0, "gierer-meinhardt": 2.25, "gray-scott": 0.3, "schnakenberg": 1.5}
"""Activator above which a cell drives its potential: three quarters of the range."""

# Equations, diffusion, substeps and rest, written once more with the default parameters put in.
_EQUATIONS: dict[str, tuple[Reaction, tuple[float, float], int, tuple[float, float] | None]] = {
    "brusselator": (
        lambda a, h: (0.1 * (2.0 - 4.5 * a + a**2 * h), 0.1 * (3.5 * a - a**2 * h)),
        (0.2, 1.6), 8, (2.0, 1.75),
    ),
    "classic": (lambda a, h: (0.01 * (a - a**2 - h), 0.02 * (a - h)), (0.1, 0.05), 1, (0.0, 0.0)),
    "fitzhugh-nagumo": (
        lambda a, h: (0.26 * a * (a - 0.13) * (1 - a) - 0.1 * a * h, 0.013 * (a - h)),
        (0.6, 0.0), 3, (0.0, 0.0),
    ),
    "gierer-meinhardt": (
        lambda a, h: (0.1 * (a**2 / (h * (1 + 0.02 * a**2)) - a + 0.1), 0.1 * (a**2 - 1.2 * h)),
        (0.05, 2.0), 10, None,
    ),
    "gray-scott": (
        lambda a, h: (a**2 * h - 0.097 * a, 0.037 * (1 - h) - a**2 * h),
        (0.08, 0.16), 1, (0.0, 1.0),
    ),
    "mycelium": (
        lambda a, h: (0.25 * (4 * a * (1 - a) * (a - 0.5) - 1.1 * (h - 0.5)), 0.375 * (a - h)),
        (0.1, 2.0), 10, (0.5, 0.5),
    ),
    "schnakenberg": (
        lambda a, h: (0.1 * (0.1 - a + a**2 * h), 0.1 * (0.9 - a**2 * h)),
        (0.05, 2.0), 10, (1.0, 0.9),
    ),
}  # fmt: skip


def kinetics_checks(cancel: threading.Event | None = None) -> Iterator[Check]:  # noqa: ARG001 # every group's form
    """Yield the checks of the reactions, of the boundaries, and of the potential that they drive."""
    for name, (reaction, _, _, rest) in _EQUATIONS.items():
        yield _rest(name, reaction, rest)
        yield _steps(name, "periodic")
    for boundary in ("neumann", "dirichlet"):
        yield _steps("mycelium", boundary)


def _rest(name: str, reaction: Reaction, expected: tuple[float, float] | None) -> Check:
    """Compare the rest with the one solved by hand, or put it into the equations where there is none."""
    from mycelium_fractal_net.fields import linear_stability

    rest = linear_stability(name).steady_state
    rates = reaction(np.asarray(rest[0]), np.asarray(rest[1]))
    gaps = [abs(float(rate)) for rate in rates]
    gaps += [] if expected is None else [abs(got - known) for got, known in zip(rest, expected, strict=True)]
    return Check.number(f"rest of the {name} kinetics, distance", 0.0, max(gaps), 1e-9, "f = g = 0, by hand")


def _steps(name: str, boundary: Boundary) -> Check:
    config = SimulationConfig(
        kinetics=name, grid_size=20, steps=_STEPS, seed=5, spike_probability=0.0, boundary=boundary
    )
    simulation = Simulation(config)
    field = np.random.default_rng(6).uniform(-80.0, -40.0, (20, 20))
    low, high = config.model.activator_range
    spread = np.random.default_rng(7).uniform(0.05, 0.95, (2, 20, 20)) * (high - low) + low
    simulation.replace_fields(field_mv=field, activator=spread[0], inhibitor=spread[1] + 0.1)
    a, h, v = simulation.activator, simulation.inhibitor, simulation.field_mv
    simulation.advance(_STEPS)
    for _ in range(_STEPS):
        a, h, v = _numpy_step(name, boundary, a, h, v)
    pairs = ((simulation.activator, a), (simulation.inhibitor, h), (simulation.field_mv, v))
    error = max(float((np.abs(got - expected) / np.maximum(1.0, np.abs(expected))).max()) for got, expected in pairs)
    return Check.number(
        f"{_STEPS} steps of {name}, {boundary} edges, against NumPy", 0.0, error, 1e-11, "the equations, in NumPy"
    )


def _numpy_step(name: str, boundary: str, a: Array, h: Array, v: Array) -> tuple[Array, Array, Array]:
    """Advance by one step without event, written out from the equations."""
    reaction, (d_a, d_h), substeps, rest = _EQUATIONS[name]
    held = rest or (0.0, 0.0)
    for _ in range(substeps):
        f, g = reaction(a, h)
        a, h = (
            a + (d_a * _laplacian(a, boundary, held[0]) + f) / substeps,
            h + (d_h * _laplacian(h, boundary, held[1]) + g) / substeps,
        )
    drive = np.where(a > _DRIVING.get(name, 0.75), 5.0, 0.0)
    v = v + 0.18 * _laplacian(v, boundary, -70.0) + 0.1 * (-70.0 - v) + drive
    return a, h, np.clip(v, -95.0, 40.0)


def _laplacian(x: Array, boundary: str, held: float) -> Array:
    match boundary:
        case "periodic":
            p = np.pad(x, 1, mode="wrap")
        case "neumann":
            p = np.pad(x, 1, mode="edge")
        case _:
            p = np.pad(x, 1, constant_values=held)
    return p[:-2, 1:-1] + p[2:, 1:-1] + p[1:-1, :-2] + p[1:-1, 2:] - 4.0 * x
