from ._plan import TreePlan, hostile_clients
from ._rule import Aggregation, Pipeline, PreAggregation, Rule
from .attacks import (
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
from .bucketing import Bucketing
from .bulyan import Bulyan
from .centered_clipping import CenteredClipping
from .flower import RobustFedAvg
from .geometric_median import GeometricMedian
from .hierarchical_krum import HierarchicalKrum
from .krum import Krum
from .mean import Mean
from .median import Median
from .multi_krum import MultiKrum
from .nearest_neighbor_mixing import NNM, NearestNeighborMixing
from .norm_clipping import NormClipping
from .rules import RULES, make_rule
from .tree import Tree
from .trimmed_mean import TrimmedMean

__all__ = [
    "NNM",
    "RULES",
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
    "RobustFedAvg",
    "Rule",
    "SignFlip",
    "Tree",
    "TreePlan",
    "TrimmedMean",
    "hostile_clients",
    "make_rule",
]
