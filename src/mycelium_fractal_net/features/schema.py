"""The feature vector: 18 numbers in one pinned order, and what they are measured with."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import astuple, dataclass
from types import MappingProxyType
from typing import Annotated, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field

from mycelium_fractal_net.errors import InvalidInputError

__all__ = ["FEATURE_NAMES", "FEATURE_UNITS", "FeatureConfig", "FeatureVector"]

FEATURE_UNITS: Mapping[str, str] = MappingProxyType(
    {
        "D_box": "1",
        "D_r2": "1",
        "V_min": "mV",
        "V_max": "mV",
        "V_mean": "mV",
        "V_std": "mV",
        "V_skew": "1",
        "V_kurt": "1",
        "dV_mean": "mV/step",
        "dV_max": "mV/step",
        "T_stable": "steps",
        "E_trend": "mV^2/step",
        "f_active": "1",
        "N_clusters_low": "1",
        "N_clusters_med": "1",
        "N_clusters_high": "1",
        "max_cluster_size": "cells",
        "cluster_size_std": "cells",
    }
)
"""Unit of each feature, in the order of the vector."""

FEATURE_NAMES: tuple[str, ...] = tuple(FEATURE_UNITS)
"""Names of the 18 features, in the order of the vector."""

Millivolt = Annotated[float, Field(ge=-1e12, le=1e12, allow_inf_nan=False)]


class FeatureConfig(BaseModel):
    """What the features are measured with.

    Parameters
    ----------
    active_threshold_mv : float
        Potential in mV above which a cell is active: mask of D_box, D_r2, f_active and of the cluster sizes.
    cluster_thresholds_mv : tuple of float
        Potentials in mV above which components are counted: low, medium, high; ascending.
    stable_threshold_mv : float
        Standard deviation of a step's change in mV below which the field counts as settled, >= 0.
    stable_window : int
        Steps for which it must stay below, >= 1.
    connectivity : {4, 8}
        Neighbours that join cells into a component.
    box_scales : tuple of int, optional
        Box sides for D_box; those of :func:`box_counting_dimension` by default.

    Examples
    --------
    >>> FeatureConfig().cluster_thresholds_mv
    (-60.0, -50.0, -40.0)
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    active_threshold_mv: Millivolt = -60.0
    cluster_thresholds_mv: tuple[Millivolt, Millivolt, Millivolt] = (-60.0, -50.0, -40.0)
    stable_threshold_mv: Annotated[float, Field(ge=0, allow_inf_nan=False)] = 0.001
    stable_window: Annotated[int, Field(ge=1)] = 10
    connectivity: Literal[4, 8] = 4
    box_scales: tuple[Annotated[int, Field(ge=1)], ...] | None = None


@dataclass(frozen=True, slots=True)
class FeatureVector:
    """The 18 features of a field; always finite. For definitions see the page on features.

    Examples
    --------
    >>> import mycelium_fractal_net as mfn
    >>> vector = mfn.extract_features([[-70.0, -50.0], [-70.0, -70.0]])
    >>> vector.V_max, vector["N_clusters_low"], vector.to_array().shape
    (-50.0, 1.0, (18,))
    """

    D_box: float
    D_r2: float
    V_min: float
    V_max: float
    V_mean: float
    V_std: float
    V_skew: float
    V_kurt: float
    dV_mean: float
    dV_max: float
    T_stable: float
    E_trend: float
    f_active: float
    N_clusters_low: float
    N_clusters_med: float
    N_clusters_high: float
    max_cluster_size: float
    cluster_size_std: float

    @classmethod
    def from_array(cls, values: NDArray[np.float64]) -> FeatureVector:
        """Return the vector that 18 numbers in the pinned order make.

        Raises
        ------
        InvalidInputError
            When they are not 18 finite numbers.
        """
        array = np.asarray(values, dtype=np.float64)
        if array.shape != (len(FEATURE_NAMES),) or not np.isfinite(array).all():
            raise InvalidInputError(f"expected {len(FEATURE_NAMES)} finite numbers, got an array {array.shape}")
        return cls(*array.tolist())

    def to_array(self) -> NDArray[np.float64]:
        """Return the features as float64, (18,), in the pinned order."""
        return np.array(astuple(self), dtype=np.float64)

    def to_dict(self) -> dict[str, float]:
        """Return the features by name, in the pinned order."""
        return {name: getattr(self, name) for name in FEATURE_NAMES}

    def __getitem__(self, name: str) -> float:
        if name not in FEATURE_UNITS:
            raise KeyError(name)
        return float(getattr(self, name))

    def __iter__(self) -> Iterator[float]:
        return iter(astuple(self))

    def __len__(self) -> int:
        return len(FEATURE_NAMES)
