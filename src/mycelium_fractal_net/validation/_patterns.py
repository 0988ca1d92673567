"""Checks of what is measured on a pattern: its waves, its boxes, its bars; and of the nine points of a Laplacian."""

from __future__ import annotations

import math
import threading
from collections.abc import Iterator
from importlib.util import find_spec

import numpy as np

from mycelium_fractal_net.features import extract_features, persistence_entropy, radial_power_spectrum
from mycelium_fractal_net.features.spectrum import find_wavelength
from mycelium_fractal_net.fields import SimulationConfig, simulate
from mycelium_fractal_net.fractals import box_counting_dimension, generate_ifs
from mycelium_fractal_net.validation.report import Check

__all__ = ["pattern_checks"]

_NOISES = 150


def pattern_checks(cancel: threading.Event | None = None) -> Iterator[Check]:
    """Yield the checks of wavelengths, of boxes and verdicts, of persistence where gudhi is there, and of a stencil."""
    yield from _waves()
    yield from _boxes()
    if find_spec("gudhi") is not None:
        yield from _bars()
    yield _nine_points(cancel)


def _waves() -> Iterator[Check]:
    row, column = np.indices((40, 52))
    wave = np.sin(2.0 * math.pi * (0.6 * row + 0.8 * column) / 12.1)
    found = find_wavelength(wave, periodic=False).wavelength
    yield Check.number("wavelength of a wave that does not fit the array", 12.1, found, 0.06, "drawn")
    noise = np.random.default_rng(7).normal(size=(30, 51))
    rings = radial_power_spectrum(noise, periodic=True)
    total = float((rings.power * rings.modes).sum())
    yield Check.number("power of all rings", float(noise.var()), total, 1e-9, "Parseval's theorem")
    draw = np.random.default_rng(17)
    alarms = sum(math.isfinite(find_wavelength(draw.normal(size=(12, 12)), False).wavelength) for _ in range(_NOISES))
    yield Check.number(f"wavelengths in {_NOISES} fields of white noise", 0.0, float(alarms), 1.0, "1 in 1000 at most")
    row, column = np.indices((64, 64))
    spot = np.exp(-((row - 30.0) ** 2 + (column - 25.0) ** 2) / 50.0)
    kept = sum(math.isfinite(find_wavelength(spot, periodic).wavelength) for periodic in (True, False))
    yield Check.number("wavelengths of one spot", 0.0, float(kept), 0.0, "a spot has a size alone")


def _boxes() -> Iterator[Check]:
    row, column = np.indices((100, 100))
    disk = box_counting_dimension(np.hypot(row - 50.0, column - 50.0) < 31.0, scales=[2, 4, 8, 16])
    slope = np.polyfit(-np.log(disk.scales), np.log(disk.counts), 1)[0]
    yield Check.number("slope through the counts of a disk", float(slope), disk.dimension, 1e-9, "least squares")
    triangle = generate_ifs("sierpinski", points=1).mask(512)
    scales = box_counting_dimension(triangle).scales.tolist()
    yield Check.same("sides of boxes on 512 cells", "[2, 4, 8, 16, 32, 64, 128]", str(scales), "a quarter at most")
    rows, columns = np.nonzero(triangle)
    slanted = np.zeros((1024, 512), dtype=bool)
    slanted[rows + columns, columns] = True
    verdict = box_counting_dimension(slanted).verdict
    yield Check.same("verdict on a slanted Sierpinski triangle", "fractal", verdict, "an affine image of a fractal")
    verdict = box_counting_dimension(generate_ifs("koch", points=1).mask(256)).verdict
    yield Check.same("verdict on a curve of Koch", "fractal", verdict, "a self-similar set")


def _bars() -> Iterator[Check]:
    heights = np.array([10.0, 20.0, 30.0])
    field = np.full((24, 24), -70.0)
    field[3, [3, 10, 17]] += heights
    shares = heights / heights.sum()
    entropy = float(-(shares * np.log(shares)).sum())
    yield Check.number("entropy of three peaks", entropy, persistence_entropy(field).patches, 1e-12, "their heights")
    pits = persistence_entropy(np.where(field > -70.0, -100.0, -70.0), periodic=False).holes
    yield Check.number("entropy of three equal pits", math.log(3.0), pits, 1e-12, "ln 3")
    field[10, 3] += 2.0
    lasting = extract_features(field, sets=("topology",))["lasting_patches"]
    yield Check.number("peaks of a tenth of the range", 3.0, float(lasting), 0.0, "counted")


def _nine_points(cancel: threading.Event | None) -> Check:
    config = SimulationConfig(
        grid_size=12, steps=1, stencil=9, turing_enabled=False, leak=0.0, alpha=0.1, spike_probability=0.0
    )
    field = np.random.default_rng(3).uniform(-80.0, -60.0, (12, 12))
    sides, corners = (
        sum(np.roll(field, shift, axis=(0, 1)) for shift in shifts)
        for shifts in ([(0, 1), (1, 0), (0, -1), (-1, 0)], [(1, 1), (1, -1), (-1, 1), (-1, -1)])
    )
    expected = field + 0.1 * (4.0 * sides + corners - 20.0 * field) / 6.0
    gap = float(np.abs(simulate(config, field, cancel=cancel).field_mv - expected).max())
    return Check.number("a step with nine points against NumPy", 0.0, gap, 1e-11, "Mehrstellen; Collatz 1960")
