"""From fields to features: from arrays and from results."""

from __future__ import annotations

import threading
from collections.abc import Iterable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mycelium_fractal_net._checks import as_flag, refusal
from mycelium_fractal_net.errors import InvalidInputError
from mycelium_fractal_net.features._potentials import LIMIT_MV, as_numbers, check_range
from mycelium_fractal_net.features._sample import Sample
from mycelium_fractal_net.features.config import FeatureConfig
from mycelium_fractal_net.features.sets import compute_sets, ordered_sets
from mycelium_fractal_net.features.vector import FeatureVector

__all__ = ["extract_features"]

_DEFAULT = FeatureConfig()


def extract_features(
    array_or_result: Any,
    config: FeatureConfig = _DEFAULT,
    periodic: bool = True,
    cancel: threading.Event | None = None,
    *,
    sets: str | Iterable[str] = ("core",),
) -> FeatureVector:
    """Extract features of a field, of a history of fields, or of a simulation: the 18, or any sets by name.

    Parameters
    ----------
    array_or_result : array, shape (rows, columns) or (T, rows, columns), or result of a simulation
        Potential in mV, of one moment or of T successive steps, the start included. Any real numbers; what is
        not float32 is read as float64. A result or a frame brings the statistics of its steps.
    config : FeatureConfig
        Thresholds, window, connectivity, box scales; left out, those of the result, or the default ones.
    periodic : bool
        Whether opposite edges touch, for arrays. A result says so itself.
    cancel : threading.Event, optional
        Stops the extraction from a large field soon after it is set.
    sets : iterable of str
        Which sets: "core" (the 18), "spectral", "activator", "events", "topology", "extended". They follow each
        other in this order, whatever the order of the names. ``activator`` needs a result or a frame, ``events`` a
        history, a result or a frame, ``topology`` GUDHI.

    Returns
    -------
    FeatureVector
        The 18 finite numbers; with other sets one flat vector, core first, in which NaN says that a feature does
        not exist for the field. A single field has not moved: dV_mean, dV_max, T_stable and E_trend are 0.

    Raises
    ------
    InvalidInputError
        For NaN, infinities and magnitudes above 1e100 mV, for masks, text, objects, complex numbers, masked
        cells and other shapes, for an unknown set, and for one that needs more than was passed. The message says
        what to do.
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
    names = ordered_sets(sets)
    sample = _sample(array_or_result, config, as_flag("periodic", periodic), cancel)
    _check_reach(sample, names)
    return compute_sets(sample, names)


def _sample(source: Any, config: FeatureConfig, periodic: bool, cancel: threading.Event | None) -> Sample:
    if not isinstance(config, FeatureConfig):
        raise refusal("config", "a FeatureConfig", config)
    if hasattr(source, "step_statistics"):
        sample: Sample = source.sample
        return sample._replace(cancel=cancel) if config is _DEFAULT else sample._replace(cancel=cancel, config=config)
    fields = as_numbers("array_or_result", source, (2, 3))
    statistics = _checked_statistics(fields) if fields.ndim == 3 else None
    last = fields if fields.ndim == 2 else fields[-1]
    check_range("array_or_result", last)
    return Sample(last, statistics, periodic=periodic, config=config, cancel=cancel)


def _check_reach(sample: Sample, sets: tuple[str, ...]) -> None:
    if "activator" in sets and sample.pair is None:
        raise InvalidInputError(
            "the set 'activator' needs the Turing pair, which an array does not hold; pass a result or a frame",
            field="sets",
            value="activator",
        )
    if "events" in sets and sample.statistics is None:
        raise InvalidInputError(
            "the set 'events' needs what happened in time; pass a history (T, rows, columns), a result or a frame",
            field="sets",
            value="events",
        )


def _checked_statistics(history: NDArray[np.floating[Any]]) -> NDArray[np.float64]:
    """Return the statistics of the steps; the energies in them tell whether all frames but the last are in range."""
    from mycelium_fractal_net.features._kernels_temporal import step_statistics_of

    statistics: NDArray[np.float64] = step_statistics_of(history)
    if not (statistics[:, 4] <= LIMIT_MV**2).all():
        check_range("array_or_result", history)
    return statistics
