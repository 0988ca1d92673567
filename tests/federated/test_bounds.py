"""Every bound that a docstring or a page claims, against attackers that stay near the honest updates."""

from __future__ import annotations

from itertools import combinations
from math import sqrt

import numpy as np
import pytest
from numpy.typing import NDArray

from mycelium_fractal_net.federated import (
    NNM,
    Bulyan,
    CenteredClipping,
    GeometricMedian,
    Krum,
    Mean,
    Median,
    MultiKrum,
    NormClipping,
    Rule,
    TrimmedMean,
)

Rows = NDArray[np.float64]
SIZES = [(7, 1), (11, 2), (12, 2)]


def near_honest(seed: int, n: int, f: int, d: int = 2) -> Rows:
    """Return n - f honest rows, then f that collude a little beside them; all attacks in turn."""
    random = np.random.default_rng(seed)
    honest = random.normal(size=(n - f, d)) * random.choice([1.0, 1.0, 3.0], size=(n - f, 1))
    mean, spread = honest.mean(axis=0), honest.std(axis=0)
    direction = random.normal(size=d)
    forged = (
        honest[:f] + 1e-3 * random.normal(size=(f, d)),
        mean + random.uniform(0.0, 4.0) * spread * direction,
        np.where(direction > 0, honest.max(axis=0), honest.min(axis=0)) * random.uniform(0.9, 2.0),
        honest[random.integers(n - f)] * random.uniform(1.0, 3.0) * np.ones((f, 1)),
    )[seed % 4]
    return np.concatenate([honest, np.broadcast_to(forged, (f, d))])


def krum_bound(n: int, f: int, others: int) -> float:
    """Return the coefficient that the page derives for scores over ``others`` neighbours."""
    honest = n - f
    q = honest - f if others == honest - 1 else honest - f - 1
    return float((sqrt(2 * honest * others / (honest - 1)) + sqrt(honest - q)) ** 2 / q)


def coefficient(rule: Rule, n: int, f: int) -> float:
    """Return the kappa that a rule's docstring claims."""
    ratio = f / (n - 2 * f)
    match rule:
        case Krum(neighbors="byzfl"):
            return min(6 * (1 + ratio), krum_bound(n, f, n - f - 1))
        case MultiKrum(neighbors="byzfl"):
            return krum_bound(n, f, n - f - 1)
        case Krum() | MultiKrum():
            return krum_bound(n, f, n - f - 2)
        case TrimmedMean():
            return 6 * ratio * (1 + ratio)
    return 4 * (1 + ratio) ** 2  # Median and GeometricMedian


def rules(f: int) -> list[Rule]:
    as_byzfl = [Krum(f, neighbors="byzfl"), MultiKrum(f, neighbors="byzfl")]
    return [Median(), TrimmedMean(f), GeometricMedian(), Krum(f), MultiKrum(f), MultiKrum(f, m=2), *as_byzfl]


def worst_ratio(rule: Rule, x: Rows, f: int) -> float:
    """Return the largest squared distance from the mean of n - f rows, over those rows' variance: any may be honest."""
    answer = rule(x)
    ratios = []
    for chosen in combinations(range(len(x)), len(x) - f):
        rows = x[list(chosen)]
        variance = ((rows - rows.mean(axis=0)) ** 2).sum(axis=1).mean()
        ratios.append(float(((answer - rows.mean(axis=0)) ** 2).sum() / variance))
    return max(ratios)


@pytest.mark.parametrize(("n", "f"), SIZES)
def test_every_coefficient_holds_for_whoever_is_honest(n: int, f: int) -> None:
    for seed in range(40):
        x = near_honest(seed, n, f)
        for rule in rules(f):
            assert worst_ratio(rule, x, f) <= coefficient(rule, n, f) + 1e-9, (rule, seed)


@pytest.mark.parametrize(("n", "f"), SIZES)
def test_mixing_brings_every_coefficient_below_its_bound(n: int, f: int) -> None:
    for seed in range(20):
        x = near_honest(seed, n, f)
        for rule in rules(f):
            bound = 8 * f / (n - f) * (coefficient(rule, n, f) + 1)
            assert worst_ratio(rule.after(NNM(f)), x, f) <= bound + 1e-9, (rule, seed)


@pytest.mark.parametrize(("n", "f"), SIZES)
@pytest.mark.parametrize("name", ["Median", "TrimmedMean"])
def test_median_and_trimmed_mean_stay_inside_the_honest_range(name: str, n: int, f: int) -> None:
    rule = Median() if name == "Median" else TrimmedMean(f)
    for seed in range(300):
        x = near_honest(seed, n, f)
        low, high = x[: n - f].min(axis=0), x[: n - f].max(axis=0)
        answer = rule(x)
        assert (answer >= low - 1e-12).all(), seed
        assert (answer <= high + 1e-12).all(), seed


BULYAN_CASE = [
    [0.445, -1.583], [0.161, -2.618], [-1.061, 2.053], [0.066, 0.164], [-1.541, -0.082], [-1.678, 0.076],
    [-3.145, -0.01],
]  # fmt: skip


def test_bulyan_leaves_the_honest_range_as_its_docstring_says() -> None:
    answer = Bulyan(1)(np.array(BULYAN_CASE))
    assert answer[0] == pytest.approx(-2.121, abs=1e-3)
    assert answer[0] < min(row[0] for row in BULYAN_CASE[:-1])


@pytest.mark.parametrize(("n", "f"), [(7, 1), (11, 2), (13, 2)])
def test_bulyan_leaves_the_honest_range_by_less_than_its_width(n: int, f: int) -> None:
    for seed in range(300):
        x = near_honest(seed, n, f)
        low, high = x[: n - f].min(axis=0), x[: n - f].max(axis=0)
        answer = Bulyan(f)(x)
        assert (answer >= 2 * low - high).all(), seed
        assert (answer <= 2 * high - low).all(), seed


def test_a_hostile_update_moves_centered_clipping_by_at_most_its_share_of_the_radius() -> None:
    for seed in range(100):
        x = near_honest(seed, 11, 1)
        rule = CenteredClipping(radius=0.7, iterations=1, start=[0.1, -0.2])
        without = CenteredClipping(radius=0.7, iterations=1, start=[0.1, -0.2])(
            np.append(x[:-1], [[0.1, -0.2]], axis=0)
        )
        assert np.linalg.norm(rule(x) - without) <= 0.7 / 11 + 1e-12


def test_clipped_updates_move_a_mean_by_at_most_their_share_of_the_length() -> None:
    for seed in range(100):
        x = near_honest(seed, 11, 2)
        moved = Mean().after(NormClipping(0.5))(x) - Mean().after(NormClipping(0.5))(x[:-2]) * 9 / 11
        assert np.linalg.norm(moved) <= 2 * 0.5 / 11 + 1e-12
