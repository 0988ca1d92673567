"""The field in wave-number space: radial power spectrum and the wavelength that dominates."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from mycelium_fractal_net.features._input import as_field

__all__ = ["measure_wavelength", "radial_power_spectrum"]

Array = NDArray[np.float64]


def radial_power_spectrum(field: ArrayLike) -> tuple[Array, Array]:
    """Return the power of a field averaged over rings of equal wave number.

    Parameters
    ----------
    field : array_like, shape (N, M)
        Any real field; its mean is removed.

    Returns
    -------
    wave_numbers : ndarray, shape (n,)
        Of each ring that holds a mode, weighted by power, in radians a cell.
    power : ndarray, shape (n,)
        Mean of abs(FFT)^2 / (N M)^2 over the ring's modes.

    Examples
    --------
    >>> import numpy as np
    >>> k, power = radial_power_spectrum(np.cos(2 * np.pi * np.arange(32) / 8) * np.ones((32, 1)))
    >>> bool(np.isclose(k[power.argmax()], 2 * np.pi / 8))
    True
    """
    values = np.asarray(as_field(field), dtype=np.float64)
    values = values - values.mean()
    scale = float(np.abs(values).max())
    power: Any = np.abs(np.fft.fft2(values / scale if scale > 0 else values)) ** 2
    power *= (scale / values.size) ** 2
    rows, columns = (2 * np.pi * np.fft.fftfreq(n) for n in values.shape)
    wave = np.hypot(rows[:, None], columns[None, :]).ravel()
    ring = np.rint(wave / (2 * np.pi / max(values.shape))).astype(np.int64)
    inside = (ring > 0) & (wave <= np.pi * (1 + 1e-12))
    ring, wave, weight = ring[inside], wave[inside], power.ravel()[inside]
    modes = np.bincount(ring).astype(np.float64)
    total = np.bincount(ring, weight)
    plain = np.bincount(ring, wave)
    weighted = np.bincount(ring, wave * weight)
    held = modes > 0
    with np.errstate(invalid="ignore", divide="ignore"):
        centre = np.where(total > 0, weighted / total, plain / modes)
    return centre[held], total[held] / modes[held]


def measure_wavelength(field: ArrayLike) -> float:
    """Measure the wavelength that dominates a field.

    The strongest ring of the radial power spectrum and its two neighbours, averaged with their power as weight.

    Parameters
    ----------
    field : array_like, shape (N, M)
        Any real field, at least 4 cells along one side.

    Returns
    -------
    float
        Wavelength in cells; NaN for a field without structure, such as a constant one.

    Raises
    ------
    InvalidInputError
        For what is not a field of finite numbers.

    Examples
    --------
    >>> import numpy as np
    >>> stripes = np.sin(2 * np.pi * np.arange(64) / 8)[:, None] * np.ones(64)
    >>> round(measure_wavelength(stripes), 6)
    8.0
    """
    wave, power = radial_power_spectrum(field)
    values = np.asarray(field, dtype=np.float64)
    if power.size == 0 or power.max() <= (1e-13 * max(1e-300, float(np.abs(values).max()))) ** 2:
        return math.nan
    best = int(power.argmax())
    near = slice(max(best - 1, 0), best + 2)
    return float(2 * np.pi * power[near].sum() / (power[near] * wave[near]).sum())
