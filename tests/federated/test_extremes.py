"""Up to the largest double: a finite answer that is the right one, or a refusal by name."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from numpy.typing import NDArray

from mycelium_fractal_net.errors import AggregationError
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
    PreAggregation,
    Rule,
    Tree,
    TrimmedMean,
)

Rows = NDArray[np.float64]
LARGEST = float(np.finfo(np.float64).max)
N, F = 18, 3
BASE: list[Rule] = [
    Median(),
    TrimmedMean(F),
    Krum(F),
    MultiKrum(F),
    Bulyan(F),
    GeometricMedian(),
    HierarchicalKrum(clusters=5, byzantine_fraction=0.17, seed=1),
    Tree.default(N, byzantine_fraction=0.17, seed=0),
]
STEPS: list[tuple[PreAggregation, ...]] = [(), (NNM(F),), (Bucketing(1, seed=0),), (NNM(F), NormClipping(1e300))]
ROBUST = [base.after(*steps) if steps else base for base in BASE for steps in STEPS]
OTHERS: list[Rule] = [
    Mean(),
    CenteredClipping(1.0),
    CenteredClipping(1e300),
    CenteredClipping(1e-300),
    CenteredClipping(1.0).after(NNM(F)),
    CenteredClipping(LARGEST).after(NNM(F), NormClipping(LARGEST)),
    Median().after(Bucketing(2, seed=0)),
    Mean().after(NormClipping(1e-300)),
    Mean().after(NormClipping(LARGEST)),
]


def honest(d: int = 4) -> Rows:
    return np.random.default_rng(1).normal(size=(N - F, d))


@pytest.mark.parametrize("rule", ROBUST, ids=repr)
def test_the_largest_doubles_of_three_clients_change_no_more_than_any_far_away_value(rule: Rule) -> None:
    far, farthest = (rule(np.concatenate([honest(), np.full((F, 4), size)])) for size in (1e60, LARGEST))
    np.testing.assert_allclose(farthest, far, rtol=1e-9, atol=1e-12)
    assert np.linalg.norm(farthest) < 10.0


@pytest.mark.parametrize("rule", [rule for rule in ROBUST if "1e+300" not in repr(rule)], ids=repr)
@pytest.mark.parametrize("size", [LARGEST, -LARGEST, 1.7e308, 1e200, 1e-300])
def test_equal_updates_of_any_size_are_the_answer(rule: Rule, size: float) -> None:
    np.testing.assert_allclose(rule(np.full((N, 3), size)), np.full(3, size), rtol=1e-12)


@pytest.mark.parametrize("rule", [*BASE, NNM(F)], ids=repr)
def test_updates_all_near_the_largest_double_are_aggregated_as_small_ones(rule: Rule | PreAggregation) -> None:
    x = np.random.default_rng(2).uniform(-1.0, 1.0, (N, 5))
    np.testing.assert_allclose(rule(np.ldexp(x, 1023)), np.ldexp(rule(x), 1023), rtol=1e-9)


@pytest.mark.parametrize("rule", [*ROBUST, *OTHERS], ids=repr)
def test_whatever_comes_the_answer_is_finite(rule: Rule) -> None:
    random = np.random.default_rng(3)
    for seed in range(12):
        sizes = random.choice([0.0, 5e-324, 1e-200, 1.0, 1e160, 1.7e308, LARGEST], size=(N, 3))
        x = np.where(random.random((N, 3)) < 0.5, sizes, -sizes) * random.choice([0.3, 1.0], size=(N, 1))
        assert np.isfinite(rule(x)).all(), seed


@pytest.mark.parametrize("rule", [*BASE, Mean(), CenteredClipping(1.0)], ids=repr)
@pytest.mark.parametrize("size", [5e-324, -5e-324, 1.5e-323, 1e-310])
def test_equal_denormals_are_the_answer_to_the_last_bit(rule: Rule, size: float) -> None:
    np.testing.assert_array_equal(rule(np.full((N, 3), size)), size)


def exact_clipping(x: Rows, radius: float, start: Rows) -> Rows:
    """Move once, with scaled lengths."""
    moved = start.astype(np.float64)
    for row in x:
        gap = [Fraction(float(a)) - Fraction(float(b)) for a, b in zip(row, start, strict=True)]
        size = max(map(abs, gap)) or Fraction(1)
        length = size * Fraction(float(np.sqrt(float(sum((g / size) ** 2 for g in gap)))))
        share = min(Fraction(1), Fraction(radius) / length) if length else Fraction(1)
        moved = moved + np.array([float(g * share / len(x)) for g in gap])
    return moved


@pytest.mark.parametrize("radius", [1e-200, 1.0, 1e200, 1.7e308])
@pytest.mark.parametrize("size", [1e-250, 1.0, 1e250, 1.7e308])
def test_clipping_is_that_of_the_definition_at_every_scale(radius: float, size: float) -> None:
    x = np.concatenate([honest(3) * min(size, 1e300), np.full((F, 3), size)])
    found = CenteredClipping(radius, iterations=1, start=[0.0, 0.0, 0.0])(x)
    np.testing.assert_allclose(found, exact_clipping(x, radius, np.zeros(3)), rtol=1e-12)


def test_a_bulyan_of_values_at_both_ends_averages_those_nearest_the_median() -> None:
    column = np.array([-1.7e308, -1.5e308, -1e300, 0.0, 1e300, 1.2e308, 1.7e308])
    assert Bulyan(1)(column[:, None])[0] == pytest.approx(Bulyan(1)(1e-300 * column[:, None])[0] * 1e300, rel=1e-9)


@pytest.mark.parametrize(
    ("values", "mean"), [([1, 4, 7], 4.0), ([0.1, 0.2, 0.3, 0.4], 0.25), ([3, 3, 3, 5], 3.5), ([LARGEST] * 3, LARGEST)]
)
def test_the_mean_is_the_sum_over_the_count(values: list[float], mean: float) -> None:
    rows = np.array(values, dtype=np.float64)[:, None]
    assert Mean()(rows)[0] == mean
    assert MultiKrum(0, m=len(values))(np.repeat(rows, 1, axis=0))[0] == mean
    assert Mean().after(Bucketing(len(values), seed=0))(rows)[0] == mean
    assert Mean()(rows, weights=[3] * len(values))[0] == mean
    assert Mean()(rows, weights=[1.9e-9] * len(values))[0] == pytest.approx(mean, rel=1e-15)


class Broken(Mean):
    """A rule whose answer is no number."""

    def combine(self, values: Rows, lost: int) -> object:  # type: ignore[override]
        outcome = super().combine(values, lost)
        outcome.vector[0] = np.nan
        return outcome


def test_a_rule_without_a_finite_answer_says_so() -> None:
    with pytest.raises(AggregationError, match=r"Broken.* has no finite answer"):
        Broken()(np.ones((3, 2)))
