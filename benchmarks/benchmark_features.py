"""What the features cost: beside the simulation they come with, and beside SciPy and NumPy for the same numbers.

``pytest`` times each case; ``python benchmarks/benchmark_features.py`` prints the ratios, each of the least times of
interleaved runs.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from scipy import ndimage, stats

import mycelium_fractal_net as mfn
from mycelium_fractal_net.features import extract_features
from mycelium_fractal_net.features._kernels_temporal import step_statistics_of

SIDES = (64, 256)


def _box_counts(mask: Any) -> tuple[float, float]:
    """Count boxes over every offset of the grid by a summed-area table, and fit, as the feature does."""
    n = len(mask)
    scales = [2**k for k in range(1, 12) if 2**k <= n // 4]
    counts = []
    for s in scales:
        table = np.pad(np.pad(mask, ((0, s - 1), (0, s - 1)), mode="wrap").cumsum(0).cumsum(1), ((1, 0), (1, 0)))
        held = (table[s:, s:] - table[:-s, s:] - table[s:, :-s] + table[:-s, :-s]) > 0
        counts.append(held.reshape(n // s, s, n // s, s).sum(axis=(0, 2)).min())
    fit = stats.linregress(-np.log(scales), np.log(counts))
    return fit.slope, fit.rvalue**2


def _components(mask: Any) -> Any:
    """Label with SciPy and join the labels that touch across the border."""
    labels, count = ndimage.label(mask)
    group = np.arange(count + 1)
    for a, b in ((labels[0], labels[-1]), (labels[:, 0], labels[:, -1])):
        for one, other in {(int(i), int(j)) for i, j in zip(a, b, strict=True) if i and j}:
            group[group == group[one]] = group[other]
    sizes = np.bincount(group, weights=np.bincount(labels.ravel(), minlength=count + 1))
    sizes[group[0]] = 0.0
    return sizes[sizes > 0]


def scipy_features(frames: Any) -> list[float]:
    """Compute the 18 numbers with scipy.ndimage, scipy.stats and NumPy."""
    last, changes = frames[-1], np.diff(frames, axis=0)
    rests = changes.std(axis=(1, 2)) < 0.001
    starts = np.flatnonzero(np.convolve(rests, np.ones(10), "valid") == 10) if len(rests) >= 10 else []
    energy = np.polyfit(np.arange(len(frames)), (frames**2).mean(axis=(1, 2)), 1)[0] if len(changes) else 0.0
    low, med, high = (_components(last > level) for level in (-60.0, -50.0, -40.0))
    moved = np.abs(changes)
    return [
        *_box_counts(last > -60.0), last.min(), last.max(), last.mean(), last.std(), stats.skew(last, None),
        stats.kurtosis(last, None), moved.mean() if len(changes) else 0.0, moved.max() if len(changes) else 0.0,
        starts[0] + 1 if len(starts) else len(changes), energy, (last > -60.0).mean(),
        len(low), len(med), len(high), low.max(), low.std(),
    ]  # fmt: skip


def interleaved(rounds: int, *calls: Callable[[], Any]) -> list[float]:
    """Return the least time of each call in seconds, taking turns, so that load hits all alike."""
    times: list[list[float]] = [[] for _ in calls]
    for call in calls:
        call()
    for _ in range(rounds):
        for call, taken in zip(calls, times, strict=True):
            begin = time.perf_counter()
            call()
            taken.append(time.perf_counter() - begin)
    return [min(taken) for taken in times]


def _history(side: int) -> Any:
    return mfn.simulate_history(mfn.SimulationConfig(grid_size=side, steps=64))


@pytest.mark.parametrize("side", SIDES)
def benchmark_from_statistics(benchmark: Any, side: int) -> None:
    result = mfn.simulate(mfn.SimulationConfig(grid_size=side, steps=64))
    assert benchmark(extract_features, result) == result.features


@pytest.mark.parametrize("frames", [1, 65])
@pytest.mark.parametrize("side", SIDES)
def benchmark_from_arrays(benchmark: Any, side: int, frames: int) -> None:
    history = _history(side)[-frames:]
    found = benchmark(mfn.extract_features, history)
    np.testing.assert_allclose(found.to_array(), scipy_features(history), rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("frames", [1, 65])
@pytest.mark.parametrize("side", SIDES)
def benchmark_from_arrays_with_scipy(benchmark: Any, side: int, frames: int) -> None:
    benchmark(scipy_features, _history(side)[-frames:])


@pytest.mark.parametrize("side", SIDES)
def benchmark_simulation_with_features(benchmark: Any, side: int) -> None:
    config = mfn.SimulationConfig(grid_size=side, steps=64)
    benchmark(lambda: mfn.simulate(config).features)


@pytest.mark.parametrize("side", SIDES)
def benchmark_wavelength(benchmark: Any, side: int) -> None:
    benchmark(mfn.measure_wavelength, _history(side)[-1])


def main() -> None:
    """Print the table of ratios."""
    for side in SIDES:
        config = mfn.SimulationConfig(grid_size=side, steps=64)
        history, rounds = _history(side), 100 if side == 64 else 25
        results: list[Any] = []
        run, vector, online = interleaved(
            rounds,
            lambda config=config, results=results: results.append(mfn.simulate(config)),
            lambda results=results: results.pop().features,  # right after the run, as a caller has it
            lambda pair=history[:2]: [step_statistics_of(pair) for _ in range(64)],  # in cache, as the engine has it
        )
        print(
            f"{side}^2, 64 steps: {run * 1e3:.2f} ms, of it sums {online * 1e3:.2f} ms; vector {vector * 1e3:.2f} ms:"
        )
        print(f"  the 18 features add {(vector + online) / (run - online):.1%} to the rest")
        for frames in (1, 65):
            part = history[-frames:]
            ours, theirs = interleaved(
                rounds, lambda part=part: mfn.extract_features(part), lambda part=part: scipy_features(part)
            )
            times = f"{ours * 1e3:.3f} ms, SciPy and NumPy {theirs * 1e3:.3f} ms"
            print(f"  from {frames:2} frames: {times}: {theirs / ours:.1f} x")


if __name__ == "__main__":
    main()
