"""The kernels that requests use without asking for anything special, compiled or loaded before they come."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from functools import partial

import numpy as np
from numpy.typing import NDArray

from mycelium_fractal_net import federated as fed
from mycelium_fractal_net.errors import CancelledError
from mycelium_fractal_net.features import extract_features
from mycelium_fractal_net.fields import SimulationConfig, simulate
from mycelium_fractal_net.fractals import box_counting_dimension

__all__ = ["compile_kernels"]


def compile_kernels(cancel: threading.Event) -> None:
    """Reach every kernel of the default kinetics, of features and of aggregation; other kinetics are left for later.

    Takes a second or so where the machine code is in the cache, and about a minute where it is not.

    Raises
    ------
    CancelledError
        Soon after the event is set; a compilation that has begun is finished first.
    """
    for call in _calls(cancel):
        if cancel.is_set():
            raise CancelledError("the warm-up was stopped")
        call()


def _calls(cancel: threading.Event) -> Iterator[Callable[[], object]]:
    noise = np.random.default_rng(0).normal(-60.0, 5.0, (12, 16, 16))
    for dtype in ("float64", "float32"):
        for jitter in (False, True):
            yield partial(_simulate, cancel, dtype, jitter)
        yield partial(_simulate, cancel, dtype, False, noise[-1])
        yield partial(extract_features, np.resize(noise, (65, 65)).astype(dtype))  # of large fields
    yield partial(extract_features, noise)
    yield partial(extract_features, noise[-1], periodic=False)
    for periodic in (True, False):
        yield partial(box_counting_dimension, noise[-1] > -60.0, periodic=periodic)
    large = np.tri(520, 510, dtype=bool)  # counted in steps, between which it can be stopped
    yield partial(box_counting_dimension, large, periodic=True, cancel=cancel)
    for rule in (
        fed.HierarchicalKrum(3, 0.2, 0),
        fed.Bulyan(f=1),
        fed.TrimmedMean(f=1).after(fed.NearestNeighborMixing(f=1)),
        fed.GeometricMedian(),
        fed.CenteredClipping(radius=1.0, iterations=1),
    ):
        yield partial(rule.aggregate, noise[:, 0])
    many = np.random.default_rng(0).normal(size=(256, 2_049))  # distances of many long gradients are found otherwise
    for by_pairs in (fed.Krum(f=1), fed.MultiKrum(f=1)):
        yield partial(by_pairs.aggregate, many)


def _simulate(cancel: threading.Event, dtype: str, jitter: bool, start: NDArray[np.float64] | None = None) -> object:
    config = SimulationConfig.model_validate({"grid_size": 16, "steps": 2, "dtype": dtype, "quantum_jitter": jitter})
    return simulate(config, start, threads=1, cancel=cancel).features
