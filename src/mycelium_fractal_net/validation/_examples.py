"""Checks by examples worked by hand: plasticity, aggregation, features of known histories, dimensions."""

from __future__ import annotations

import math
import threading
from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mycelium_fractal_net.biophysics import STDPRule, stdp_weight_update, stdp_window
from mycelium_fractal_net.dynamics import estimate_exponent
from mycelium_fractal_net.features import extract_features
from mycelium_fractal_net.federated import (
    Bulyan,
    CenteredClipping,
    GeometricMedian,
    Krum,
    Mean,
    Median,
    MultiKrum,
    NearestNeighborMixing,
    NormClipping,
    TrimmedMean,
)
from mycelium_fractal_net.fields import SimulationConfig
from mycelium_fractal_net.fractals import box_counting_dimension, generalised_dimensions, generate_ifs, lacunarity
from mycelium_fractal_net.validation.report import Check

__all__ = ["aggregation_checks", "history_checks", "measure_checks", "plasticity_checks"]

Array = NDArray[np.float64]

_KRUM_CASE = np.array([[27.0], [20.0], [21.0], [24.0], [7.0], [10.0], [6.0]])
_BY_HAND = "worked by hand"


def plasticity_checks(cancel: threading.Event | None = None) -> Iterator[Check]:  # noqa: ARG001 # every group's form
    """Yield the checks of STDP: both sides of the window, trains, both kinds of bounds."""
    rule = STDPRule(tau_plus_ms=10.0, tau_minus_ms=40.0, a_plus=0.02, a_minus=0.01)
    source = "Bi and Poo 1998, doi:10.1523/JNEUROSCI.18-24-10464.1998; exponential window"
    yield Check.number("STDP, before by 10 ms", 0.02 / math.e, stdp_window(10.0, rule), 1e-15, source)
    yield Check.number("STDP, after by 40 ms", -0.01 / math.e, stdp_window(-40.0, rule), 1e-15, source)
    pre, post = [0.0, 35.0], [5.0, 20.0]
    pairs = 0.02 * (math.exp(-0.5) + math.exp(-2.0)) - 0.01 * (math.exp(-30 / 40) + math.exp(-15 / 40))
    yield Check.number("STDP of two trains", 0.5 + pairs, stdp_weight_update(0.5, pre, post, rule), 1e-14, _BY_HAND)
    ticks = 0.1 * np.arange(1, 400)
    same = stdp_weight_update(0.5, np.cumsum(np.full(399, 0.1))[::50], ticks[::50], rule)
    yield Check.number("STDP of one tick reached by two sums", stdp_weight_update(0.5, ticks[::50], ticks[::50], rule),
                       same, 1e-9, "equal times")  # fmt: skip
    soft = STDPRule(tau_plus_ms=10.0, tau_minus_ms=40.0, a_plus=0.02, a_minus=0.01, bounds="multiplicative")
    up, down = stdp_weight_update(0.8, [0.0], [10.0], soft), stdp_weight_update(0.8, [40.0], [0.0], soft)
    yield Check.number("STDP, room above", 0.8 + 0.2 * 0.02 / math.e, up, 1e-14, _BY_HAND)
    yield Check.number("STDP, room below", 0.8 - 0.8 * 0.01 / math.e, down, 1e-14, _BY_HAND)


def aggregation_checks(cancel: threading.Event | None = None) -> Iterator[Check]:  # noqa: ARG001 # every group's form
    """Yield the checks of the rules on examples small enough for paper."""
    scores = Krum(f=2).aggregate(_KRUM_CASE).scores
    expected = [94.0, 66.0, 46.0, 34.0, 179.0, 125.0, 213.0]
    gap = float(np.abs(scores - expected).max())
    yield Check.number("scores of Krum", 0.0, gap, 1e-9, "Blanchard et al. 2017, doi:10.48550/arXiv.1703.02757")
    cases: tuple[tuple[Any, Any, float], ...] = (
        (Krum(f=2), _KRUM_CASE, 24.0),
        (Krum(f=2, neighbors="byzfl"), _KRUM_CASE, 20.0),
        (MultiKrum(f=2, m=2), _KRUM_CASE, 22.5),
        (MultiKrum(f=2), _KRUM_CASE, 20.4),
        (Bulyan(f=1), [[1.0], [1.1], [0.9], [1.2], [0.8], [1.0], [1e6]], 2.9 / 3.0),
        (Mean(), [[1.0], [4.0], [7.0]], 4.0),
        (Median(), [[4.0], [1e30], [1.0], [2.0]], 3.0),
        (TrimmedMean(f=1), [[1.0], [2.0], [6.0], [1e30]], 4.0),
        (CenteredClipping(1.0, iterations=1, start=[0.0]), [[0.5], [1.0], [1e30]], 2.5 / 3.0),
        (TrimmedMean(f=1).after(NearestNeighborMixing(f=1)), [[1.0], [2.0], [3.0], [4.0], [1e30]], 2.5),
        (Mean().after(NormClipping(c=2.0)), [[1.0], [8.0]], 1.5),
        (GeometricMedian(), [[-3.0], [1.0], [100.0]], 1.0),
    )
    for rule, updates, answer in cases:
        got = float(np.asarray(rule(np.asarray(updates)))[0])
        yield Check.number(f"{rule!r}"[:70], answer, got, 1e-9, _BY_HAND)
    fermat = GeometricMedian()([[0.0, 0.0], [1.0, 0.0], [0.5, math.sqrt(3.0) / 2.0]])
    gap = float(np.abs(fermat - [0.5, math.sqrt(3.0) / 6.0]).max())
    yield Check.number("geometric median of an equilateral triangle", 0.0, gap, 1e-9, "its centre")
    largest = TrimmedMean(f=1).after(NearestNeighborMixing(f=1))([[1.0], [1.0], [1.0], [1.0], [1.7e308]])
    yield Check.number("one update of 1.7e308 among equal ones", 1.0, float(largest[0]), 1e-12, "robustness")


def history_checks(cancel: threading.Event | None = None) -> Iterator[Check]:  # noqa: ARG001 # every group's form
    """Yield the checks of features on fields and histories whose features can be counted."""
    moved, rest = np.zeros((4, 4)), np.full((4, 4), -70.0)
    moved[0, 0] = 1.0
    history = np.stack([rest + (min(6, step)) * moved for step in range(30)])
    found = extract_features(history)
    yield Check.number("step from which a history rests", 7.0, found.T_stable, 0.0, "the last change is step 6")
    yield Check.number("largest change of a history", 1.0, found.dV_max, 1e-12, _BY_HAND)
    field = np.full((12, 12), -70.0)
    field[0, 2:4], field[11, 2], field[5, 5:8], field[8, 8], field[9, 9] = -45.0, -35.0, -55.0, -60.0, -50.0
    wrapped, open_edges = extract_features(field), extract_features(field, periodic=False)
    for name, number in (("N_clusters_low", 3.0), ("N_clusters_med", 1.0), ("N_clusters_high", 1.0)):
        yield Check.number(f"{name} of a drawn field", number, getattr(wrapped, name), 0.0, "counted")
    yield Check.number("N_clusters_low without wrapping", 4.0, open_edges.N_clusters_low, 0.0, "counted")
    yield Check.number("max_cluster_size of a drawn field", 3.0, wrapped.max_cluster_size, 0.0, "counted")
    yield Check.number(
        "cluster_size_std of a drawn field", math.sqrt(8.0) / 3.0, wrapped.cluster_size_std, 1e-12, _BY_HAND
    )
    yield Check.number("f_active of a drawn field", 7.0 / 144.0, wrapped.f_active, 1e-15, "-60 mV is not above -60 mV")
    ramp = extract_features(np.array([[[0.0, 0.0]], [[1.0, 1.0]], [[math.sqrt(2.0), 0.0]]]) - 0.0)
    yield Check.number("E_trend of three fields", 0.5, ramp.E_trend, 1e-12, "line through 0, 1, 1")
    skewed = extract_features(np.array([[0.0, 0.0, 0.0, 4.0]]))
    yield Check.number("V_skew of 0, 0, 0, 4", 2.0 / math.sqrt(3.0), skewed.V_skew, 1e-12, _BY_HAND)
    yield Check.number("V_kurt of 0, 0, 0, 4", 7.0 / 3.0 - 3.0, skewed.V_kurt, 1e-12, _BY_HAND)


def measure_checks(cancel: threading.Event | None = None) -> Iterator[Check]:
    """Yield the checks of dimensions D_q, lacunarity, iterated systems, and exponents of a field."""
    weights = np.array([[0.1, 0.2], [0.3, 0.4]])
    cascade = np.ones((1, 1))
    for _ in range(6):
        cascade = np.kron(cascade, weights)
    orders = [-5.0, 0.0, 1.0, 2.0, 8.0]
    found = generalised_dimensions(np.pad(cascade, ((5, 2), (9, 4))), orders)
    for order in orders:
        exact = -(weights * np.log2(weights)).sum() if order == 1.0 else np.log2((weights**order).sum()) / (1.0 - order)
        yield Check.number(
            f"D_{order:g} of a cascade", float(exact), found[order], 1e-9,
            "closed form; Hentschel and Procaccia 1983, doi:10.1016/0167-2789(83)90235-X",
        )  # fmt: skip
    checkers = np.indices((8, 8)).sum(axis=0) % 2 == 0
    yield Check.number(
        "lacunarity of a checkerboard, boxes of 2", 1.0, float(lacunarity(checkers, [2])[0]), 1e-12, _BY_HAND
    )
    yield Check.number(
        "lacunarity of a checkerboard, boxes of 1", 2.0, float(lacunarity(checkers, [1])[0]), 1e-12, _BY_HAND
    )
    third = np.eye(2) / 3.0
    maps = [(third, [x, y]) for x in (0.0, 2.0) for y in (0.0, 2.0)]
    system = generate_ifs(maps, points=10)
    yield Check.number(
        "dimension of Cantor's dust", math.log(4, 3), system.similarity_dimension or math.nan, 1e-12, "Moran's equation"
    )
    line = np.zeros((64, 64), dtype=bool)
    line[20] = True
    yield Check.number("box dimension of a line", 1.0, box_counting_dimension(line).dimension, 1e-9, "definition")
    for leak in (0.1, 0.3):
        config = SimulationConfig(grid_size=12, turing_enabled=False, leak=leak, alpha=0.05)
        exponent = float(estimate_exponent(config, steps=100, settle_steps=0, cancel=cancel).exponents[0])
        yield Check.number(
            f"exponent of a field that leaks {leak:g} a step", math.log(1.0 - leak), exponent, 2e-3, "its slowest mode"
        )
