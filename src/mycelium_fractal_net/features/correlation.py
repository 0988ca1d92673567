"""How far a field resembles itself."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mycelium_fractal_net._checks import as_flag
from mycelium_fractal_net.features._potentials import as_field, unit_deviation

__all__ = ["correlation_length"]


def correlation_length(field_mv: Any, periodic: bool = True) -> float:
    r"""Measure the distance at which a field has forgotten itself, in cells.

    The first lag r at which the autocorrelation, averaged over directions,

    .. math:: C(r) = \langle \delta V(\mathbf x) \, \delta V(\mathbf x + \mathbf r) \rangle / \langle \delta V^2 \rangle

    falls to 1/e, with a straight line between whole lags.

    Parameters
    ----------
    field_mv : array, shape (rows, columns)
        Potential, or any other field.
    periodic : bool
        Whether opposite edges touch. If not, only pairs of cells inside the field count.

    Returns
    -------
    float
        Length in cells, at most half the shorter side: a field that stays correlated up to there is longer
        than it can be measured, and that half is returned. 0 for a constant field.

    Raises
    ------
    InvalidInputError
        For what is not a field.

    References
    ----------
    S. Torquato, "Random Heterogeneous Materials", Springer (2002), ch. 2. https://doi.org/10.1007/978-1-4757-6355-3

    Examples
    --------
    >>> import numpy as np
    >>> correlation_length(np.random.default_rng(1).normal(size=(64, 64))) < 1.0
    True
    """
    array = as_field("field_mv", field_mv)
    wraps = as_flag("periodic", periodic)
    if array.min() == array.max():
        return 0.0
    correlation, distance = _autocorrelation(unit_deviation(array), wraps)
    reach = min(array.shape) / 2
    near = distance <= reach + 0.5
    ring = np.rint(distance[near]).astype(np.int64)
    pairs = np.bincount(ring)
    profile = np.bincount(ring, weights=correlation[near]) / np.maximum(pairs, 1)
    lags = np.bincount(ring, weights=distance[near]) / np.maximum(pairs, 1)
    return float(min(_first_crossing(lags[pairs > 0], profile[pairs > 0], math.exp(-1.0)), reach))


def _autocorrelation(deviation: NDArray[np.float64], periodic: bool) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the autocorrelation of each shift, 1 at none, and the length of each shift."""
    rows, columns = deviation.shape
    shape = (rows, columns) if periodic else (2 * rows, 2 * columns)
    spectrum = np.fft.fft2(deviation, s=shape)
    products = np.fft.ifft2(np.abs(spectrum) ** 2).real
    down, across = (np.fft.fftfreq(count) * count for count in shape)
    pairs = np.full(shape, float(deviation.size))
    if not periodic:
        pairs = np.outer(np.maximum(rows - np.abs(down), 1.0), np.maximum(columns - np.abs(across), 1.0))
    correlation = products / pairs
    distance = np.hypot(down[:, None], across[None, :])
    return correlation / correlation[0, 0], distance


def _first_crossing(lags: NDArray[np.float64], profile: NDArray[np.float64], level: float) -> float:
    below = np.flatnonzero(profile <= level)
    if not below.size:
        return math.inf
    after = int(below[0])
    fall = profile[after - 1] - profile[after]
    return float(lags[after - 1] + (lags[after] - lags[after - 1]) * (profile[after - 1] - level) / fall)
