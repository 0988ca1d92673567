"""Statistics in a window that moves along a series; each takes arrays and works along their last axis."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from mycelium_fractal_net._checks import as_float64, as_number, as_whole, refusal

__all__ = ["Statistic", "as_series", "autocorrelation", "reddening", "rolling", "skewness", "smoothed", "variance"]

Series: TypeAlias = NDArray[np.float64]
Statistic: TypeAlias = Callable[[Series], Series]
"""From windows (..., length) to one number each (...)."""

_SHORTEST = 8


def as_series(name: str, value: Any, least: int = _SHORTEST) -> Series:
    """Return a finite series of at least ``least`` values, shape (n,), or say what is wrong with it."""
    series = as_float64(name, value)
    if series.ndim != 1 or series.size < least:
        raise refusal(name, f"a series of at least {least} numbers, shape (n,)", value)
    if not np.isfinite(series).all():
        raise refusal(name, "finite everywhere (drop or fill what is missing)", value)
    return series


def variance(windows: Series) -> Series:
    """Return the sample variance, n - 1 in the denominator."""
    return np.asarray(windows.var(axis=-1, ddof=1))


def autocorrelation(windows: Series) -> Series:
    r"""Return the autocorrelation at lag one, 0 where nothing varies.

    .. math:: r_1 = \sum_{t<n} (x_t - \bar x)(x_{t+1} - \bar x) \Big/ \sum_t (x_t - \bar x)^2
    """
    centred = windows - windows.mean(axis=-1, keepdims=True)
    return _ratio((centred[..., 1:] * centred[..., :-1]).sum(axis=-1), (centred**2).sum(axis=-1))


def skewness(windows: Series) -> Series:
    """Return Fisher's skewness of the population, 0 where nothing varies."""
    centred = windows - windows.mean(axis=-1, keepdims=True)
    return _ratio((centred**3).mean(axis=-1), (centred**2).mean(axis=-1) ** 1.5)


def reddening(windows: Series) -> Series:
    """Return how red the spectrum is: minus the slope of log power against log frequency; white noise gives 0.

    Source: Kleinen, Held, Petschel-Held (2003), doi:10.1007/s10236-002-0023-6.
    """
    centred = windows - windows.mean(axis=-1, keepdims=True)
    power = np.abs(np.fft.rfft(centred, axis=-1)[..., 1:]) ** 2
    x = np.log(np.arange(1, power.shape[-1] + 1))
    x -= x.mean()
    floor = np.finfo(np.float64).tiny
    return np.asarray(-(np.log(np.maximum(power, floor)) @ x) / (x @ x))


def _ratio(above: Series, below: Series) -> Series:
    return np.divide(above, below, out=np.zeros_like(above), where=below > 0)


def rolling(series: Any, window: int, statistic: Statistic = variance) -> Series:
    """Compute a statistic in every full window of a series.

    Parameters
    ----------
    series : array_like (n,) or (..., n)
        Values at equal steps.
    window : int
        Length of a window, 8 to n.
    statistic : callable
        From windows (..., window) to one number each; those of this module, or one's own.

    Returns
    -------
    numpy.ndarray (..., n - window + 1)
        Entry i belongs to the window that ends at step i + window - 1.

    Examples
    --------
    >>> rolling([0, 1, 0, 1, 0, 1, 0, 1, 0], window=8, statistic=autocorrelation).round(3)
    array([-0.875, -0.875])
    """
    values = as_float64("series", series)
    if values.ndim == 0 or values.shape[-1] < _SHORTEST:
        raise refusal("series", f"at least {_SHORTEST} numbers along the last axis", series)
    window = as_whole("window", window, _SHORTEST, values.shape[-1])
    return statistic(np.lib.stride_tricks.sliding_window_view(values, window, axis=-1))


def smoothed(series: Series, bandwidth: float) -> Series:
    """Return the moving average of a series under a Gaussian of a standard deviation, normalised at the ends.

    Parameters
    ----------
    series : numpy.ndarray (..., n)
        Values at equal steps.
    bandwidth : float
        Standard deviation in steps, > 0.
    """
    bandwidth = as_number("bandwidth", bandwidth, above=0)
    steps = np.arange(series.shape[-1])
    weights = np.exp(-0.5 * ((steps[:, None] - steps) / bandwidth) ** 2)
    return np.asarray(series @ (weights / weights.sum(axis=0)))
