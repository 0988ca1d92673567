"""Whether a series rises, and how often one without a trend would look as if it did."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from mycelium_fractal_net._checks import as_float64, as_whole
from mycelium_fractal_net.signals.windows import as_series, autocorrelation

__all__ = ["ar1_surrogates", "kendall_tau", "phase_surrogates"]

Series = NDArray[np.float64]

_LARGEST_PHI = 0.999


def kendall_tau(values: Any) -> Series:
    r"""Return the rank correlation of a series with time, along the last axis.

    .. math:: \tau = \frac{2}{n(n-1)} \sum_{i<j} \operatorname{sign}(x_j - x_i)

    Parameters
    ----------
    values : array_like (..., n)
        One series, or many.

    Returns
    -------
    numpy.ndarray (...)
        From -1 (falls at every step) to 1 (rises at every step); pairs of equal values count 0.

    Notes
    -----
    Kendall (1938), doi:10.1093/biomet/30.1-2.81. Takes O(n^2) comparisons a series.

    Examples
    --------
    >>> float(kendall_tau([1, 2, 4, 3]).round(3))
    0.667
    """
    series = as_float64("values", values)
    n = series.shape[-1]
    total = np.zeros(series.shape[:-1])
    for lag in range(1, n):
        total += np.sign(series[..., lag:] - series[..., :-lag]).sum(axis=-1)
    return np.asarray(2 * total / (n * (n - 1)))


def ar1_surrogates(series: Any, count: int, rng: np.random.Generator) -> Series:
    """Draw stationary series of the same length, mean, variance and autocorrelation at lag one.

    Parameters
    ----------
    series : array_like (n,)
        What they resemble.
    count : int
        How many, at least 1.
    rng : numpy.random.Generator
        Where randomness comes from.

    Returns
    -------
    numpy.ndarray (count, n)

    Notes
    -----
    The coefficient is corrected for the bias of short series, (1 + 3 r)/n: Kendall (1954),
    doi:10.1093/biomet/41.3-4.403.
    """
    values, count = as_series("series", series), as_whole("count", count, 1)
    n = values.size
    r = float(autocorrelation(values))
    phi = min(max(r + (1 + 3 * r) / n, -_LARGEST_PHI), _LARGEST_PHI)
    noise = rng.standard_normal((n, count)) * np.sqrt(1 - phi**2)
    state = rng.standard_normal(count)
    for row in noise:
        state = row[:] = phi * state + row
    return np.asarray(values.mean() + values.std() * noise.T)


def phase_surrogates(series: Any, count: int, rng: np.random.Generator) -> Series:
    """Draw series with the same power spectrum and random phases.

    Parameters, returns: as for :func:`ar1_surrogates`.

    Notes
    -----
    Theiler et al. (1992), doi:10.1016/0167-2789(92)90102-S. Periodic: ends that differ leak into the spectrum.
    """
    values, count = as_series("series", series), as_whole("count", count, 1)
    spectrum = np.fft.rfft(values)
    angles = rng.uniform(0, 2 * np.pi, (count, spectrum.size))
    turned = np.abs(spectrum) * np.exp(1j * angles)
    turned[:, 0] = spectrum[0]
    if values.size % 2 == 0:
        turned[:, -1] = np.abs(spectrum[-1]) * np.sign(np.cos(angles[:, -1]))  # the fastest has no phase but its sign
    return np.fft.irfft(turned, values.size, axis=-1)
