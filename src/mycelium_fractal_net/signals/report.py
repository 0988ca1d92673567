"""A signal as it is told: one statistic of one series, with its p-value."""

from __future__ import annotations

from typing import Any, Literal, NamedTuple

from mycelium_fractal_net._checks import as_number
from mycelium_fractal_net.signals.slowing import early_warning

__all__ = ["Signal", "raise_signal"]

Severity = Literal["none", "notable", "strong"]
_STRONG = 0.1


class Signal(NamedTuple):
    """What is measured; what to do about it is for whoever reads it.

    Attributes
    ----------
    signal : str
        ``early_warning``.
    series : str
        Name of the feature.
    statistic : str
        What was watched in the window.
    value : float
        The statistic in the last window.
    trend : float
        Kendall's tau of the statistic with time, -1 to 1.
    p_value : float
        Share of the null distribution with at least that trend, > 0 to 1.
    window : int
        Length of the window in steps.
    step : int
        Index of the last value.
    severity : str
        ``none`` where p is above the level, ``strong`` where it is at most a tenth of it, ``notable`` between.
    receipt : str
        Digest of the run that the series is from, empty where it is not known.
    """

    signal: str
    series: str
    statistic: str
    value: float
    trend: float
    p_value: float
    window: int
    step: int
    severity: Severity
    receipt: str = ""


def raise_signal(
    name: str, values: Any, statistic: str = "variance", *, level: float = 0.05, receipt: str = "", **options: Any
) -> Signal:
    """Measure one statistic of one series, and say it as a signal.

    Parameters
    ----------
    name : str
        Of the series.
    values : array_like (n,)
        A feature at equal steps, at least 32 of them.
    statistic : str
        See :data:`STATISTICS`.
    level : float
        Of false alarms, 0 to 1.
    receipt : str
        Of the run.
    **options
        Those of :func:`early_warning`.

    Raises
    ------
    InvalidInputError
        As :func:`early_warning` does.

    Examples
    --------
    >>> import numpy as np
    >>> quiet = np.random.default_rng(1).standard_normal(200)
    >>> raise_signal("dV_mean", quiet, surrogates=99).severity
    'none'
    """
    level = as_number("level", level, above=0, below=1)
    found = early_warning(values, statistic, **options)
    severity: Severity = (
        "none" if found.p_value > level else "strong" if found.p_value <= _STRONG * level else "notable"
    )
    step = found.window + len(found.values) - 2
    value = float(found.values[-1])
    return Signal(
        "early_warning", name, found.statistic, value, found.tau, found.p_value, found.window, step, severity, receipt
    )
