"""Rules to test together, prepared for f = 2 of at least 11 updates."""

from __future__ import annotations

from mycelium_fractal_net.federated import (
    NNM,
    Bucketing,
    Bulyan,
    CenteredClipping,
    GeometricMedian,
    HierarchicalKrum,
    Krum,
    Mean,
    Median,
    MultiKrum,
    NormClipping,
    Rule,
    Tree,
    TrimmedMean,
)

F = 2
MIXED = TrimmedMean(F).after(NNM(F))
COORDINATE_WISE: list[Rule] = [Median(), TrimmedMean(F), Bulyan(F)]
SELECTING: list[Rule] = [Krum(F), Krum(F, neighbors="byzfl"), MultiKrum(F), MultiKrum(F, m=1)]
ROTATING: list[Rule] = [
    Mean(),
    *SELECTING,
    GeometricMedian(),
    CenteredClipping(1e6, start=[0.0] * 4),
    Mean().after(NNM(F)),
]
ROBUST: list[Rule] = [*COORDINATE_WISE, *SELECTING, GeometricMedian(), MIXED, Krum(F).after(NNM(F))]
SEEDED: list[Rule] = [
    HierarchicalKrum(clusters=3, seed=5),
    Median().after(Bucketing(s=2, seed=5)),
    Tree(Median(), Median(), leaf_size=5, seed=5),
]
EVERY: list[Rule] = [*ROBUST, *SEEDED, Mean(), CenteredClipping(1.0), Median().after(NormClipping(1.0))]
