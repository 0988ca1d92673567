"""Measure the robust rules beside ByzFL, and a million clients through the default tree; prints Markdown.

Every pair runs in this process, one right after the other, best of a few. Peak memory is that of a fresh
process above what it held before the call. Run: python benchmarks/benchmark_federated.py [krum nnm tree ...]
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from unittest.mock import MagicMock

import numpy as np

from mycelium_fractal_net.federated import NNM, GeometricMedian, Krum, Median, MultiKrum, Tree, TrimmedMean

SHAPES = {"nnm": (100, 100_000)}
CASES: dict[str, tuple[Callable[[], Any], str, dict[str, Any]]] = {
    "krum": (lambda: Krum(100), "Krum", {"f": 100}),
    "multi_krum": (lambda: MultiKrum(100), "MultiKrum", {"f": 100}),
    "geometric_median": (GeometricMedian, "GeometricMedian", {}),
    "trimmed_mean": (lambda: TrimmedMean(100), "TrMean", {"f": 100}),
    "median": (Median, "Median", {}),
    "nnm": (lambda: NNM(10), "NNM", {"f": 10}),
}


def byzfl_rule(name: str, parameters: dict[str, Any]) -> Any:
    """Import ByzFL without torchvision, which only its training benchmark uses."""
    for stub in ("torchvision", "torchvision.datasets", "torchvision.transforms"):
        sys.modules.setdefault(stub, MagicMock())
    import byzfl

    return getattr(byzfl, name)(**parameters)


def updates(case: str, dtype: type) -> Any:
    return np.random.default_rng(0).normal(size=SHAPES.get(case, (1000, 10_000))).astype(dtype, copy=False)


def best_of(call: Callable[[], Any], repeats: int) -> float:
    times = []
    for _ in range(repeats):
        start = time.perf_counter()
        call()
        times.append(time.perf_counter() - start)
    return min(times)


def peak_mb() -> float:
    """Return the peak of this program alone; ru_maxrss would count what its parent held, too."""
    line = next(line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmHWM"))
    return int(line.split()[1]) / 1024


def in_fresh_process(task: str, *arguments: str) -> Any:
    command = [sys.executable, __file__, "--task", task, *arguments]
    return json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)


def memory(case: str, library: str) -> float:
    """Return the peak in MB above what was held before the call."""
    make, name, parameters = CASES[case]
    rule = make() if library == "mfn" else byzfl_rule(name, parameters)
    rule(np.random.default_rng(0).normal(size=(300, 20)))
    x = updates(case, np.float64)
    before = peak_mb()
    rule(x)
    return peak_mb() - before


def million(n: int, d: int) -> dict[str, float]:
    """Aggregate n clients of d float32 values from a generator that makes each when it is asked."""
    pool = np.random.default_rng(0).standard_normal((1024 + d,), dtype=np.float32)

    def clients() -> Iterator[Any]:
        for i in range(n):
            yield pool[i % 1024 : i % 1024 + d] + np.float32(i % 7)

    start = time.perf_counter()
    result = Tree.default(n, byzantine_fraction=0.2, seed=1).aggregate(clients())
    seconds = time.perf_counter() - start
    return {"seconds": seconds, "peak_mb": peak_mb(), "failure_probability": result.failure_probability}


def compare(case: str) -> str:
    import torch

    make, name, parameters = CASES[case]
    ours, theirs = make(), byzfl_rule(name, parameters)
    x, x32 = updates(case, np.float64), torch.from_numpy(updates(case, np.float32))
    ours(x), ours(x32)
    few = 1 if case == "nnm" else 2
    numbers = [
        best_of(lambda: ours(x), 5),
        best_of(lambda: theirs(x), few),
        best_of(lambda: ours(x32), 5),
        best_of(lambda: theirs(x32), few + 1),
    ]
    shape = "n={}, d={:,}".format(*x.shape)
    cells = " | ".join(f"{1000 * seconds:.0f} ms" for seconds in numbers)
    return (
        f"| {type(ours).__name__}, {shape} | {cells} | {numbers[1] / numbers[0]:.1f} | {numbers[3] / numbers[2]:.1f} |"
    )


def main(wanted: list[str]) -> None:
    print("| | MFN, NumPy f64 | ByzFL, NumPy f64 | MFN, torch f32 | ByzFL, torch f32 | ratio NumPy | ratio torch |")
    print("|---|---|---|---|---|---|---|")
    for case in CASES:
        if not wanted or case in wanted:
            print(compare(case), flush=True)
    if not wanted or "memory" in wanted:
        ours, theirs = (in_fresh_process("memory", "nnm", library) for library in ("mfn", "byzfl"))
        print(
            f"\nPeak memory of NNM above its input: {ours:.0f} MB, ByzFL {theirs:.0f} MB ({theirs / ours:.0f} times)."
        )
    if not wanted or "tree" in wanted:
        found = in_fresh_process("million", "1000000", "1000")
        print(
            f"\n1,000,000 clients x d=1,000 from a generator through `Tree.default`: {found['seconds']:.1f} s, "
            f"peak {found['peak_mb']:.0f} MB of the whole process."
        )


if __name__ == "__main__":
    if sys.argv[1:2] == ["--task"]:
        task, arguments = sys.argv[2], sys.argv[3:]
        print(json.dumps(memory(*arguments) if task == "memory" else million(*map(int, arguments))))
    else:
        main(sys.argv[1:])
