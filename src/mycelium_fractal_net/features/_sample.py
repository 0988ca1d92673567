"""What features are computed from: a field, and what else is known of the run that left it."""

from __future__ import annotations

import threading
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from mycelium_fractal_net.features.config import REST_POTENTIAL_MV, FeatureConfig, Thresholds

__all__ = ["Pair", "Sample"]


class Pair(NamedTuple):
    """Activator and inhibitor, and the activator above which a cell lives."""

    activator: NDArray[np.float64]
    inhibitor: NDArray[np.float64]
    living_above: float


class Sample(NamedTuple):
    """One field with the statistics of its steps and its pair, where they are known.

    Attributes
    ----------
    field_mv : ndarray, shape (rows, columns)
        Last field in mV, finite.
    statistics : ndarray, shape (steps, 5), or None
        Of each step: sum of abs(d), maximum of abs(d), sum of d, sum of d^2, sum of V^2 before the step.
    pair : Pair, optional
        Activator and inhibitor of the same moment.
    rest_potential_mv : float
        Where the potential leads when nothing happens.
    periodic : bool
        Whether opposite edges touch.
    config : FeatureConfig
        Thresholds, window, connectivity, box scales.
    cancel : threading.Event, optional
        Stops what takes long.
    """

    field_mv: NDArray[np.floating[Any]]
    statistics: NDArray[np.float64] | None
    pair: Pair | None = None
    rest_potential_mv: float = REST_POTENTIAL_MV
    periodic: bool = True
    config: FeatureConfig = FeatureConfig()
    cancel: threading.Event | None = None

    @property
    def field(self) -> NDArray[np.float64]:
        """The field in float64."""
        return self.field_mv.astype(np.float64, copy=False)

    @property
    def thresholds(self) -> Thresholds:
        """The thresholds that hold for this field."""
        return self.config.at_rest(self.rest_potential_mv)
