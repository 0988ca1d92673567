"""What the lattice and the substep cost in accuracy: ``python -m benchmarks.refinement`` prints three tables.

In time, in space, and in direction: how far stripes turn towards the axes of the lattice.
"""

from __future__ import annotations

from time import perf_counter
from typing import Any

import numpy as np

import mycelium_fractal_net as mfn

UNITS, STEPS, SEEDS = 64, 600, (1, 2, 3)
KINETICS = ("mycelium", "schnakenberg", "brusselator", "gierer-meinhardt")


def settled(kinetics: str, seed: int, resolution: int, stencil: Any) -> tuple[float, Any]:
    """Return the settled wavelength in units, and the activator averaged over units."""
    config = mfn.SimulationConfig(
        kinetics=kinetics, grid_size=UNITS * resolution, resolution=resolution, stencil=stencil, steps=STEPS, seed=seed
    )
    activator = mfn.simulate(config).activator
    wavelength = mfn.measure_wavelength(activator, periodic=True) / resolution
    return wavelength, activator.reshape(UNITS, resolution, UNITS, resolution).mean(axis=(1, 3))


def refine() -> None:
    print("| kinetics | cells a unit | points | settled wavelength (units) | correlation with the next finer |")
    print("|---|---|---|---|---|")
    for kinetics in KINETICS:
        fine = {seed: settled(kinetics, seed, 2, 9) for seed in SEEDS}
        for resolution, stencil in ((1, 5), (1, 9), (2, 5), (2, 9)):
            found = [settled(kinetics, seed, resolution, stencil) for seed in SEEDS]
            same = [np.corrcoef(f[1].ravel(), fine[s][1].ravel())[0, 1] for f, s in zip(found, SEEDS, strict=True)]
            wavelengths = [each[0] for each in found]
            told = f"{np.mean(wavelengths):.2f} +- {np.std(wavelengths):.2f}"
            print(f"| {kinetics} | {resolution} | {stencil} | {told} | {np.mean(same):.3f} |", flush=True)


def in_time() -> None:
    """Print the error of schemes after 60 steps of growth, and their time, beside Heun's with 320 substeps."""
    settings: dict[str, Any] = {"grid_size": 128, "steps": 60, "spike_probability": 0.0, "seed": 1}
    exact = mfn.simulate(mfn.SimulationConfig(scheme="heun", least_substeps=320, **settings)).activator
    print("| scheme | substeps | error of the activator (rms) | time (s) |")
    print("|---|---|---|---|")
    for scheme, counts in (("euler", (10, 20, 40, 80)), ("heun", (10, 20, 40)), ("exponential", (2, 4, 8, 16))):
        for substeps in counts:
            config = mfn.SimulationConfig(scheme=scheme, least_substeps=substeps, **settings)  # type: ignore[arg-type]
            mfn.simulate(config.model_copy(update={"steps": 1}))
            begin = perf_counter()
            activator = mfn.simulate(config, threads=1).activator
            spent = perf_counter() - begin
            error = float(np.sqrt(np.mean((activator - exact) ** 2)))
            print(f"| {scheme} | {config.substeps} | {error:.2e} | {spent:.2f} |", flush=True)


def in_direction() -> None:
    """Print <cos 4 theta> of the settled activator's power: 0 for stripes in all directions, 1 along the axes."""
    print("| cells a unit | points | <cos 4 theta> at step 2000 | runs |")
    print("|---|---|---|---|")
    stencil: Any
    for resolution, stencil, runs in ((1, 5, 16), (1, 9, 16), (2, 5, 8), (2, 9, 8)):
        found = []
        for seed in range(runs):
            config = mfn.SimulationConfig(
                grid_size=UNITS * resolution, resolution=resolution, stencil=stencil, steps=2000, seed=seed,
                spike_probability=0.0,
            )  # fmt: skip
            result = mfn.simulate(config, sets="activator")
            found.append(result.features.a_anisotropy_4)
        error = np.std(found, ddof=1) / np.sqrt(runs)
        print(f"| {resolution} | {stencil} | {np.mean(found):.3f} +- {error:.3f} | {runs} |", flush=True)


if __name__ == "__main__":
    in_time()
    refine()
    in_direction()
