"""Named systems of contracting affine maps of the plane, and random ones that obey the open set condition."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

__all__ = ["NAMED", "AffineMaps", "random_similarities"]


@dataclass(frozen=True, eq=False)
class AffineMaps:
    """The maps x -> A_k x + b_k of a system.

    Attributes
    ----------
    matrices : ndarray of float64, shape (k, 2, 2)
    offsets : ndarray of float64, shape (k, 2)
    probabilities : ndarray of float64, shape (k,), optional
        Those of the literature, where the system comes with some.
    frame : (float, float, float), optional
        Left, bottom and side of a square around the attractor.
    """

    matrices: NDArray[np.float64]
    offsets: NDArray[np.float64]
    probabilities: NDArray[np.float64] | None = None
    frame: tuple[float, float, float] | None = None


def _similarity(ratio: float, degrees: float = 0.0, x: float = 0.0, y: float = 0.0) -> list[list[float]]:
    cosine, sine = ratio * math.cos(math.radians(degrees)), ratio * math.sin(math.radians(degrees))
    return [[cosine, -sine], [sine, cosine], [x, y]]


def _of(maps: Sequence[Sequence[Sequence[float]]], frame: tuple[float, float, float] | None) -> AffineMaps:
    table = np.asarray(maps, dtype=np.float64)
    return AffineMaps(table[:, :2].copy(), table[:, 2].copy(), frame=frame)


def _of_pattern(rows: Sequence[str]) -> AffineMaps:
    """Make the system that puts a copy of the unit square into every cell marked ``#``."""
    base = len(rows)
    cells = [(column, base - 1 - row) for row in range(base) for column in range(base) if rows[row][column] == "#"]
    matrices = np.tile(np.eye(2) / base, (len(cells), 1, 1))
    return AffineMaps(matrices, np.asarray(cells, dtype=np.float64) / base, frame=(0.0, 0.0, 1.0))


def _koch() -> AffineMaps:
    third, peak = 1.0 / 3.0, math.sqrt(3.0) / 6.0
    maps = [
        _similarity(third),
        _similarity(third, 60.0, third, 0.0),
        _similarity(third, -60.0, 0.5, peak),
        _similarity(third, 0.0, 2.0 * third, 0.0),
    ]
    return _of(maps, (0.0, -0.35, 1.0))


def _dragon() -> AffineMaps:
    ratio = math.sqrt(0.5)
    return _of([_similarity(ratio, 45.0), _similarity(ratio, 135.0, 1.0, 0.0)], (-0.4, -0.6, 1.65))


def _hexaflake() -> AffineMaps:
    third = 1.0 / 3.0
    corners = [math.radians(60.0 * k) for k in range(6)]
    around = [_similarity(third, 0.0, 2 * third * math.cos(t), 2 * third * math.sin(t)) for t in corners]
    return _of([_similarity(third), *around], (-1.0, -1.0, 2.0))


def _barnsley_fern() -> AffineMaps:
    table = np.asarray(
        [
            [[0.0, 0.0], [0.0, 0.16], [0.0, 0.0]],
            [[0.85, 0.04], [-0.04, 0.85], [0.0, 1.6]],
            [[0.2, -0.26], [0.23, 0.22], [0.0, 1.6]],
            [[-0.15, 0.28], [0.26, 0.24], [0.0, 0.44]],
        ]
    )
    probabilities = np.asarray([0.01, 0.85, 0.07, 0.07])
    return AffineMaps(table[:, :2].copy(), table[:, 2].copy(), probabilities, (-4.7, 0.0, 10.0))


NAMED: dict[str, Callable[[], AffineMaps]] = {
    "barnsley-fern": _barnsley_fern,
    "cantor-dust": lambda: _of_pattern(["#.#", "...", "#.#"]),
    "carpet": lambda: _of_pattern(["###", "#.#", "###"]),
    "dragon": _dragon,
    "hexaflake": _hexaflake,
    "koch": _koch,
    "sierpinski": lambda: _of_pattern(["#.", "##"]),
    "vicsek": lambda: _of_pattern([".#.", "###", ".#."]),
}


def random_similarities(count: int, generator: np.random.Generator) -> AffineMaps:
    """Draw similarities that send the unit square into different cells of a grid.

    The open square is then the set of the open set condition.
    Each turns by any angle, may reflect, and fills between a half and all of the room that its cell leaves.
    """
    grid = math.ceil(math.sqrt(count))
    cells = generator.permutation(grid * grid)[:count]
    matrices, offsets = np.empty((count, 2, 2)), np.empty((count, 2))
    for index, cell in enumerate(cells.tolist()):
        angle = generator.uniform(0.0, 2.0 * math.pi)
        cosine, sine = math.cos(angle), math.sin(angle)
        ratio = generator.uniform(0.5, 1.0) / (grid * (abs(cosine) + abs(sine)))
        reflection = -1.0 if generator.random() < 0.5 else 1.0
        matrices[index] = ratio * np.asarray([[cosine, -sine * reflection], [sine, cosine * reflection]])
        centre = (np.asarray([cell % grid, cell // grid]) + 0.5) / grid
        offsets[index] = centre - matrices[index] @ np.asarray([0.5, 0.5])
    return AffineMaps(matrices, offsets, frame=(0.0, 0.0, 1.0))
