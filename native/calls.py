"""What is compiled ahead: these calls of the public API reach every kernel, for every type it is used with."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from functools import partial
from itertools import product
from typing import Any, Literal, NamedTuple

import numpy as np

from mycelium_fractal_net import federated
from mycelium_fractal_net.features import cluster_sizes, extract_features
from mycelium_fractal_net.fields import SimulationConfig, classify_morphology, list_kinetics, simulate
from mycelium_fractal_net.fractals import (
    box_counting_dimension,
    generalised_dimensions,
    generate_ifs,
    lacunarity,
    list_ifs,
)

__all__ = ["Group", "groups"]

DType = Literal["float64", "float32"]
_DTYPES: tuple[DType, ...] = ("float64", "float32")
_SMALL, _TILED = 16, 160  # with two threads fields of more than 128 cells a side are cut into tiles


class Group(NamedTuple):
    """A call for a process of its own, and how the names begin of the kernels that it is made for."""

    call: Callable[[], object]
    prefix: str

    def __str__(self) -> str:
        call: Any = self.call
        return "-".join([getattr(call, "func", call).__name__, *getattr(call, "args", ())])


def groups(kinetics: Sequence[str] = ()) -> list[Group]:
    """Return what reaches all kernels, those of the named kinetics alone where any are named; the longest first."""
    models = [
        Group(partial(advance, name, dtype), "mfn_kernels_")
        for name, dtype in product(kinetics or list_kinetics(), _DTYPES)
    ]
    shared = product((frame, describe, aggregate), _DTYPES)
    others = [Group(partial(function, dtype), "mycelium_fractal_net.") for function, dtype in shared]
    return [*models, *others, Group(count, "mycelium_fractal_net.")]


def advance(kinetics: str, dtype: DType) -> None:
    """Simulate in one piece, in tiles, by Heun's method and on a finer lattice."""
    small = SimulationConfig(kinetics=kinetics, dtype=dtype, grid_size=_SMALL, steps=2)
    simulate(small, threads=1)
    simulate(small.model_copy(update={"grid_size": _TILED}), threads=2)
    for finer in ({"scheme": "heun"}, {"resolution": 2}):
        simulate(small.model_copy(update=finer), threads=1)


def frame(dtype: DType) -> None:
    """Lay and hand over fields, as drawn and as given."""
    given = np.random.default_rng(0).normal(-60.0, 5.0, (_SMALL, _SMALL))
    small = SimulationConfig(dtype=dtype, grid_size=_SMALL, steps=2)
    for config in (small, small.model_copy(update={"scheme": "heun"})):
        _ = simulate(config, given, threads=1).digest


def describe(dtype: DType) -> None:
    """Extract features of small and large fields, of histories and of pairs."""
    history = np.random.default_rng(0).normal(-60.0, 5.0, (12, 70, 70)).astype(dtype)
    for periodic, side in product((True, False), (16, 70)):
        extract_features(history[:, :side, :side], periodic=periodic)
        extract_features(history[-1, :side, :side], periodic=periodic)
    result = simulate(SimulationConfig(grid_size=16, steps=12, dtype=dtype), threads=1)
    extract_features(result, sets=("core", "activator"))
    classify_morphology(result)
    cluster_sizes(history[0], -60.0)


def count() -> None:
    """Count boxes and masses, and play iterated functions."""
    mask, large = np.random.default_rng(0).random((32, 32)) > 0.5, np.tri(520, 510, dtype=bool)
    for method, periodic in product(("cover", "aligned"), (True, False)):
        box_counting_dimension(mask, method=method, periodic=periodic)
    for periodic in (True, False):  # counted in steps, between which it can be stopped
        box_counting_dimension(large, periodic=periodic, cancel=threading.Event())
    generalised_dimensions(mask.astype(float), [-1.0, 0.0, 1.0, 2.0])
    lacunarity(mask, [2, 4])
    for name in list_ifs():
        generate_ifs(name, 100).mask(16)
    sheared = [([[0.5, 0.1], [0.2, 0.4]], [0.0, 0.0]), ([[0.3, -0.1], [0.1, 0.5]], [0.5, 0.0])]
    generate_ifs(sheared, 100)


def aggregate(dtype: DType) -> None:
    """Aggregate few and many updates, short and long ones, by every rule that has kernels."""
    few = np.random.default_rng(0).normal(size=(40, 33)).astype(dtype)
    many = np.random.default_rng(0).normal(size=(256, 2_049)).astype(dtype)
    for rule in (
        federated.HierarchicalKrum(3, 0.2, 0),
        federated.Bulyan(f=1),
        federated.TrimmedMean(f=1).after(federated.NearestNeighborMixing(f=1)),
        federated.GeometricMedian(),
        federated.CenteredClipping(radius=1.0),
        federated.Median(),
        federated.Krum(f=1),
        federated.MultiKrum(f=1),
    ):
        for updates in (few[:12], few, few[:, :1], many):
            rule.aggregate(updates)
