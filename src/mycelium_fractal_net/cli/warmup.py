"""``mfn warmup``."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from itertools import product
from typing import Annotated

import numpy as np
import typer

from mycelium_fractal_net.cli._console import print_json, progress_bar
from mycelium_fractal_net.features import extract_features
from mycelium_fractal_net.fields import SimulationConfig, list_kinetics, simulate
from mycelium_fractal_net.fractals import box_counting_dimension, generate_ifs, lacunarity

__all__ = ["warmup"]

_SMALL, _TILED = 16, 600


def warmup(
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Compile every kernel now and keep the machine code on disk, so that the first use is quick."""
    begun = time.perf_counter()
    jobs = list(_jobs())
    with progress_bar("compiling", quiet=as_json) as report:
        for done, job in enumerate(jobs):
            report(done, len(jobs))
            job()
    seconds = time.perf_counter() - begun
    if as_json:
        print_json({"jobs": len(jobs), "seconds": round(seconds, 3)})
    else:
        typer.echo(f"kernels are compiled and cached ({len(jobs)} jobs, {seconds:.1f} s)")


def _jobs() -> Iterator[Callable[[], object]]:
    """Yield calls that between them reach every kernel of the engine and of the features."""
    for name, dtype in product(list_kinetics(), ("float64", "float32")):
        yield lambda name=name, dtype=dtype: _simulate(name, dtype, _SMALL)
    yield lambda: _simulate("mycelium", "float64", _TILED)
    yield lambda: _simulate("mycelium", "float32", _TILED)
    noise = np.random.default_rng(0).normal(-60.0, 5.0, (4, 32, 32))
    yield lambda: extract_features(noise)
    yield lambda: extract_features(noise[-1], periodic=False)
    for method, periodic in product(("cover", "aligned"), (True, False)):
        yield lambda method=method, periodic=periodic: box_counting_dimension(
            noise[0] > -60.0, method=method, periodic=periodic
        )
    yield lambda: lacunarity(noise[0] > -60.0, [2, 4])
    yield generate_ifs


def _simulate(kinetics: str, dtype: str, grid_size: int) -> object:
    settings = {"kinetics": kinetics, "dtype": dtype, "grid_size": grid_size, "steps": 2}
    quiet = simulate(SimulationConfig(**settings))
    noisy = simulate(SimulationConfig(**settings, quantum_jitter=True))
    return quiet.features, noisy.features
