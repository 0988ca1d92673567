"""The set ``spectral``, and the same questions asked of any field: how its power is spread over scale and direction."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from mycelium_fractal_net.features._sample import Sample
from mycelium_fractal_net.features._schema import described
from mycelium_fractal_net.features.spectrum import find_wavelength, power_spectrum

__all__ = ["BINS", "SPECTRAL", "shape_of", "shape_rows", "spectral"]

BINS = 16
_EDGES = np.geomspace(1 / 64, 0.5, BINS + 1)[1:-1]
_LEAST = 1e-16  # share of the mean power below which rounding speaks


def shape_rows(letter: str) -> list[tuple[str, str, str]]:
    """Return name, unit and definition of what :func:`shape_of` returns, for a field called by this letter."""
    middles = np.geomspace(1 / 64, 0.5, 2 * BINS + 1)[1::2]
    powers = [
        (
            f"{letter}_power_{k:02d}",
            "1",
            f"log10 of the mean power of waves of about {1 / wave:.3g} cells over that of all",
        )
        for k, wave in enumerate(middles, start=1)
    ]
    return [
        *powers,
        (f"{letter}_wavelength", "cells", "wavelength of the peak of the radial spectrum; none where none stands out"),
        (f"{letter}_prominence", "1", "log10 of how far that peak stands above the valley towards longer waves"),
        (f"{letter}_bandwidth", "1", "width of the spectrum, standard deviation of ln k"),
        (f"{letter}_anisotropy_2", "1", "how much waves prefer one direction, 0 to 1"),
        (f"{letter}_anisotropy_4", "1", "how much they prefer the axes (above 0) or the diagonals (below 0), -1 to 1"),
    ]


SPECTRAL = described("spectral", shape_rows("V"))
"""The set ``spectral``, in its order."""


def spectral(sample: Sample) -> list[float]:
    """Compute the set ``spectral`` of a checked field."""
    return shape_of(sample.field, sample.periodic)


def shape_of(field: NDArray[np.float64], periodic: bool) -> list[float]:
    """Return powers in logarithmic bins, peak, width and anisotropies; NaN for a constant field."""
    spectrum = power_spectrum(field, periodic)
    power, wavenumber = spectrum.power.ravel(), spectrum.wavenumber.ravel()
    total = float(power.sum())
    if field.min() == field.max() or not total > 0.0:
        return [math.nan] * (BINS + 5)
    waves = wavenumber > 0.0
    level = np.log(wavenumber[waves])
    shares = power[waves] / total
    middle = float(shares @ level)
    width = math.sqrt(max(0.0, float(shares @ level**2) - middle**2))
    down, across = np.fft.fftfreq(field.shape[0])[:, None], np.fft.fftfreq(field.shape[1])[None, :]
    angle = np.arctan2(down, across).ravel()[waves]
    two = math.hypot(float(shares @ np.cos(2 * angle)), float(shares @ np.sin(2 * angle)))
    peak = find_wavelength(field, periodic)
    shape = [peak.wavelength, peak.prominence, width, two, float(shares @ np.cos(4 * angle))]
    return [*_bins(power[waves], wavenumber[waves]), *shape]


def _bins(power: NDArray[np.float64], wavenumber: NDArray[np.float64]) -> list[float]:
    """Return log10 of the mean power in each bin over that of all waves; empty bins lie on the line between others."""
    where = np.searchsorted(_EDGES, wavenumber, side="right")
    modes = np.bincount(where, minlength=BINS)
    held = np.flatnonzero(modes)
    mean = np.bincount(where, weights=power, minlength=BINS)[held] / modes[held]
    relative = np.log10(np.maximum(mean / power.mean(), _LEAST))
    return [float(value) for value in np.interp(np.arange(BINS), held, relative)]
