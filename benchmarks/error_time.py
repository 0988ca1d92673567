"""Error against time of one problem, beside exponax and py-pde in one run: ``python -m benchmarks.error_time``.

Gray and Scott's reaction from smooth patches on a torus of 128 x 128 units, 200 units of time. The error is the root
mean square of the activator's deviation, over its range, from a spectral solution of fourth order on 256 x 256 points
with a step of 1/4. Every program runs in one thread, is compiled before it is timed, and gets the best of three;
processor seconds, so that other programs matter little. The potential, which the others lack, is computed too. Needs
the extra ``peers``.
"""

from __future__ import annotations

import os

# Read by JAX when it is imported: one thread, and numbers of 64 bits.
os.environ["XLA_FLAGS"] = "--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1"
os.environ["JAX_ENABLE_X64"] = "1"
os.environ["OMP_NUM_THREADS"] = "1"

import argparse
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from time import process_time
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

import mycelium_fractal_net as mfn

Array = NDArray[np.float64]

UNITS, TIME, SHARED = 128, 200, 64
FEED, KILL, D_A, D_H = 0.037, 0.06, 0.08, 0.16


class Run(NamedTuple):
    """A program with its settings, and what computes the activator on ``cells`` x ``cells`` points."""

    program: str
    settings: str
    cells: int
    compute: Callable[[Array, Array], Array]


def start(cells: int) -> tuple[Array, Array]:
    """Return smooth patches at the points j UNITS / cells."""
    place = np.arange(cells) * UNITS / cells
    bumps = np.zeros((cells, cells))
    for row, column in ((30, 40), (80, 20), (64, 90), (105, 70), (20, 100)):
        down, across = (np.sin(np.pi * (place - centre) / UNITS) * UNITS / np.pi for centre in (row, column))
        bumps += np.exp(-(down[:, None] ** 2 + across[None, :] ** 2) / (2 * 5.0**2))
    return 0.3 * bumps, 1.0 - 0.5 * bumps


def ours(resolution: int, stencil: Any, scheme: Any, substeps: int | None = None) -> Run:
    more: dict[str, Any] = {} if substeps is None else {"least_substeps": substeps}
    config = mfn.SimulationConfig(
        kinetics="gray-scott", kinetics_parameters={"feed": FEED, "kill": KILL, "D_a": D_A, "D_h": D_H},
        grid_size=UNITS * resolution, resolution=resolution, stencil=stencil, scheme=scheme, steps=TIME,
        start="array", spike_probability=0.0, **more,
    )  # fmt: skip

    def compute(a: Array, h: Array) -> Array:
        result = mfn.simulate(config, threads=1, initial_activator=a, initial_inhibitor=h)
        return np.asarray(result.activator, np.float64)

    told = f"{scheme}, {stencil} points, {config.substeps} substeps"
    return Run("MyceliumFractalNet", told, UNITS * resolution, compute)


def exponax_run(cells: int, step: float, order: int) -> Run:
    import exponax
    import jax
    import jax.numpy as jnp

    stepper = exponax.stepper.reaction.GrayScott(
        2, UNITS, cells, step, diffusivity_1=D_H, diffusivity_2=D_A, feed_rate=FEED, kill_rate=KILL, order=order
    )
    advance = jax.jit(exponax.repeat(stepper, round(TIME / step)))

    def compute(a: Array, h: Array) -> Array:
        return np.asarray(advance(jnp.stack([h, a]))[1])

    return Run("exponax", f"ETDRK{order}, step {step:g}", cells, compute)


def pde_run(cells: int, step: float) -> Run:
    import pde

    pde.config["backend.numba.multithreading"] = "never"
    grid = pde.CartesianGrid([[0, UNITS], [0, UNITS]], cells, periodic=True)
    rates = {
        "a": f"{D_A} * laplace(a) + a**2 * h - {FEED + KILL} * a",
        "h": f"{D_H} * laplace(h) - a**2 * h + {FEED} * (1 - h)",
    }
    solver = pde.EulerSolver(pde.PDE(rates, bc="periodic"), backend="numba")
    made: dict[str, Any] = {}

    def compute(a: Array, h: Array) -> Array:
        state = pde.FieldCollection([pde.ScalarField(grid, each) for each in (a, h)], labels=["a", "h"])
        if not made:  # compiled for the first call
            made["stepper"] = solver.make_stepper(state, dt=step)
        made["stepper"](state, 0.0, float(TIME))
        return np.asarray(state[0].data)

    return Run("py-pde", f"euler, 5 points, step {step:g}", cells, compute)


def every() -> Iterator[Run]:
    """Yield what is compared."""
    yield ours(1, 5, "euler")
    yield ours(1, 9, "euler")
    yield ours(1, 9, "euler", 4)
    yield ours(1, 9, "heun")
    yield ours(2, 5, "euler")
    yield ours(2, 9, "euler")
    yield ours(2, 9, "heun")
    yield ours(2, 9, "exponential")
    yield ours(4, 9, "euler")
    yield ours(4, 9, "exponential")
    for cells, step, order in (
        (64, 1.0, 2),
        (128, 2.0, 2),
        (128, 1.0, 2),
        (128, 0.5, 2),
        (128, 1.0, 4),
        (192, 1.0, 2),
        (256, 1.0, 2),
    ):
        yield exponax_run(cells, step, order)
    yield pde_run(128, 1.0)
    yield pde_run(256, 0.25)


def shared(activator: Array) -> Array:
    every_other = len(activator) // SHARED
    return activator[::every_other, ::every_other]


def timed(run: Run, repeats: int) -> tuple[Array, float]:
    """Return the activator, and the least processor seconds of some runs after the one that compiles."""
    pair = start(run.cells)
    found, best = run.compute(*pair), np.inf
    for _ in range(repeats):
        begun = process_time()
        run.compute(*pair)
        best = min(best, process_time() - begun)
    return found, best


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--out", type=Path, default=Path("error-time.json"))
    options = parser.parse_args()
    exact = shared(timed(exponax_run(256, 0.25, 4), 0)[0])
    check = shared(timed(exponax_run(256, 0.5, 4), 0)[0])
    span = float(np.ptp(exact))
    print(f"the reference changes by {np.sqrt(np.mean((check - exact) ** 2)) / span:.1e} when its step is doubled\n")
    print("| program | settings | points | error (rms of the range) | processor time (s) |\n|---|---|---|---|---|")
    rows = []
    for run in every():
        found, seconds = timed(run, options.repeats)
        error = float(np.sqrt(np.mean((shared(found) - exact) ** 2)) / span)
        rows.append({**run._asdict(), "error": error, "seconds": seconds})
        del rows[-1]["compute"]
        print(f"| {run.program} | {run.settings} | {run.cells}² | {error:.1e} | {seconds:.3f} |", flush=True)
    options.out.write_text(json.dumps({"time": TIME, "units": UNITS, "runs": rows}, indent=1) + "\n")


if __name__ == "__main__":
    main()
