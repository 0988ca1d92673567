"""Speed of the engine, as ratios to peers that run in turns with it: ``make bench``.

Rates are million cell updates a second: cells x substeps x steps / time, the potential's update not counted. Peers
start from the same fields; where they must give the same bits or numbers, that is checked before anything is timed.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from time import perf_counter
from typing import Any

import numpy as np
import pytest

import mycelium_fractal_net as mfn
from benchmarks.conftest import Report
from benchmarks.peer_cpp import CppPeer, compiler
from benchmarks.peer_numpy import NumpyPeer
from benchmarks.peer_pde import PdePeer
from benchmarks.race import race

STEPS = {64: 200, 128: 50, 256: 12, 512: 4, 2048: 2, 4096: 2}
CORES = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1

needs_compiler = pytest.mark.skipif(compiler() is None, reason="no C++ compiler")
needs_cores = pytest.mark.skipif(CORES < 2, reason="one core only")


def simulation(n: int, dtype: str = "float64", threads: int = 1) -> mfn.Simulation:
    """Return the default model without events, which the peers do not have."""
    config = mfn.SimulationConfig(grid_size=n, steps=2, dtype=dtype, spike_probability=0.0)  # type: ignore[arg-type] # a literal
    return mfn.Simulation(config, threads=threads)


def million_updates(n: int, steps: int, seconds: float) -> float:
    """Return million cell updates a second."""
    return n * n * 10 * steps / seconds / 1e6


@needs_compiler
@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("n", [64, 128, 256])
def test_one_thread_in_cache_against_cpp(benchmark: Any, report: Report, n: int, dtype: str) -> None:
    ours, steps = simulation(n, dtype), STEPS[n]
    peer = CppPeer(ours)
    ours.advance(2)
    peer.advance(2)
    for one, other in zip((ours.activator, ours.inhibitor, ours.field_mv), peer.state, strict=True):
        np.testing.assert_array_equal(one, other)
    times = race({"mfn": lambda: ours.advance(steps), "C++": lambda: peer.advance(steps)}, 31)
    rates = {name: million_updates(n, steps, seconds) for name, seconds in times.items()}
    report.row(f"one thread, {n}^2 {dtype}", rates, "M updates/s", ratio=times["C++"] / times["mfn"], aim=0.8)
    report.measure(benchmark, lambda: ours.advance(steps))


@needs_compiler
@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("n", [2048, 4096])
def test_large_grids_against_the_naive_loop(benchmark: Any, report: Report, n: int, dtype: str) -> None:
    ours, steps = simulation(n, dtype), STEPS[n]
    peer = CppPeer(ours)
    times = race({"mfn": lambda: ours.advance(steps), "C++": lambda: peer.advance(steps)}, 3)
    rates = {name: million_updates(n, steps, seconds) for name, seconds in times.items()}
    report.row(f"one thread, {n}^2 {dtype}", rates, "M updates/s", ratio=times["C++"] / times["mfn"], aim=2.0)
    report.measure(benchmark, lambda: ours.advance(steps))


@needs_cores
@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_two_threads_against_one(benchmark: Any, report: Report, dtype: str) -> None:
    one, two = simulation(2048, dtype), simulation(2048, dtype, threads=2)
    times = race({"two threads": lambda: two.advance(2), "one thread": lambda: one.advance(2)}, 5, perf_counter)
    assert one.frame.digest == two.frame.digest
    rates = {name: million_updates(2048, 2, seconds) for name, seconds in times.items()}
    ratio = times["one thread"] / times["two threads"]
    report.row(f"two threads, 2048^2 {dtype}", rates, "M updates/s", ratio=ratio, aim=1.5)
    report.measure(benchmark, lambda: two.advance(2))


@pytest.mark.parametrize(("n", "aim"), [(64, 20.0), (256, 8.0)])
def test_double_precision_against_numpy(benchmark: Any, report: Report, n: int, aim: float) -> None:
    ours, steps = simulation(n), {64: 20, 256: 4}[n]
    peer = NumpyPeer(ours)
    ours.advance(4)
    peer.advance(4)
    np.testing.assert_allclose(ours.field_mv, peer.state[2], atol=1e-9)
    times = race({"mfn": lambda: ours.advance(steps), "NumPy": lambda: peer.advance(steps)}, 15)
    rates = {name: million_updates(n, steps, seconds) for name, seconds in times.items()}
    report.row(f"NumPy roll, {n}^2 float64", rates, "M updates/s", ratio=times["NumPy"] / times["mfn"], aim=aim)
    report.measure(benchmark, lambda: ours.advance(steps))


@pytest.mark.parametrize("n", [64, 256])
def test_double_precision_against_py_pde(benchmark: Any, report: Report, n: int) -> None:
    pytest.importorskip("pde")
    ours, steps = simulation(n), {64: 20, 256: 4}[n]
    peer = PdePeer(ours)
    ours.advance(1)
    np.testing.assert_allclose(ours.activator, peer.state[0].data, atol=1e-9)
    times = race({"mfn": lambda: ours.advance(steps), "py-pde": lambda: peer.advance(steps)}, 15)
    rates = {name: million_updates(n, steps, seconds) for name, seconds in times.items()}
    report.row(f"py-pde, {n}^2 float64", rates, "M updates/s", ratio=times["py-pde"] / times["mfn"], aim=15.0)
    report.measure(benchmark, lambda: ours.advance(steps))


@needs_cores
def test_ensembles_scale_to_the_cores(benchmark: Any, report: Report) -> None:
    configs = [mfn.SimulationConfig(grid_size=64, steps=64, seed=seed) for seed in range(64)]

    def run(threads: int) -> None:
        for _ in mfn.simulate_ensemble(configs, threads=threads):
            pass

    times = race({f"{CORES} threads": lambda: run(CORES), "one thread": lambda: run(1)}, 7, perf_counter)
    rates = {name: len(configs) / seconds for name, seconds in times.items()}
    ratio = times["one thread"] / times[f"{CORES} threads"]
    report.row("ensemble of 64 fields 64^2", rates, "fields/s", ratio=ratio, aim=0.75 * CORES)
    report.measure(benchmark, lambda: run(CORES))


MEMORY = """
import sys
import mycelium_fractal_net as mfn

def peak():
    lines = open("/proc/self/status").read().splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith("VmHWM"))

def run(n):
    return mfn.simulate(mfn.SimulationConfig(grid_size=n, steps=2, dtype=sys.argv[1]))

run(512)
before = peak()
result = run(2048)
print((peak() - before) / result.field_mv.nbytes)
"""


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="reads /proc")
@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_memory_of_a_run(benchmark: Any, report: Report, dtype: str) -> None:
    fields = float(run_python(MEMORY, dtype))
    report.row(f"memory, 2048^2 {dtype}", {"peak": fields, "result": 3.0}, "fields", ratio=fields - 3, aim=-8.0)
    report.measure(benchmark, lambda: None)


FIRST_USE = """
import time
begin = time.perf_counter()
import mycelium_fractal_net as mfn
mfn.simulate(mfn.SimulationConfig(steps=1))
print(time.perf_counter() - begin)
"""


def run_python(script: str, *arguments: str, **environment: str) -> str:
    """Run a script in a process of its own and return what it prints."""
    done = subprocess.run(
        [sys.executable, "-c", script, *arguments],
        capture_output=True, text=True, check=True, env={**os.environ, **environment},
    )  # fmt: skip
    return done.stdout


def test_first_simulation_of_a_process(benchmark: Any, report: Report) -> None:
    with tempfile.TemporaryDirectory() as cache:
        first = float(run_python(FIRST_USE, MFN_CACHE_DIR=cache))
        later = sorted(float(run_python(FIRST_USE, MFN_CACHE_DIR=cache)) for _ in range(5))[2]
    times = {"compiling": first, "second process": later}
    report.row("first simulation of a process", times, "s", ratio=later, aim=-1.0)
    report.measure(benchmark, lambda: None)


def test_versions(benchmark: Any, report: Report) -> None:
    import numba

    found = {"python": sys.version.split()[0], "numpy": np.__version__, "numba": numba.__version__}
    report.note(json.dumps(found))
    report.measure(benchmark, lambda: None)
