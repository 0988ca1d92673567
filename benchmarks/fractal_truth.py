"""Sets whose dimension is known, and sets that are no fractals; made without the package.

    python -m benchmarks.fractal_truth [--offset 9000]

prints, by class, the dimension measured, how often ``D +- 1.96 standard_error`` holds the truth, and the verdicts.
The thresholds of the verdict were chosen with offsets 0 and 500 in view; any other gives independent sets.
"""

from __future__ import annotations

import argparse
import math
from collections import Counter
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray
from scipy import ndimage

Mask = NDArray[np.bool_]
SIDE = 512
P_C = 0.592746


def _draw_points(points: NDArray[np.float64], side: int) -> Mask:
    low, high = points.min(axis=0), points.max(axis=0)
    cells = ((points - low) / (high - low).max() * (side - 1e-6)).astype(int)
    mask = np.zeros((side, side), dtype=bool)
    mask[cells[:, 0], cells[:, 1]] = True
    return mask


def cells_of_cells(base: int, kept: list[int], angle: float, draw: np.random.Generator, points: int) -> Mask:
    """Keep some cells of a base x base square, and again within each, and turn the whole; by random addresses."""
    at = np.array([divmod(cell, base) for cell in kept], dtype=float)
    where, size = np.zeros((points, 2)), 1.0
    while size > 0.25 / SIDE:
        size /= base
        where += size * at[draw.integers(len(kept), size=points)]
    turn = np.array([[math.cos(angle), -math.sin(angle)], [math.sin(angle), math.cos(angle)]])
    return _draw_points(where @ turn, SIDE)


def random_similar(seed: int) -> tuple[Mask, float]:
    """Return a random set of equal parts, turned by any angle, and Moran's dimension."""
    draw = np.random.default_rng(seed)
    base = int(draw.integers(2, 6))
    count = int(draw.integers(max(3, base), base * base - (0 if base == 2 else 1))) if base > 2 else 3
    kept = sorted(draw.choice(base * base, count, replace=False).tolist())
    mask = cells_of_cells(base, kept, draw.uniform(0, math.pi / 2), draw, 1_000_000)
    return mask, math.log(count) / math.log(base)


NAMED = {
    "triangle": (2, [0, 2, 3]), "carpet": (3, [0, 1, 2, 3, 5, 6, 7, 8]), "vicsek": (3, [1, 3, 4, 5, 7]),
    "cross": (3, [0, 2, 4, 6, 8]), "dust": (3, [0, 2, 6, 8]),
}  # fmt: skip


def named(seed: int) -> tuple[Mask, float]:
    draw = np.random.default_rng(1000 + seed)
    base, kept = list(NAMED.values())[seed % len(NAMED)]
    mask = cells_of_cells(base, kept, draw.uniform(0, math.pi / 2), draw, 1_000_000)
    return mask, math.log(len(kept)) / math.log(base)


@njit
def _grow_dla(side: int, cells: int, draw: np.random.Generator) -> NDArray[np.uint8]:
    grid = np.zeros((side, side), np.uint8)
    middle = side // 2
    grid[middle, middle] = 1
    radius, done = 1.0, 1
    while done < cells and radius < middle - 12:
        angle = 2 * np.pi * draw.random()
        birth = radius + 5.0
        r, c = middle + birth * np.cos(angle), middle + birth * np.sin(angle)
        row, column = int(r), int(c)
        while True:
            dr, dc = row - middle, column - middle
            away = np.sqrt(dr * dr + dc * dc)
            if away > 2.0 * birth + 20:
                angle = 2 * np.pi * draw.random()
                row, column = int(middle + birth * np.cos(angle)), int(middle + birth * np.sin(angle))
                continue
            if away > birth + 2:
                jump = max(1, int(away - birth))
                angle = 2 * np.pi * draw.random()
                row, column = row + int(jump * np.cos(angle)), column + int(jump * np.sin(angle))
                continue
            if grid[row - 1, column] or grid[row + 1, column] or grid[row, column - 1] or grid[row, column + 1]:
                grid[row, column] = 1
                done += 1
                radius = max(radius, away)
                break
            way = int(4 * draw.random())
            if way == 0:
                row -= 1
            elif way == 1:
                row += 1
            elif way == 2:
                column -= 1
            else:
                column += 1
    return grid


def dla(seed: int) -> tuple[Mask, float]:
    """Return a cluster of diffusion-limited aggregation on the square lattice, 11,000 cells."""
    return _grow_dla(640, 11_000, np.random.default_rng(5000 + seed)).astype(bool), 1.71


def percolation(seed: int) -> tuple[Mask, float]:
    occupied = np.random.default_rng(2000 + seed).random((SIDE, SIDE)) < P_C
    labels, _ = ndimage.label(occupied)
    largest: Mask = labels == np.bincount(labels.ravel())[1:].argmax() + 1
    return largest, 91 / 48


def fractal_percolation(seed: int) -> tuple[Mask, float]:
    """Keep each part of each square with one chance, down to single cells (Mandelbrot)."""
    draw = np.random.default_rng(3000 + seed)
    while True:
        chance = draw.uniform(0.6, 0.9)
        mask = np.ones((1, 1), dtype=bool)
        for _ in range(9):
            mask = np.kron(mask, np.ones((2, 2), dtype=bool)) & (draw.random((2 * len(mask),) * 2) < chance)
        if mask.sum() > 200:
            return mask, 2 + math.log2(chance)


def brownian_levels(seed: int) -> tuple[Mask, float]:
    """Return the cells along the level set at 0 of a fractional Brownian surface of exponent H; D = 2 - H."""
    draw = np.random.default_rng(4000 + seed)
    exponent = draw.uniform(0.2, 0.8)
    size = 2 * SIDE
    wave = np.hypot(np.fft.fftfreq(size)[:, None], np.fft.fftfreq(size))
    wave[0, 0] = np.inf
    surface = np.fft.ifft2(np.fft.fft2(draw.normal(size=(size, size))) * wave ** -(exponent + 1.0)).real
    above = surface[:SIDE, :SIDE] > np.median(surface[:SIDE, :SIDE])
    edge = np.zeros_like(above)
    edge[:-1] |= above[:-1] != above[1:]
    edge[:, :-1] |= above[:, :-1] != above[:, 1:]
    return edge, 2 - exponent


CLASSES = {
    "random similar sets": (random_similar, 40), "named sets": (named, 10), "DLA": (dla, 6),
    "percolation clusters": (percolation, 10), "fractal percolation": (fractal_percolation, 17),
    "Brownian level sets": (brownian_levels, 17),
}  # fmt: skip


def fractals(offset: int = 0) -> Iterator[tuple[str, Mask, float]]:
    """Yield class, mask and dimension of the 100 sets."""
    for name, (make, count) in CLASSES.items():
        for seed in range(count):
            yield name, *make(seed + offset)


def others(side: int = SIDE, offset: int = 0) -> Iterator[tuple[str, Mask]]:
    """Yield class and mask of 110 sets that are no fractals."""
    row, column = np.indices((side, side))
    for seed in range(offset, offset + 10):
        draw = np.random.default_rng(seed)
        y, x, r = *draw.uniform(0.35, 0.65, 2) * side, draw.uniform(0.05, 0.33) * side
        distance = np.hypot(row - y, column - x)
        noise = draw.normal(size=(side, side))
        yield "disk", distance < r
        yield "ring", np.abs(distance - r) < draw.uniform(0.7, 3)
        yield "white noise", noise > draw.uniform(-1, 2)
        yield "smoothed noise", ndimage.gaussian_filter(noise, draw.uniform(2, 9)) > 0
        yield "stripes", np.cos((row * math.cos(seed) + column * math.sin(seed)) * draw.uniform(0.1, 0.8)) > 0.3
        yield "labyrinth", _labyrinth(side, draw.uniform(6, 30), noise)
        angle = np.arctan2(row - y, column - x)
        yield "spiral", np.cos(angle - distance * draw.uniform(0.05, 0.4)) > draw.uniform(0.3, 0.9)
        points = draw.uniform(0, side, (int(draw.integers(10, 200)), 2))
        yield "Voronoi edges", _voronoi(side, points)
        yield "text", _text(side, draw)
        yield "sparse dust", draw.random((side, side)) < draw.uniform(0.002, 0.05)
        yield "few lines", _lines(side, draw)


def _labyrinth(side: int, wavelength: float, noise: NDArray[np.float64]) -> Mask:
    wave = np.hypot(np.fft.fftfreq(side)[:, None], np.fft.fftfreq(side))
    ring = np.exp(-(((wave - 1 / wavelength) * wavelength / 0.12) ** 2))
    return np.asarray(np.fft.ifft2(np.fft.fft2(noise) * ring).real > 0)


def _voronoi(side: int, points: NDArray[np.float64]) -> Mask:
    seeds = np.ones((side, side), dtype=bool)
    seeds[points[:, 0].astype(int), points[:, 1].astype(int)] = False
    nearest = ndimage.distance_transform_edt(seeds, return_distances=False, return_indices=True)
    label = nearest[0] * side + nearest[1]
    edge: Mask = np.zeros((side, side), dtype=bool)
    edge[:-1] |= label[:-1] != label[1:]
    edge[:, :-1] |= label[:, :-1] != label[:, 1:]
    return edge


def _text(side: int, draw: np.random.Generator) -> Mask:
    """Return lines of glyphs of 5 x 7 random dots, joined and apart like letters."""
    scale = int(draw.integers(1, 5))
    page = np.zeros((side // scale + 8, side // scale + 8), dtype=bool)
    glyphs = draw.random((26, 7, 5)) < 0.45
    for top in range(2, len(page) - 9, 11):
        left = 2
        while left < len(page) - 14:
            for _ in range(int(draw.integers(2, 9))):
                if left < len(page) - 8:
                    page[top : top + 7, left : left + 5] = glyphs[draw.integers(26)]
                left += 6
            left += 4
    return np.kron(page, np.ones((scale, scale), dtype=bool))[:side, :side]


def _lines(side: int, draw: np.random.Generator) -> Mask:
    mask = np.zeros((side, side), dtype=bool)
    for _ in range(int(draw.integers(2, 12))):
        ends = draw.uniform(0, side - 1, (2, 2))
        steps = np.linspace(0, 1, 2 * side)[:, None]
        cells = np.rint(ends[0] + steps * (ends[1] - ends[0])).astype(int)
        mask[cells[:, 0], cells[:, 1]] = True
    return mask


class Outcome(NamedTuple):
    """What was measured of one set."""

    name: str
    error: float
    held: bool
    verdict: str


def measured(offset: int = 0) -> tuple[list[Outcome], list[Outcome]]:
    """Return the outcomes of the fractals and of the others, whose errors mean nothing."""
    import mycelium_fractal_net as mfn

    known, unknown = [], []
    for name, mask, truth in fractals(offset):
        found = mfn.box_counting_dimension(mask)
        error = found.dimension - truth
        known.append(Outcome(name, error, abs(error) <= 1.96 * found.standard_error, found.verdict))
    for name, mask in others(offset=offset):
        unknown.append(Outcome(name, math.nan, False, mfn.box_counting_dimension(mask).verdict))
    return known, unknown


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--offset", type=int, default=0, help="added to every seed")
    known, unknown = measured(parser.parse_args().offset)
    print("| class | sets | mean error | standard deviation | interval holds | verdicts |\n|---|---|---|---|---|---|")
    for name in dict.fromkeys(outcome.name for outcome in known):
        rows = [outcome for outcome in known if outcome.name == name]
        errors = np.array([row.error for row in rows])
        held = sum(row.held for row in rows)
        print(f"| {name} | {len(rows)} | {errors.mean():+.3f} | {errors.std():.3f} | {held} | {_words(rows)} |")
    for name in dict.fromkeys(outcome.name for outcome in unknown):
        rows = [outcome for outcome in unknown if outcome.name == name]
        print(f"| {name} | {len(rows)} | | | | {_words(rows)} |")
    found, false = (sum(row.verdict == "fractal" for row in rows) for rows in (known, unknown))
    print(
        f"{found} of {len(known)} found, {false} of {len(unknown)} false; {sum(r.held for r in known)} intervals hold"
    )


def _words(rows: list[Outcome]) -> str:
    return ", ".join(f"{word} {count}" for word, count in Counter(row.verdict for row in rows).items())


if __name__ == "__main__":
    main()
