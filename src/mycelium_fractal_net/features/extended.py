"""Features beyond the 18: form, spectrum, texture and topology."""

from __future__ import annotations

import math
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mycelium_fractal_net._checks import as_flag, refusal
from mycelium_fractal_net.errors import InvalidInputError
from mycelium_fractal_net.features._potentials import as_field
from mycelium_fractal_net.features._sample import Sample
from mycelium_fractal_net.features._schema import described
from mycelium_fractal_net.features.config import FeatureConfig
from mycelium_fractal_net.features.correlation import correlation_length
from mycelium_fractal_net.features.minkowski import minkowski_functionals
from mycelium_fractal_net.features.spectrum import measure_wavelength
from mycelium_fractal_net.features.topology import TOPOLOGY, persistence_entropy
from mycelium_fractal_net.fractals import generalised_dimensions, lacunarity

__all__ = ["EXTENDED", "EXTENDED_FEATURE_UNITS", "extended", "extract_extended_features"]

_LACUNARITY_SIZES = (2, 4, 8)
_DEFAULT = FeatureConfig()

EXTENDED = described(
    "extended",
    (
        ("area", "cells", "active cells"),
        ("perimeter", "cells", "cell sides between active cells and others"),
        ("euler", "1", "patches of active cells less holes in them"),
        ("wavelength", "cells", "dominant wavelength; none where no peak stands out"),
        ("correlation_length", "cells", "distance at which the autocorrelation falls to 1/e"),
        ("lacunarity_2", "1", "unevenness of the active cells in boxes of 2 x 2"),
        ("lacunarity_4", "1", "the same in boxes of 4 x 4"),
        ("lacunarity_8", "1", "the same in boxes of 8 x 8"),
        ("D_1", "1", "information dimension of the active cells"),
        ("D_2", "1", "correlation dimension of the active cells"),
    ),
)
"""The set ``extended``, in its order."""

EXTENDED_FEATURE_UNITS: Mapping[str, str] = MappingProxyType(
    {feature.name: feature.unit for feature in (*EXTENDED, *TOPOLOGY[:2])}
)
"""Unit of each extended feature, in their order; the last two need the extra ``topology``."""


def extract_extended_features(
    field_mv: Any, config: FeatureConfig = _DEFAULT, periodic: bool = True, topology: bool = False
) -> dict[str, float]:
    """Extract form, spectrum and texture of a field, and its topology if asked for.

    Parameters
    ----------
    field_mv : array, shape (rows, columns)
        Potential in mV.
    config : FeatureConfig
        Its active threshold makes the mask; its connectivity counts for the Euler number.
    periodic : bool
        Whether opposite edges touch.
    topology : bool
        Whether to add the entropies of persistent homology, which need GUDHI.

    Returns
    -------
    dict of str to float
        By name, in the order of ``EXTENDED_FEATURE_UNITS``. NaN says that a feature does not exist for this
        field: the wavelength of what has none, lacunarity and dimensions of an empty mask, lacunarity of boxes
        larger than the field.

    Raises
    ------
    InvalidInputError
        For what is not a field.
    MissingExtraError
        With ``topology`` and without GUDHI.

    Notes
    -----
    Each is a function of its own: :func:`~mycelium_fractal_net.features.minkowski.minkowski_functionals`,
    :func:`~mycelium_fractal_net.features.spectrum.measure_wavelength`,
    :func:`~mycelium_fractal_net.features.correlation.correlation_length`,
    :func:`~mycelium_fractal_net.fractals.lacunarity`, :func:`~mycelium_fractal_net.fractals.generalised_dimensions`
    and :func:`~mycelium_fractal_net.features.topology.persistence_entropy`. The generalised dimensions take the
    mask as it lies, edges not joined.

    Examples
    --------
    >>> wave = -65.0 + 20.0 * np.cos(2 * np.pi * np.arange(64) / 16) * np.ones((64, 1))
    >>> found = extract_extended_features(wave)
    >>> found["area"], found["perimeter"], found["euler"], round(found["wavelength"], 6)
    (1792.0, 512.0, 0.0, 16.0)
    """
    if not isinstance(config, FeatureConfig):
        raise refusal("config", "a FeatureConfig", config)
    field = as_field("field_mv", field_mv)
    sample = Sample(field, None, periodic=as_flag("periodic", periodic), config=config)
    values = extended(sample)
    if as_flag("topology", topology):
        values += persistence_entropy(field, sample.periodic)
    return dict(zip(EXTENDED_FEATURE_UNITS, values, strict=False))


def extended(sample: Sample) -> list[float]:
    """Compute the set ``extended``: form, spectrum and texture of a checked field."""
    field, wraps = sample.field, sample.periodic
    active = field > sample.thresholds.active_threshold_mv
    form = minkowski_functionals(active, sample.config.connectivity, wraps)
    values = [*map(float, form), _wavelength(field, wraps), correlation_length(field, wraps)]
    values += [_lacunarity(active, size, wraps) for size in _LACUNARITY_SIZES]
    return values + _dimensions(active)


def _wavelength(field: NDArray[np.float64], periodic: bool) -> float:
    try:
        return measure_wavelength(field, periodic)
    except InvalidInputError:
        return math.nan


def _lacunarity(active: NDArray[np.bool_], size: int, periodic: bool) -> float:
    if size > min(active.shape) or not active.any():
        return math.nan
    return float(lacunarity(active, [size], periodic)[0])


def _dimensions(active: NDArray[np.bool_]) -> list[float]:
    if not active.any():
        return [math.nan, math.nan]
    found = generalised_dimensions(active, orders=(1.0, 2.0))
    return [found[1.0], found[2.0]]
