"""Robust federated aggregation: rules, pre-aggregations, trees and attacks.

>>> from mycelium_fractal_net.federated import Krum
>>> Krum(f=1)([[1.0], [1.1], [0.9], [1.0], [1e30]])
array([1.])

`RobustFedAvg`, the strategy for Flower, is imported when it is asked for: it needs the extra ``federated``.
"""

from typing import Any

from mycelium_fractal_net.federated._plan import TreePlan, hostile_clients
from mycelium_fractal_net.federated._rule import Aggregation, Rule
from mycelium_fractal_net.federated.attacks import (
    ALittleIsEnough,
    Attack,
    GaussianNoise,
    InnerProductManipulation,
    LabelFlip,
    Mimic,
    MinMax,
    NotANumber,
    SignFlip,
)
from mycelium_fractal_net.federated.bucketing import Bucketing
from mycelium_fractal_net.federated.bulyan import Bulyan
from mycelium_fractal_net.federated.centered_clipping import CenteredClipping
from mycelium_fractal_net.federated.geometric_median import GeometricMedian
from mycelium_fractal_net.federated.hierarchical_krum import HierarchicalKrum
from mycelium_fractal_net.federated.krum import Krum
from mycelium_fractal_net.federated.mean import Mean
from mycelium_fractal_net.federated.median import Median
from mycelium_fractal_net.federated.multi_krum import MultiKrum
from mycelium_fractal_net.federated.nearest_neighbor_mixing import NearestNeighborMixing
from mycelium_fractal_net.federated.norm_clipping import NormClipping
from mycelium_fractal_net.federated.pipeline import Pipeline, PreAggregation
from mycelium_fractal_net.federated.tree import Tree
from mycelium_fractal_net.federated.trimmed_mean import TrimmedMean

NNM = NearestNeighborMixing

__all__ = [
    "NNM",
    "ALittleIsEnough",
    "Aggregation",
    "Attack",
    "Bucketing",
    "Bulyan",
    "CenteredClipping",
    "GaussianNoise",
    "GeometricMedian",
    "HierarchicalKrum",
    "InnerProductManipulation",
    "Krum",
    "LabelFlip",
    "Mean",
    "Median",
    "Mimic",
    "MinMax",
    "MultiKrum",
    "NearestNeighborMixing",
    "NormClipping",
    "NotANumber",
    "Pipeline",
    "PreAggregation",
    "Rule",
    "SignFlip",
    "Tree",
    "TreePlan",
    "TrimmedMean",
    "hostile_clients",
]


def __getattr__(name: str) -> Any:
    if name == "RobustFedAvg":
        from mycelium_fractal_net.federated.flower import RobustFedAvg

        return RobustFedAvg
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
