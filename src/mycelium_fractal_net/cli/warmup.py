"""``mfn warmup``."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from itertools import product
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import typer

from mycelium_fractal_net import federated
from mycelium_fractal_net._compiled.places import kernel_directory, places_of
from mycelium_fractal_net._compiled.processor import LEVELS, levels
from mycelium_fractal_net.cli._console import print_json, progress_bar
from mycelium_fractal_net.errors import InvalidInputError
from mycelium_fractal_net.features import extract_features
from mycelium_fractal_net.fields import SimulationConfig, list_kinetics, simulate
from mycelium_fractal_net.fractals import box_counting_dimension, generate_ifs, lacunarity

__all__ = ["warmup"]

_DTYPES = ("float64", "float32")
_SMALL, _TILED = 16, 600  # fields that stay in cache, and fields that are cut into tiles


def warmup(
    kinetics: Annotated[
        list[str] | None, typer.Option(metavar="NAME", help="Only these kinetics; repeatable. [default: all]")
    ] = None,
    dtypes: Annotated[
        list[str] | None, typer.Option("--dtype", help="Only float64 or float32. [default: both]")
    ] = None,
    into: Annotated[
        Path | None,
        typer.Option(metavar="DIR", file_okay=False, help="Directory to fill; use it as MFN_CACHE_DIR, read-only too."),
    ] = None,
    cpu: Annotated[
        str | None, typer.Option(metavar="|".join(LEVELS), help="Processors to compile for. [default: this one]")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Compile every kernel now and keep the machine code on disk, so that the first use is quick.

    With --into and --cpu for other machines: of the levels in a directory each takes the highest that it reaches.
    """
    if into is not None or cpu is not None:
        chosen = [value for name in kinetics or [] for value in ("--kinetics", name)]
        chosen += [value for name in dtypes or [] for value in ("--dtype", name)]
        raise typer.Exit(_warm_up_for(into, cpu, chosen + ["--json"] * as_json))
    begun = time.perf_counter()
    jobs = list(_jobs(kinetics or list_kinetics(), dtypes or _DTYPES))
    with progress_bar("compiling", quiet=as_json) as report:
        for done, job in enumerate(jobs):
            report(done, len(jobs))
            job()
    seconds = time.perf_counter() - begun
    if as_json:
        print_json({"jobs": len(jobs), "seconds": round(seconds, 3)})
    else:
        typer.echo(f"kernels are compiled and cached ({len(jobs)} jobs, {seconds:.1f} s)")


def _warm_up_for(into: Path | None, cpu: str | None, arguments: list[str]) -> int:
    """Do the same in a process whose compiler is told where machine code goes, and for which processor it is made."""
    environment = dict(os.environ)
    if into is not None:
        _check_directory(into)
        place = str(into.absolute())
        environment |= {"MFN_CACHE_DIR": place, "XDG_CACHE_HOME": place}  # what lies elsewhere would not be compiled
    if cpu is not None:
        _check_level(cpu)
        environment |= {"NUMBA_CPU_NAME": cpu, "NUMBA_CPU_FEATURES": ""}  # empty: none beside those of the level
    command = [sys.executable, "-c", "import sys; from mycelium_fractal_net.cli import main; sys.exit(main())"]
    return subprocess.run([*command, "warmup", *arguments], env=environment, check=False).returncode  # noqa: S603


def _check_directory(directory: Path) -> None:
    path = kernel_directory(directory.absolute())
    if not any(
        place.path == path and place.writable for place in places_of({"MFN_CACHE_DIR": str(directory.absolute())})
    ):
        raise InvalidInputError(
            f"--into needs a directory that this user can write to and others cannot; {directory} is not one"
        )


def _check_level(cpu: str) -> None:
    if cpu not in levels():
        reached = ", ".join(levels()) or "none of these"
        raise InvalidInputError(
            f"--cpu must be a level that this processor supports, since each kernel is run once: {reached}; got {cpu!r}"
        )


def _jobs(kinetics: Iterable[str], dtypes: Iterable[str]) -> Iterator[Callable[[], object]]:
    """Yield calls that between them reach every kernel of the engine, of the features and of aggregation."""
    for name, dtype, size in product(kinetics, dtypes, (_SMALL, _TILED)):
        yield partial(_simulate, name, dtype, size)
    noise = np.random.default_rng(0).normal(-60.0, 5.0, (4, 32, 32))
    yield partial(extract_features, noise)
    yield partial(extract_features, noise[-1], periodic=False)
    for method, periodic in product(("cover", "aligned"), (True, False)):
        yield partial(box_counting_dimension, noise[0] > -60.0, method=method, periodic=periodic)
    yield partial(lacunarity, noise[0] > -60.0, [2, 4])
    yield generate_ifs
    gradients = noise[0, :12]
    for rule in (
        federated.HierarchicalKrum(3, 0.2, 0),
        federated.Bulyan(f=1),
        federated.TrimmedMean(f=1).after(federated.NearestNeighborMixing(f=1)),
        federated.GeometricMedian(),
        federated.CenteredClipping(radius=1.0),
    ):
        yield partial(rule.aggregate, gradients)
    many = np.random.default_rng(0).normal(size=(256, 2_049))
    for by_pairs in (federated.Krum(f=1), federated.MultiKrum(f=1)):
        yield partial(by_pairs.aggregate, many)


def _simulate(kinetics: str, dtype: str, grid_size: int) -> object:
    settings: dict[str, Any] = {"kinetics": kinetics, "dtype": dtype, "grid_size": grid_size, "steps": 2}
    quiet = simulate(SimulationConfig(**settings))
    noisy = simulate(SimulationConfig(**settings, quantum_jitter=True))
    return quiet.features, noisy.features
