"""From fields to the 18 features: from arrays, from results, and for the engine."""

from __future__ import annotations

import threading
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mycelium_fractal_net._checks import as_flag, refusal
from mycelium_fractal_net._gil import HELD_CELLS
from mycelium_fractal_net.features._potentials import LIMIT_MV, as_numbers, check_range
from mycelium_fractal_net.features.config import FeatureConfig
from mycelium_fractal_net.features.vector import FeatureVector
from mycelium_fractal_net.fractals import box_counting_dimension, early_scales, fast_box_dimension

__all__ = ["compute_features", "extract_features"]

_DEFAULT = FeatureConfig()
_NO_STEPS = np.empty((0, 5))
_NO_SCALES = np.empty(0, np.int64)


def extract_features(
    array_or_result: Any,
    config: FeatureConfig = _DEFAULT,
    periodic: bool = True,
    cancel: threading.Event | None = None,
) -> FeatureVector:
    """Extract the 18 features of a field, of a history of fields, or of a simulation.

    Parameters
    ----------
    array_or_result : array, shape (rows, columns) or (T, rows, columns), or result of a simulation
        Potential in mV, of one moment or of T successive steps, the start included. Any real numbers; what is
        not float32 is read as float64. A result or a frame brings the statistics of its steps.
    config : FeatureConfig
        Thresholds, window, connectivity, box scales.
    periodic : bool
        Whether opposite edges touch, for arrays. A result says so itself.
    cancel : threading.Event, optional
        Stops the extraction from a large field soon after it is set.

    Returns
    -------
    FeatureVector
        18 finite numbers. A single field has not moved: dV_mean, dV_max, T_stable and E_trend are 0.

    Raises
    ------
    InvalidInputError
        For NaN, infinities and magnitudes above 1e100 mV, for masks, text, objects, complex numbers, masked
        cells and other shapes. The message says what to do.
    CancelledError
        When ``cancel`` was set.

    Notes
    -----
    A run and the history that it leaves give the same bits, since the same compiled additions run in the same
    order. All sums are taken in float64. O(T rows columns) in time, and no copy of an array of doubles in C order.

    References
    ----------
    The page "Features" of the documentation gives each definition with its source.

    Examples
    --------
    >>> import numpy as np
    >>> row = np.arange(64)
    >>> stripes = -70.0 + 20.0 * np.sin(2 * np.pi * row / 16)[:, None] * np.ones(64)
    >>> vector = extract_features(stripes)
    >>> vector.N_clusters_low, vector.max_cluster_size, round(vector.V_std, 3), vector.dV_mean
    (4.0, 320.0, 14.142, 0.0)
    """
    if not isinstance(config, FeatureConfig):
        raise refusal("config", "a FeatureConfig", config)
    wraps = as_flag("periodic", periodic)
    if hasattr(array_or_result, "step_statistics"):
        result = array_or_result
        wraps = result.config.boundary == "periodic"
        return compute_features(result.field_mv, result.step_statistics, wraps, config, cancel)
    fields = as_numbers("array_or_result", array_or_result, (2, 3))
    statistics = _checked_statistics(fields) if fields.ndim == 3 else None
    last = fields if fields.ndim == 2 else fields[-1]
    check_range("array_or_result", last)
    return compute_features(last, statistics, wraps, config, cancel)


def _checked_statistics(history: NDArray[np.floating[Any]]) -> NDArray[np.float64]:
    """Return the statistics of the steps; the energies in them tell whether all frames but the last are in range."""
    from mycelium_fractal_net.features._kernels_temporal import step_statistics_of

    statistics: NDArray[np.float64] = step_statistics_of(history)
    if not (statistics[:, 4] <= LIMIT_MV**2).all():
        check_range("array_or_result", history)
    return statistics


def compute_features(
    field_mv: NDArray[np.floating[Any]],
    step_statistics: NDArray[np.float64] | None,
    periodic: bool,
    config: FeatureConfig = _DEFAULT,
    cancel: threading.Event | None = None,
) -> FeatureVector:
    """Compute the features from the last field and the statistics of its steps, without a look at their validity.

    Parameters
    ----------
    field_mv : ndarray, shape (rows, columns), C-contiguous
        Last field in mV, finite.
    step_statistics : ndarray, shape (steps, 5), or None
        What :func:`mycelium_fractal_net.features._kernels_temporal.accumulate_row` has gathered.
    periodic : bool
        Whether opposite edges touch.
    config : FeatureConfig
        Thresholds, window, connectivity, box scales.
    cancel : threading.Event, optional
        Stops the counting of boxes.
    """
    from mycelium_fractal_net.features._kernels_summary import summarise, summarise_held

    scales = early_scales(field_mv.shape) if config.box_scales is None else _NO_SCALES
    kernel = summarise_held if field_mv.size <= HELD_CELLS else summarise
    active, extents, boxes, moments, moved, clusters, largest, spread = kernel(
        field_mv,
        field_mv.astype(np.float64, copy=False),
        _NO_STEPS if step_statistics is None else step_statistics,
        config.active_threshold_mv,
        np.asarray(config.cluster_thresholds_mv),
        config.connectivity == 8,
        periodic,
        (config.stability_threshold_mv, config.stability_window),
        scales,
    )
    if config.box_scales is None:
        dimension, r2 = fast_box_dimension(active, periodic, extents, boxes, cancel)
    else:
        counting = box_counting_dimension(active, periodic=periodic, scales=config.box_scales, cancel=cancel)
        dimension, r2 = counting.dimension, counting.r2
    share = extents[0] / field_mv.size
    values = [dimension, r2, *moments, *moved, share, *clusters.tolist(), largest, spread]
    return FeatureVector(*map(float, values))
