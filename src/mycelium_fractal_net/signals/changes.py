"""Where a series changes its level: while it arrives (CUSUM, Page-Hinkley), or all at once (PELT)."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from mycelium_fractal_net._checks import as_number, as_whole
from mycelium_fractal_net.errors import MissingExtraError
from mycelium_fractal_net.signals.windows import as_series

__all__ = ["Change", "cusum", "page_hinkley", "pelt"]


class Change(NamedTuple):
    """An alarm.

    Attributes
    ----------
    step : int
        Index at which it was raised.
    began : int
        Index from which the sum has grown without a break, the estimate of when the level changed.
    direction : int
        1 for a rise, -1 for a fall.
    """

    step: int
    began: int
    direction: int


def cusum(series: Any, *, reference: int, drift: float = 0.5, threshold: float = 5.0) -> list[Change]:
    """Raise an alarm when a series leaves the level of its beginning, as a control chart does.

    Parameters
    ----------
    series : array_like (n,)
        Values in the order in which they arrive.
    reference : int
        So many values at the beginning give mean and standard deviation, 8 to n - 1.
    drift : float
        Slack a step, in standard deviations: half of the smallest change that matters.
    threshold : float
        Height of the sum that raises the alarm, in standard deviations.

    Returns
    -------
    list of Change
        The sums start again at 0 after an alarm.

    Notes
    -----
    Page (1954), doi:10.1093/biomet/41.1-2.100. With independent Gaussian values, drift 0.5 and threshold 5, 465 steps
    pass between two false alarms on average, and 10.4 until a change by one standard deviation is seen. What is
    correlated raises more: thin it, or raise the threshold.

    Examples
    --------
    >>> quiet = [0.0, 1.0] * 20
    >>> cusum([*quiet, *[9.0] * 5], reference=40)[0]
    Change(step=40, began=40, direction=1)
    """
    values = as_series("series", series)
    reference = as_whole("reference", reference, 8, values.size - 1)
    drift, threshold = as_number("drift", drift, least=0), as_number("threshold", threshold, above=0)
    base = values[:reference]
    spread = float(base.std(ddof=1)) or float(np.finfo(np.float64).tiny)
    with np.errstate(over="ignore"):
        return _alarms((values[reference:] - base.mean()) / spread, reference, drift, threshold)


def _alarms(scores: NDArray[np.float64], offset: int, drift: float, threshold: float) -> list[Change]:
    found = []
    sums, starts = [0.0, 0.0], [offset, offset]
    for step, score in enumerate(scores.tolist(), offset):
        for side, sign in enumerate((1, -1)):
            if sums[side] == 0:
                starts[side] = step
            sums[side] = max(0.0, sums[side] + sign * score - drift)
            if sums[side] > threshold:
                found.append(Change(step, starts[side], sign))
                sums[side] = 0.0
    return found


def page_hinkley(series: Any, *, drift: float, threshold: float) -> list[Change]:
    """Raise an alarm when a series leaves its own running mean; nothing has to be known of it before.

    Parameters
    ----------
    series : array_like (n,)
        Values in the order in which they arrive.
    drift : float
        Slack a step, in the unit of the series, >= 0.
    threshold : float
        Height that raises the alarm, in the unit of the series, > 0.

    Returns
    -------
    list of Change
        After an alarm mean and sums start again.

    Notes
    -----
    Hinkley (1971), doi:10.1093/biomet/58.3.509, as a sequential test on deviations from the running mean.

    Examples
    --------
    >>> [change.step for change in page_hinkley([0.0] * 20 + [1.0] * 20, drift=0.1, threshold=2.0)]
    [22]
    """
    values = as_series("series", series)
    drift, threshold = as_number("drift", drift, least=0), as_number("threshold", threshold, above=0)
    found: list[Change] = []
    begin = 0
    while (change := _first(values, begin, drift, threshold)) is not None:
        found.append(change)
        begin = change.step + 1
    return found


def _first(values: NDArray[np.float64], begin: int, drift: float, threshold: float) -> Change | None:
    """Return the first alarm of the values from an index on."""
    mean, sums, starts = 0.0, [0.0, 0.0], [begin, begin]
    for step in range(begin, values.size):
        value = float(values[step])
        mean += (value - mean) / (step - begin + 1)
        for side, sign in enumerate((1, -1)):
            if sums[side] == 0:
                starts[side] = step
            sums[side] = max(0.0, sums[side] + sign * (value - mean) - drift)
            if sums[side] > threshold:
                return Change(step, starts[side], sign)
    return None


def pelt(series: Any, *, penalty: float | None = None, shortest: int = 8) -> list[int]:
    """Return the indices at which new levels begin, all of them at once.

    Parameters
    ----------
    series : array_like (n,)
        Values at equal steps.
    penalty : float, optional
        Price of a change, in the unit of the series squared; by default 3 log(n) times the variance of the noise, which
        is estimated from differences of neighbours (what is correlated wants more).
    shortest : int
        Least length of a segment, at least 2.

    Raises
    ------
    MissingExtraError
        Without ``ruptures``.

    Notes
    -----
    Least squares under a penalty, exact: Killick, Fearnhead, Eckley (2012), doi:10.1080/01621459.2012.737745.

    Examples
    --------
    >>> pelt(np.repeat([0.0, 3.0, 1.0], 50) + 0.1 * np.sin(np.arange(150)))
    [50, 100]
    """
    values, shortest = as_series("series", series), as_whole("shortest", shortest, 2)
    try:
        from ruptures import Pelt
    except ModuleNotFoundError as error:
        raise MissingExtraError.for_extra("signals", "ruptures") from error
    if penalty is None:
        spread = float(np.median(np.abs(np.diff(values)))) / (0.6744897501960817 * np.sqrt(2))
        penalty = 3 * np.log(values.size) * spread**2
    price = as_number("penalty", penalty, least=0)
    *inner, _ = Pelt(model="l2", min_size=shortest, jump=1).fit(values).predict(pen=price)
    return [int(index) for index in inner]
