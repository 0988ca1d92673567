"""Signs of slowing down before a transition: statistics of a moving window, their trend, and its p-value."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from mycelium_fractal_net._checks import as_choice, as_number, as_whole
from mycelium_fractal_net.signals.trend import ar1_surrogates, kendall_tau, phase_surrogates
from mycelium_fractal_net.signals.windows import (
    Statistic,
    as_series,
    autocorrelation,
    reddening,
    rolling,
    skewness,
    smoothed,
    variance,
)

__all__ = ["STATISTICS", "EarlyWarning", "early_warning"]

STATISTICS: Mapping[str, Statistic] = {
    "variance": variance,
    "autocorrelation": autocorrelation,
    "skewness": skewness,
    "reddening": reddening,
}
"""What can be watched in a window."""

_SURROGATES: Mapping[str, Callable[..., NDArray[np.float64]]] = {"ar1": ar1_surrogates, "phase": phase_surrogates}
_AT_ONCE = 1 << 22


@dataclass(frozen=True)
class EarlyWarning:
    """How a statistic of a series moved, and how often it moves as far in a series without a transition.

    Attributes
    ----------
    statistic : str
        One of `STATISTICS`.
    values : numpy.ndarray (n - window + 1,)
        The statistic in each window; its unit is the statistic's.
    tau : float
        Kendall's rank correlation of ``values`` with time, -1 to 1.
    p_value : float
        Share of the null distribution that rises at least as much (for skewness: moves as far, either way), > 0 to 1.
    window : int
        Length of a window, in steps of the series.
    null : numpy.ndarray (surrogates,)
        tau of the surrogates.
    """

    statistic: str
    values: NDArray[np.float64]
    tau: float
    p_value: float
    window: int
    null: NDArray[np.float64]

    def explain(self, level: float = 0.05) -> str:
        """Say in a sentence what was found, at a level of false alarms."""
        level = as_number("level", level, above=0, below=1)
        moved = "moves" if self.statistic == "skewness" else "rises"
        found = moved if self.p_value <= level else "shows no trend"
        return f"{self.statistic} {found} (tau {self.tau:+.2f}, p {self.p_value:.3g}, window {self.window})"


def early_warning(
    series: Any,
    statistic: str = "variance",
    *,
    window: int | None = None,
    bandwidth: float | None = None,
    surrogates: int = 999,
    null: Literal["ar1", "phase"] = "ar1",
    seed: int = 0,
) -> EarlyWarning:
    """Test whether a statistic of a moving window rises, as it does when a system slows down before a transition.

    Parameters
    ----------
    series : array_like (n,)
        A feature at equal steps, at least 32 of them.
    statistic : str
        One of `STATISTICS`.
    window : int, optional
        Length of the window; half of the series by default.
    bandwidth : float, optional
        The mean that moves is taken away by a Gaussian of this standard deviation, in steps; a tenth of the series by
        default; ``math.inf`` takes away one mean.
    surrogates : int
        Size of the null distribution; the smallest p-value is 1/(surrogates + 1).
    null : {"ar1", "phase"}
        What a series without a transition looks like: first-order autoregressive, or with the same spectrum.
    seed : int
        Of the surrogates.

    Raises
    ------
    InvalidInputError
        For a series that is too short or not finite, a window that does not fit, an unknown statistic.

    Notes
    -----
    A surrogate passes through the same steps as the series, the moving mean included. Dakos et al. (2012),
    doi:10.1371/journal.pone.0041010; Scheffer et al. (2009), doi:10.1038/nature08227. What the method cannot see:
    transitions without slowing down (first order, driven by one large event), ramps that are quicker than the slowest
    mode, and noise too weak to keep the system moving.

    Examples
    --------
    >>> noise = np.random.default_rng(1).standard_normal(400)
    >>> slower = np.zeros(400)
    >>> for t in range(1, 400):
    ...     slower[t] = 0.95 * t / 400 * slower[t - 1] + noise[t]
    >>> early_warning(slower, "autocorrelation", surrogates=99).p_value < 0.05
    True
    >>> early_warning(noise, "autocorrelation", surrogates=99).p_value > 0.05
    True
    """
    values = as_series("series", series, 32)
    name = as_choice("statistic", statistic, STATISTICS)
    draw = _SURROGATES[as_choice("null", null, _SURROGATES)]
    length = values.size // 2 if window is None else as_whole("window", window, 8, values.size - 8)
    width = values.size / 10 if bandwidth is None else bandwidth
    count = as_whole("surrogates", surrogates, 19)
    rng = np.random.default_rng(as_whole("seed", seed, 0))

    residuals = _without_mean(values, width)
    found = rolling(residuals, length, STATISTICS[name])
    batch = max(1, _AT_ONCE // (values.size * length))
    taus = []
    for start in range(0, count, batch):
        drawn = draw(residuals, min(batch, count - start), rng)
        taus.append(kendall_tau(rolling(_without_mean(drawn, width), length, STATISTICS[name])))
    nulls = np.concatenate(taus)
    tau = float(kendall_tau(found))
    as_far = np.abs(nulls) >= abs(tau) if name == "skewness" else nulls >= tau
    return EarlyWarning(name, found, tau, (1 + int(as_far.sum())) / (1 + count), length, nulls)


def _without_mean(values: NDArray[np.float64], bandwidth: float) -> NDArray[np.float64]:
    if bandwidth == np.inf:
        return np.asarray(values - values.mean(axis=-1, keepdims=True))
    return np.asarray(values - smoothed(values, bandwidth))
