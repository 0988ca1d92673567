"""From a field, a history or a finished simulation to the 18 features."""

from __future__ import annotations

import math
from typing import Any, Protocol, runtime_checkable

import numpy as np
from numpy.typing import ArrayLike, NDArray

from mycelium_fractal_net.features._input import as_history
from mycelium_fractal_net.features.schema import FeatureConfig, FeatureVector
from mycelium_fractal_net.features.temporal import step_statistics_of, temporal_features
from mycelium_fractal_net.fractals import box_counting_dimension, fast_box_dimension

__all__ = ["Simulated", "compute_features", "extract_features"]

_DEFAULT = FeatureConfig()


@runtime_checkable
class Simulated(Protocol):
    """What a finished simulation offers: its last field and the statistics of its steps."""

    @property
    def field_mv(self) -> NDArray[np.floating[Any]]: ...

    @property
    def step_statistics(self) -> NDArray[np.float64]: ...

    @property
    def config(self) -> Any: ...


def extract_features(
    array_or_result: ArrayLike | Simulated,
    config: FeatureConfig = _DEFAULT,
    periodic: bool | None = None,
) -> FeatureVector:
    """Extract the 18 features of a field, a history or a simulation's result.

    Parameters
    ----------
    array_or_result : array_like, shape (N, M) or (T, N, M), or SimulationResult or Frame
        Potential in mV; a history starts with step 0.
    config : FeatureConfig
        Thresholds, window, connectivity, box scales.
    periodic : bool, optional
        Whether components and boxes join across the border. By default what the result's boundary says, and True
        for arrays.

    Returns
    -------
    FeatureVector
        Always finite. From an array with every step it is what the simulation computes online, to the last bit. For
        a single field dV_mean, dV_max, T_stable and E_trend are 0.

    Raises
    ------
    InvalidInputError
        For what is not a field: wrong shape, no cell, NaN, infinity, booleans, text, beyond 1e12 mV.

    Examples
    --------
    >>> import mycelium_fractal_net as mfn
    >>> config = mfn.SimulationConfig(grid_size=32, steps=12)
    >>> mfn.extract_features(mfn.simulate_history(config)) == mfn.simulate(config).features
    True
    """
    if isinstance(array_or_result, Simulated):
        wraps = array_or_result.config.boundary == "periodic" if periodic is None else periodic
        return compute_features(array_or_result.field_mv, array_or_result.step_statistics, wraps, config)
    history = as_history(array_or_result)
    return compute_features(history[-1], step_statistics_of(history), periodic is None or periodic, config)


def compute_features(
    field_mv: NDArray[np.floating[Any]],
    step_statistics: NDArray[np.float64],
    periodic: bool,
    config: FeatureConfig = _DEFAULT,
) -> FeatureVector:
    """Compute the features of a checked field, (N, M) and C-contiguous, and its step statistics, (T, 5)."""
    from mycelium_fractal_net.features._kernels import cluster_sizes, moments

    low, high, mean, variance, third, fourth = moments(field_mv)
    diagonal = config.connectivity == 8
    active = config.active_threshold_mv
    thresholds = dict.fromkeys((active, *config.cluster_thresholds_mv))
    sizes = {level: cluster_sizes(field_mv, level, diagonal, periodic) for level in thresholds}
    size = sizes[active]
    spread = math.sqrt(variance)
    flat = spread <= 1e-14 * max(abs(low), abs(high))
    return FeatureVector(
        *_dimension(field_mv > active, periodic, config),
        low,
        high,
        mean,
        0.0 if flat else spread,
        0.0 if flat else third / spread**3,
        0.0 if flat else fourth / variance**2 - 3,
        *temporal_features(field_mv, step_statistics, config.stable_threshold_mv, config.stable_window),
        float(size.sum()) / field_mv.size,
        *(float(len(sizes[level])) for level in config.cluster_thresholds_mv),
        float(size.max()) if len(size) else 0.0,
        float(size.std()) if len(size) else 0.0,
    )


def _dimension(mask: NDArray[np.bool_], periodic: bool, config: FeatureConfig) -> tuple[float, float]:
    if config.box_scales is None:
        return fast_box_dimension(mask.view(np.uint8), periodic)
    found = box_counting_dimension(mask, periodic=periodic, scales=config.box_scales)
    return found.dimension, found.r2
