"""Sets whose dimension is known, made without the package."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

Mask = NDArray[np.bool_]

PATTERNS = {
    "sierpinski": [[1, 0], [1, 1]],
    "carpet": [[1, 1, 1], [1, 0, 1], [1, 1, 1]],
    "vicsek": [[0, 1, 0], [1, 1, 1], [0, 1, 0]],
    "diagonal cross": [[1, 0, 1], [0, 1, 0], [1, 0, 1]],
    "cantor dust": [[1, 0, 1], [0, 0, 0], [1, 0, 1]],
    "quarter dust": [[1, 0, 0, 1], [0, 0, 0, 0], [0, 0, 0, 0], [1, 0, 0, 1]],
    "seven of twenty-five": [[1, 0, 1, 0, 1], [0] * 5, [0, 0, 1, 0, 0], [0] * 5, [1, 0, 1, 0, 1]],
    "frame of four": [[1, 1, 1, 1], [1, 0, 0, 1], [1, 0, 0, 1], [1, 1, 1, 1]],
    "frame of five": [[1, 1, 1, 1, 1], [1, 0, 0, 0, 1], [1, 0, 0, 0, 1], [1, 0, 0, 0, 1], [1, 1, 1, 1, 1]],
}
LEVELS = {2: 7, 3: 4, 4: 4, 5: 3}


def kronecker_power(pattern: Any, level: int) -> NDArray[Any]:
    """Replace every cell of a pattern by the pattern, again and again."""
    made = np.ones((1, 1), dtype=np.asarray(pattern).dtype)
    for _ in range(level):
        made = np.kron(made, pattern)
    return made


def self_similar(name: str) -> tuple[Mask, int, float]:
    """Return a set at a handy level, its base and its dimension."""
    pattern = np.asarray(PATTERNS[name])
    base = len(pattern)
    mask = kronecker_power(pattern, LEVELS[base]).astype(bool)
    return mask, base, float(np.log(pattern.sum()) / np.log(base))


def placed(mask: Mask, above: int, left: int, below: int = 0, right: int = 0) -> Mask:
    """Put a set somewhere into a larger empty array."""
    return np.pad(mask, ((above, below), (left, right)))


def disk(size: int, radius: float) -> Mask:
    """Return a filled disk in the middle of a square array."""
    row, column = np.indices((size, size)) - (size - 1) / 2
    result: Mask = np.hypot(row, column) <= radius
    return result


def labyrinth(size: int, wavelength: float, seed: int = 0) -> Mask:
    """Return random stripes of one wavelength on a torus: filtered noise above 0."""
    noise = np.fft.fft2(np.random.default_rng(seed).standard_normal((size, size)))
    frequencies = np.fft.fftfreq(size)
    ring = np.exp(-(((np.hypot(*np.meshgrid(frequencies, frequencies)) - 1 / wavelength) / 0.012) ** 2))
    result: Mask = np.fft.ifft2(noise * ring).real > 0
    return result
