"""Fixed pieces of work whose cost is followed over time, each mostly one kernel: ``python -m benchmarks.workload``.

``count NAME...`` does each once, for callgrind. ``serve`` reads names from its input and answers each with the
processor seconds that it took. ``MFN_BENCH_SLOW=NAME`` does six turns of that piece instead of five: 20% more.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable
from functools import partial

import numpy as np

from mycelium_fractal_net import federated
from mycelium_fractal_net.features import cluster_sizes, extract_features
from mycelium_fractal_net.fields import SimulationConfig, simulate
from mycelium_fractal_net.fractals import box_counting_dimension, generalised_dimensions, generate_ifs, lacunarity

TURNS = 5
SLOW_TURNS = 6

Work = Callable[[], object]


def _advance(**settings: object) -> Work:
    config = SimulationConfig.model_validate({"grid_size": 48, "steps": 16, "seed": 1, **settings})
    return lambda: simulate(config, threads=1).field_mv


def _mask(side: int) -> np.ndarray:
    return np.random.default_rng(0).random((side, side)) > 0.6


def _updates(rows: int, columns: int) -> np.ndarray:
    return np.random.default_rng(0).normal(size=(rows, columns))


def _reference() -> None:
    """Work that is not ours, in the time of which the others are told."""
    field = np.random.default_rng(0).normal(size=(96, 96))
    for _ in range(20):
        field = field + 0.1 * (np.roll(field, 1, 0) + np.roll(field, -1, 0) - 2.0 * field)


REFERENCE = "reference in NumPy"
_HISTORY = np.random.default_rng(0).normal(-60.0, 5.0, (8, 48, 48))

WORK: dict[str, Work] = {
    REFERENCE: _reference,
    "mycelium, float64": _advance(),
    "mycelium, float32": _advance(dtype="float32"),
    "mycelium, Neumann": _advance(boundary="neumann"),
    "mycelium, quantum jitter": _advance(quantum_jitter=True),
    "features of a history": partial(extract_features, _HISTORY),
    "features of a field": partial(extract_features, _HISTORY[-1]),
    "cluster sizes": partial(cluster_sizes, np.random.default_rng(0).normal(-60.0, 5.0, (192, 192)), -60.0),
    "box counting, cover": partial(box_counting_dimension, _mask(96)),
    "box counting, aligned": partial(box_counting_dimension, _mask(96), method="aligned"),
    "generalised dimensions": partial(generalised_dimensions, _mask(96).astype(float), [-1.0, 0.0, 2.0]),
    "lacunarity": partial(lacunarity, _mask(96), [2, 4, 8]),
    "iterated functions": lambda: generate_ifs("sierpinski", 20_000).mask(64),
    "Krum": partial(federated.Krum(f=4).aggregate, _updates(24, 2_000)),
    "trimmed mean": partial(federated.TrimmedMean(f=4).aggregate, _updates(24, 2_000)),
    "geometric median": partial(federated.GeometricMedian().aggregate, _updates(24, 2_000)),
    "centered clipping": partial(federated.CenteredClipping(radius=1.0).aggregate, _updates(24, 2_000)),
}
"""Every piece of work, by name."""


def perform(name: str) -> float:
    """Do one piece of work some times over, and return its processor seconds."""
    turns = SLOW_TURNS if os.environ.get("MFN_BENCH_SLOW") == name else TURNS
    begin = time.process_time()
    for _ in range(turns):
        WORK[name]()
    return time.process_time() - begin


def count(names: list[str]) -> None:
    """Do each piece once more after a turn that loads what it needs, and have callgrind write a profile for each."""
    import ctypes

    marks = ctypes.CDLL(os.environ["MFN_BENCH_MARKS"])  # benchmarks.instructions has it compiled
    for name in names:
        WORK[name]()
        marks.begin()
        perform(name)
        marks.end(name.encode())


def main() -> None:
    """Count, or serve."""
    if sys.argv[1] == "count":
        count(sys.argv[2:] or list(WORK))
        return
    for name in map(str.strip, sys.stdin):
        print(perform(name), flush=True)


if __name__ == "__main__":
    main()
