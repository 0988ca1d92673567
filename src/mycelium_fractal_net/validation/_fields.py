"""Checks of the engine: against the equations, against NumPy, against itself."""

from __future__ import annotations

import math
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from mycelium_fractal_net.features import measure_wavelength
from mycelium_fractal_net.fields import Simulation, SimulationConfig, linear_stability, simulate
from mycelium_fractal_net.validation.report import Check

__all__ = ["field_checks"]

Array = NDArray[np.floating[Any]]

_QUIET: dict[str, Any] = {"spike_probability": 0.0, "turing_enabled": False, "leak": 0.0}


def field_checks(cancel: threading.Event | None = None) -> Iterator[Check]:
    """Yield the checks of stability analysis, time step, convergence, conservation and determinism."""
    yield from _stability()
    yield from _against_numpy()
    yield from _growth_rate()
    yield from _convergence()
    yield from _conservation(cancel)
    yield from _determinism()


def _stability() -> Iterator[Check]:
    report = linear_stability("mycelium")
    f_a, f_h, g_a, g_h = 0.25, -0.275, 0.375, -0.375
    d_a, d_h = 0.1, 2.0
    root = (d_a + d_h) * math.sqrt(-f_h * g_a / (d_a * d_h))
    analytic = 2 * math.pi / math.sqrt((root + g_h - f_a) / (d_h - d_a))
    yield Check.number(
        "fastest wavelength of the default kinetics, in cells", analytic, report.wavelength_cells, 1e-9,
        "closed form; Murray 2003, doi:10.1007/b98869, section 2.3",
    )  # fmt: skip
    result = simulate(SimulationConfig(grid_size=128, steps=40, seed=7))
    yield Check.number(
        "wavelength measured over wavelength predicted", 1.0,
        measure_wavelength(result.activator) / report.wavelength_lattice_cells, 0.1,
        "linear stability on the lattice; 128 x 128 cells, 40 steps",
    )  # fmt: skip
    classic = linear_stability("classic").turing_unstable
    yield Check.same("the circulating parameters form no pattern", "False", str(classic), "Turing 1952")


def _laplacian(x: Array) -> Array:
    vertical = np.roll(x, 1, 0) + np.roll(x, -1, 0)
    return (vertical + (np.roll(x, 1, 1) + np.roll(x, -1, 1))) - 4 * x


def _numpy_step(a: Array, h: Array, v: Array) -> tuple[Array, Array, Array]:
    """Advance the default model by one step without event, written out from the equations."""
    dt = 0.1
    for _ in range(10):
        f = 0.25 * (4 * a * (1 - a) * (a - 0.5) - 1.1 * (h - 0.5) + 0.0)
        g = 0.375 * (a - h)
        a, h = a + (dt * 0.1 * _laplacian(a) + dt * f), h + (dt * 2.0 * _laplacian(h) + dt * g)
    v = v + (0.18 * _laplacian(v) + 0.1 * (-70.0 - v)) + np.where(a > 0.75, 5.0, 0.0)
    return a, h, np.clip(v, -95.0, 40.0)


def _against_numpy() -> Iterator[Check]:
    simulation = Simulation(SimulationConfig(grid_size=24, steps=12, seed=3, spike_probability=0.0))
    a, h, v = simulation.activator, simulation.inhibitor, simulation.field_mv
    simulation.advance(12)
    for _ in range(12):
        a, h, v = _numpy_step(a, h, v)
    pairs = ((simulation.activator, a), (simulation.inhibitor, h), (simulation.field_mv, v))
    error = max(float(np.abs(got - expected).max()) for got, expected in pairs)
    yield Check.number("largest difference from NumPy after 12 steps", 0.0, error, 1e-12, "the equations, in NumPy")


def _growth_rate() -> Iterator[Check]:
    n, wave, size = 32, 3, 1e-8
    simulation = Simulation(SimulationConfig(grid_size=n, steps=10, spike_probability=0.0))
    shape = np.cos(2 * np.pi * wave * np.arange(n) / n)[:, None] * np.ones(n)
    symbol = 2 - 2 * math.cos(2 * math.pi * wave / n)
    matrix = np.array([[0.25 - 0.1 * symbol, -0.275], [0.375, -0.375 - 2.0 * symbol]])
    values, vectors = np.linalg.eig(matrix)
    fastest = int(values.real.argmax())
    direction = vectors[:, fastest].real
    simulation.replace_fields(activator=0.5 + size * direction[0] * shape, inhibitor=0.5 + size * direction[1] * shape)
    simulation.advance(10)
    amplitude = 2 * float(((simulation.activator - 0.5) * shape).mean()) / direction[0] / size
    expected = (1 + 0.1 * float(values[fastest].real)) ** 100
    yield Check.number(
        "growth of one mode in 10 steps, over the dispersion relation's", 1.0, amplitude / expected, 1e-6,
        "eigenvalue of J - s D with the lattice symbol, explicit Euler",
    )  # fmt: skip


def _decay(alpha: float, steps: int, waves: int, boundary: Literal["periodic", "dirichlet"] = "periodic") -> float:
    """Return by which factor the potential's diffusion shrinks a wave on 64 x 64 cells."""
    n = 64
    wave = np.cos(2 * np.pi * waves * np.arange(n) / n)[:, None] * np.ones(n)
    config = SimulationConfig(grid_size=n, steps=steps, alpha=alpha, boundary=boundary, **_QUIET)
    field = simulate(config, -20.0 + 30.0 * wave).field_mv
    return 2 * float(((field + 20.0) * wave).mean()) / 30.0


def _convergence() -> Iterator[Check]:
    errors = []
    for waves in (4, 2):
        k = 2 * math.pi * waves / 64
        errors.append(abs((1 - _decay(0.1, 1, waves)) / (0.1 * k * k) - 1))
    yield Check.number("order of convergence in space", 2.0, math.log2(errors[0] / errors[1]), 0.05, "heat equation")
    symbol = 2 - 2 * math.cos(2 * math.pi * 8 / 64)
    errors = [abs(_decay(0.2 / n, n, 8) - math.exp(-0.2 * symbol)) for n in (2, 4)]
    yield Check.number("order of convergence in time", 1.0, math.log2(errors[0] / errors[1]), 0.05, "heat equation")


def _conservation(cancel: threading.Event | None) -> Iterator[Check]:
    field = np.random.default_rng(5).uniform(-60.0, 20.0, (48, 48))
    for boundary in ("periodic", "neumann"):
        config = SimulationConfig(grid_size=48, steps=50, boundary=boundary, **_QUIET)
        drift = float(simulate(config, field).field_mv.mean() - field.mean())
        yield Check.number(f"drift of the mean by diffusion, {boundary}, in mV", 0.0, drift, 1e-10, "conservation")
    config = SimulationConfig(grid_size=48, steps=4000, boundary="dirichlet", **_QUIET)
    rest = float(np.abs(simulate(config, field, cancel=cancel).field_mv + 70.0).max())
    yield Check.number(
        "distance from the held border's potential, in mV", 0.0, rest, 1.0, "heat equation, held at rest"
    )


def _determinism() -> Iterator[Check]:
    config = SimulationConfig(grid_size=160, steps=12, quantum_jitter=True)
    once = simulate(config, threads=1).digest
    yield Check.same("two threads give the same bits", once, simulate(config, threads=2).digest, "one thread")
    simulation = Simulation(config, threads=1)
    simulation.advance(5)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "checkpoint"
        simulation.save(path)
        resumed = Simulation.load(path)
    resumed.advance(7)
    yield Check.same("a resumed run gives the same bits", once, resumed.result.digest, "an uninterrupted run")
    digest = simulate(SimulationConfig()).digest
    yield Check.same("digest of the default simulation", GOLDEN_DIGEST, digest, "pinned; equal on every processor")


GOLDEN_DIGEST = "792cb215d233ab440b40882f6581fc98f7a497d2c10d1d6092a1bb29aef7c861"
"""Digest of the default simulation; a change of it is a change of the model."""
