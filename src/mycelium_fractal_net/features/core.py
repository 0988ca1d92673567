"""The 18 core features: one compiled call, then the fit of the dimension."""

from __future__ import annotations

import numpy as np

from mycelium_fractal_net._gil import HELD_CELLS
from mycelium_fractal_net.features._sample import Sample
from mycelium_fractal_net.features.vector import FeatureVector
from mycelium_fractal_net.fractals import box_counting_dimension, early_scales, fast_box_dimension

__all__ = ["compute_features"]

_NO_STEPS = np.empty((0, 5))
_NO_SCALES = np.empty(0, np.int64)


def compute_features(sample: Sample) -> FeatureVector:
    """Compute the 18 features of a sample, without a look at its validity.

    Raises
    ------
    CancelledError
        When the sample's event was set while boxes were counted.
    """
    from mycelium_fractal_net.features._kernels_summary import summarise, summarise_held

    config, field_mv, thresholds = sample.config, sample.field_mv, sample.thresholds
    scales = early_scales(field_mv.shape) if config.box_scales is None else _NO_SCALES
    kernel = summarise_held if field_mv.size <= HELD_CELLS else summarise
    active, extents, boxes, moments, moved, clusters, largest, spread = kernel(
        field_mv,
        sample.field,
        _NO_STEPS if sample.statistics is None else sample.statistics,
        thresholds.active_threshold_mv,
        np.asarray(thresholds.cluster_thresholds_mv),
        config.connectivity == 8,
        sample.periodic,
        (config.stability_share, config.stability_window),
        scales,
    )
    if config.box_scales is None:
        dimension, r2 = fast_box_dimension(active, sample.periodic, extents, boxes, sample.cancel)
    else:
        counting = box_counting_dimension(
            active, periodic=sample.periodic, scales=config.box_scales, cancel=sample.cancel
        )
        dimension, r2 = counting.dimension, counting.r2
    share = extents[0] / field_mv.size
    values = [dimension, r2, *moments, *moved, share, *clusters.tolist(), largest, spread]
    return FeatureVector(values)
