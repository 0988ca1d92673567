"""A dataset beside the bare engine: what planning, journal and Parquet add, and how it scales to the cores.

``python -m benchmarks.benchmark_datasets`` prints the table.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import mycelium_fractal_net as mfn
from benchmarks.race import race
from mycelium_fractal_net.datasets import load_scenario
from mycelium_fractal_net.datasets.sampling import rows_of

SCENARIO = load_scenario(
    {"samples": 150, "base": {"grid_size": 64, "steps": 100}, "sweep": {"alpha": {"min": 0.1, "max": 0.2}}}
)


def bare(threads: int) -> None:
    """Simulate every row and compute its features, and keep nothing."""
    for result in mfn.simulate_ensemble(rows_of(SCENARIO), threads=threads):
        result.features.to_array()


def dataset(threads: int) -> None:
    """Write the dataset."""
    with tempfile.TemporaryDirectory() as folder:
        mfn.generate_dataset(SCENARIO, Path(folder) / "data.parquet", threads=threads)


def main() -> None:
    """Print the table of docs/datasets.md."""
    rivals: dict[str, Callable[[], object]] = {
        f"{run.__name__} {n}": lambda run=run, n=n: run(n) for run in (bare, dataset) for n in (1, 2)
    }
    times = race(rivals, rounds=5, clock=time.perf_counter)
    for n in (1, 2):
        data, engine = times[f"dataset {n}"], times[f"bare {n}"]
        print(f"{n} threads: dataset {data:.3f} s, engine {engine:.3f} s, ratio {data / engine:.2f}")
    print(f"dataset, two threads against one: {times['dataset 1'] / times['dataset 2']:.2f}")


if __name__ == "__main__":
    main()
