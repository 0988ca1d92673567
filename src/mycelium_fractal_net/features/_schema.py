"""What a feature is called, its unit, and what it means."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import NamedTuple

__all__ = ["CORE", "FEATURE_NAMES", "FEATURE_UNITS", "Feature", "described"]

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


class Feature(NamedTuple):
    """One number of a vector.

    Attributes
    ----------
    name, unit : str
        Its name, and its unit; ``"1"`` for a number without one.
    set : str
        The set that it belongs to.
    definition : str
        What it is, in a line.
    """

    name: str
    unit: str
    set: str
    definition: str


def described(set_name: str, rows: Iterable[tuple[str, str, str]]) -> tuple[Feature, ...]:
    """Return the features of a set from (name, unit, definition)."""
    return tuple(Feature(name, unit, set_name, definition) for name, unit, definition in rows)


_MEANINGS = {
    "D_box": "box-counting dimension of the active cells",
    "D_r2": "how straight its log-log line is",
    "V_min": "lowest potential",
    "V_max": "highest potential",
    "V_mean": "mean potential",
    "V_std": "standard deviation of the potential",
    "V_skew": "its skewness",
    "V_kurt": "its excess kurtosis",
    "dV_mean": "mean change of a cell in a step",
    "dV_max": "largest change of a cell in a step",
    "T_stable": "step from which it rests; all steps if it never does",
    "E_trend": "slope of the mean squared potential",
    "f_active": "share of active cells",
    "N_clusters_low": "connected patches above the low threshold",
    "N_clusters_med": "connected patches above the middle threshold",
    "N_clusters_high": "connected patches above the high threshold",
    "max_cluster_size": "size of the largest patch above the low threshold",
    "cluster_size_std": "spread of the sizes of those patches",
}

CORE = described("core", ((name, unit, _MEANINGS[name]) for name, unit in FEATURE_UNITS.items()))
"""The 18 features, in their order."""
