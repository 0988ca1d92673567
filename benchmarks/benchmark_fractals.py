"""Box counting beside a NumPy summed-area table and beside porespy: time, and how near the known dimension.

``python -m pytest benchmarks/benchmark_fractals.py`` measures; ``python benchmarks/benchmark_fractals.py`` prints the
tables of docs/fractals.md.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

import mycelium_fractal_net as mfn
from mycelium_fractal_net.fractals import fast_box_dimension
from mycelium_fractal_net.fractals._kernels_boxes import extents

Mask = NDArray[np.bool_]

PLACES = [(0, 0), (1, 2), (3, 5), (7, 11), (13, 29), (31, 17), (64, 1), (100, 57)]


def summed_area_counts(mask: Mask, scales: NDArray[np.int64]) -> list[int]:
    """Count as ``cover`` does, in NumPy: a summed-area table, then every phase class of windows that are not empty."""
    counts = []
    for scale in scales.tolist():
        padded = np.pad(mask, scale - 1)
        table = np.pad(padded.cumsum(0, dtype=np.int32).cumsum(1, dtype=np.int32), ((1, 0), (1, 0)))
        held = (table[scale:, scale:] - table[:-scale, scale:] - table[scale:, :-scale] + table[:-scale, :-scale]) > 0
        held = np.pad(held, ((0, -held.shape[0] % scale), (0, -held.shape[1] % scale)))
        rows, columns = held.shape[0] // scale, held.shape[1] // scale
        counts.append(int(held.reshape(rows, scale, columns, scale).sum(axis=(0, 2)).min()))
    return counts


def porespy_counts(mask: Mask, scales: NDArray[np.int64]) -> list[int]:
    """Count with porespy."""
    import porespy

    porespy.settings.tqdm["disable"] = True
    return [int(count) for count in porespy.metrics.boxcount(mask, bins=scales.tolist()).count]


def slope(scales: NDArray[np.int64], counts: list[int]) -> float:
    """Fit the dimension to counts."""
    return float(-np.polyfit(np.log(scales), np.log(np.maximum(counts, 1)), 1)[0])


def best_seconds(function: Callable[[], Any], budget_s: float = 0.5) -> float:
    """Return the shortest of as many runs as fit into the budget, at least three."""
    function()
    runs: list[float] = []
    while len(runs) < 3 or sum(runs) < budget_s:
        start = time.perf_counter()
        function()
        runs.append(time.perf_counter() - start)
    return min(runs)


def field_mask(size: int) -> Mask:
    """Return the living cells of a grown labyrinth."""
    result = mfn.simulate(mfn.SimulationConfig(grid_size=size, steps=96))
    return np.asarray(result.field_mv > -60.0)


def known_sets() -> Iterator[tuple[str, Mask, int, float]]:
    """Yield name, set, base and dimension of sets that are exactly self-similar."""
    for name, size, base in (
        ("sierpinski", 256, 2),
        ("carpet", 243, 3),
        ("vicsek", 243, 3),
        ("cantor-dust", 243, 3),
    ):
        system = mfn.generate_ifs(name, points=1)
        yield name, system.mask(size), base, float(system.similarity_dimension or 0.0)


def placed(mask: Mask, above: int, left: int) -> Mask:
    """Put a set into an array of 400 x 400."""
    canvas = np.zeros((400, 400), dtype=bool)
    canvas[above : above + len(mask), left : left + len(mask)] = mask
    return canvas


def accuracy_rows() -> Iterator[tuple[str, float, str, str, str, str]]:
    """Yield for each set the range of dimensions over the places, by each method."""
    for name, mask, base, dimension in known_sets():
        scales = np.asarray([base**k for k in range(1, 7) if base**k <= 81])
        found: dict[str, list[float]] = {"cover": [], "default": [], "aligned": [], "porespy": []}
        for above, left in PLACES:
            canvas = placed(mask, above, left)
            found["default"].append(mfn.box_counting_dimension(canvas).dimension)
            for method in ("cover", "aligned"):
                found[method].append(mfn.box_counting_dimension(canvas, method, scales=scales).dimension)
            found["porespy"].append(slope(scales, porespy_counts(canvas, scales)))
        ranges = (f"{min(values):.4f} to {max(values):.4f}" for values in found.values())
        yield (name, dimension, *ranges)  # type: ignore[misc] # four ranges, in the order of the dictionary


def time_rows() -> Iterator[tuple[int, float, float, float, float]]:
    """Yield size and seconds: cover, aligned, NumPy summed-area table, porespy."""
    for size in (64, 256, 512):
        mask = field_mask(size)
        scales = mfn.box_counting_dimension(mask).scales
        yield (
            size,
            best_seconds(lambda: mfn.box_counting_dimension(mask, scales=scales)),  # noqa: B023 # called at once
            best_seconds(lambda: mfn.box_counting_dimension(mask, "aligned", scales=scales)),  # noqa: B023 # same
            best_seconds(lambda: summed_area_counts(mask, scales)),  # noqa: B023 # same
            best_seconds(lambda: porespy_counts(mask, scales)),  # noqa: B023 # same
        )


@pytest.mark.parametrize("periodic", [False, True])
def test_default_dimension_of_a_field_of_64(benchmark: Any, periodic: bool) -> None:
    mask = field_mask(64)
    known = extents(mask.view(np.uint8), periodic)
    dimension, _ = benchmark(fast_box_dimension, mask, periodic, known)
    assert dimension == mfn.box_counting_dimension(mask, periodic=periodic).dimension


def test_cover_at_512_is_at_least_five_times_as_fast_as_numpy(benchmark: Any) -> None:
    mask = field_mask(512)
    found = benchmark(mfn.box_counting_dimension, mask)
    ours = best_seconds(lambda: mfn.box_counting_dimension(mask))
    numpys = best_seconds(lambda: summed_area_counts(mask, found.scales))
    benchmark.extra_info["times NumPy"] = numpys / ours
    assert found.counts.tolist() == summed_area_counts(mask, found.scales)
    assert numpys / ours >= 5.0


def test_cover_beside_porespy(benchmark: Any) -> None:
    mask = field_mask(256)
    found = benchmark(mfn.box_counting_dimension, mask)
    ours = best_seconds(lambda: mfn.box_counting_dimension(mask))
    benchmark.extra_info["times porespy"] = best_seconds(lambda: porespy_counts(mask, found.scales)) / ours


def test_extended_measures_of_a_field_of_64(benchmark: Any) -> None:
    mask = field_mask(64)
    benchmark(lambda: (mfn.lacunarity(mask, [2, 4, 8, 16]), mfn.generalised_dimensions(mask)))


def test_a_million_points_of_the_chaos_game(benchmark: Any) -> None:
    assert len(benchmark(mfn.generate_ifs, "barnsley-fern", 1_000_000).points) == 1_000_000


def main() -> None:
    """Print the tables of the documentation."""
    print("| set | exact | cover, scales of its base | cover, default scales | aligned | porespy |")
    print("|---|---|---|---|---|---|")
    for name, dimension, *ranges in accuracy_rows():
        print(f"| {name} | {dimension:.4f} | {' | '.join(ranges)} |")
    print("\n| cells | cover | aligned | NumPy | porespy | cover, times NumPy | cover, times porespy |")
    print("|---|---|---|---|---|---|---|")
    for size, cover, aligned, numpys, porespys in time_rows():
        milliseconds = " | ".join(f"{1e3 * t:.3g} ms" for t in (cover, aligned, numpys, porespys))
        print(f"| {size} x {size} | {milliseconds} | {numpys / cover:.0f} | {porespys / cover:.0f} |")


if __name__ == "__main__":
    main()
