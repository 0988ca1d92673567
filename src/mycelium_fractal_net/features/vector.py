"""The feature vector: 18 numbers in a pinned order, with names and units."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import astuple, dataclass, fields
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mycelium_fractal_net.errors import InvalidInputError

__all__ = ["FEATURE_NAMES", "FEATURE_UNITS", "FeatureVector"]

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
"""Unit of each feature, in the order of the vector; ``"1"`` for numbers without one."""

FEATURE_NAMES: tuple[str, ...] = tuple(FEATURE_UNITS)
"""Names of the features, in the order of the vector."""


@dataclass(frozen=True, slots=True)
class FeatureVector:
    """The 18 features of a field: by attribute, by name, by iteration, as array or dictionary.

    Attributes
    ----------
    D_box, D_r2 : float
        Box-counting dimension of the active cells, and r2 of its fit.
    V_min, V_max, V_mean, V_std : float
        Of the last field, in mV; population standard deviation.
    V_skew, V_kurt : float
        Fisher skewness and excess kurtosis; 0 where V_std is 0.
    dV_mean, dV_max : float
        Mean and maximum of the absolute change, over cells and steps, in mV/step.
    T_stable : float
        First step from which the field rests; the number of steps if it never does.
    E_trend : float
        Slope of the least-squares line through mean(V**2) against the step, in mV^2/step.
    f_active : float
        Fraction of cells that are active.
    N_clusters_low, N_clusters_med, N_clusters_high : float
        Connected components above three thresholds.
    max_cluster_size, cluster_size_std : float
        Largest size and population standard deviation of the sizes above the first threshold, in cells.

    Examples
    --------
    >>> vector = FeatureVector.from_array(range(18))
    >>> vector.V_min, vector["V_min"], vector.to_dict()["V_min"], vector.to_array()[2]
    (2.0, 2.0, 2.0, np.float64(2.0))
    """

    D_box: float
    D_r2: float
    V_min: float
    V_max: float
    V_mean: float
    V_std: float
    V_skew: float
    V_kurt: float
    dV_mean: float  # noqa: N815 - the pinned names are those of the literature
    dV_max: float  # noqa: N815 - as above
    T_stable: float
    E_trend: float
    f_active: float
    N_clusters_low: float
    N_clusters_med: float
    N_clusters_high: float
    max_cluster_size: float
    cluster_size_std: float

    @classmethod
    def from_array(cls, values: Any) -> FeatureVector:
        """Make a vector of 18 numbers in the order of ``FEATURE_NAMES``.

        Raises
        ------
        InvalidInputError
            For anything but 18 numbers.
        """
        try:
            numbers = [float(value) for value in values]
        except (TypeError, ValueError):
            numbers = []
        if len(numbers) != len(FEATURE_NAMES):
            raise InvalidInputError(f"a feature vector needs {len(FEATURE_NAMES)} numbers; got {values!r:.80}")
        return cls(*numbers)

    def to_array(self) -> NDArray[np.float64]:
        """Return the features as an array, (18,) float64."""
        return np.asarray(astuple(self), dtype=np.float64)

    def to_dict(self) -> dict[str, float]:
        """Return the features by name, in their order."""
        return dict(self.items())

    def items(self) -> Iterator[tuple[str, float]]:
        """Yield name and value of each feature."""
        for name in FEATURE_NAMES:
            yield name, getattr(self, name)

    def rows(self) -> list[tuple[str, float, str]]:
        """Return name, value and unit of each feature."""
        return [(name, value, FEATURE_UNITS[name]) for name, value in self.items()]

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> NDArray[Any]:
        if copy is False:
            raise ValueError("a feature vector has no array that could be shared; use copy=True or None")
        return self.to_array() if dtype is None else self.to_array().astype(dtype)

    def __len__(self) -> int:
        return len(FEATURE_NAMES)

    def __iter__(self) -> Iterator[float]:
        return (value for _, value in self.items())

    def __getitem__(self, key: str | int) -> float:
        if isinstance(key, str):
            if key not in FEATURE_UNITS:
                raise KeyError(f"no feature {key!r}; FEATURE_NAMES lists them")
            return float(getattr(self, key))
        return float(getattr(self, FEATURE_NAMES[key]))

    def __str__(self) -> str:
        width = max(map(len, FEATURE_NAMES))
        lines = (
            f"{name:<{width}} {value:>14.6g} {'' if unit == '1' else unit}".rstrip()
            for name, value, unit in self.rows()
        )
        return "\n".join(lines)


if tuple(field.name for field in fields(FeatureVector)) != FEATURE_NAMES:  # pragma: no cover - two lists, one order
    raise ImportError("FeatureVector and FEATURE_UNITS name different features")
