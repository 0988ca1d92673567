from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from numpy.typing import NDArray

from mycelium_fractal_net.federated import NNM, GeometricMedian, Krum, Mean, Median, MultiKrum, Rule, TrimmedMean
from mycelium_fractal_net.federated import _threads as threads
from mycelium_fractal_net.federated._columns import column_rank_mean
from mycelium_fractal_net.federated._distances import rough_squared_distances, squared_distances
from mycelium_fractal_net.federated._scale import row_sizes, tame, untame
from tests.federated import naive

Rows = NDArray[np.float64]
LARGE = (60, 800)


def updates(kind: str) -> Rows:
    random = np.random.default_rng(7)
    x = random.normal(size=LARGE)
    match kind:
        case "one of 1e30":
            x[5] = 1e30
        case "many sizes":
            x[::3] *= 10.0 ** np.arange(0, 40, 2)[:, None]
        case "far from zero":
            x = 1.0 + 1e-6 * x
        case "far from zero, a shifted centre":
            x = 1.0 + 1e-6 * x
            x[:20] = -1.0
        case "copies":
            x[20:50] = x[0]
        case "near copies":
            x[20:50] = x[0] + 1e-9 * x[20:50]
        case "all equal":
            x[:] = x[0]
    return x


KINDS = [
    "plain",
    "one of 1e30",
    "many sizes",
    "far from zero",
    "far from zero, a shifted centre",
    "copies",
    "near copies",
    "all equal",
]


def exact(x: Rows, i: int, j: int) -> float:
    return float(sum((Fraction(float(a)) - Fraction(float(b))) ** 2 for a, b in zip(x[i], x[j], strict=True)))


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_every_distance_is_accurate_whatever_the_others_are(kind: str, dtype: type) -> None:
    x: Rows = updates(kind).astype(dtype)
    found = squared_distances(x)
    pairs = [(0, 1), (0, 21), (5, 6), (19, 59), (21, 49), (3, 6), (40, 58)]
    expected = [exact(x, i, j) for i, j in pairs]
    np.testing.assert_allclose([found[pair] for pair in pairs], expected, rtol=1e-8)


@pytest.mark.parametrize("kind", KINDS)
def test_distances_are_symmetric_with_a_zero_diagonal(kind: str) -> None:
    found = squared_distances(updates(kind))
    np.testing.assert_array_equal(found, found.T)
    assert not np.diagonal(found).any()
    assert (found >= 0).all()


def test_float32_weights_that_differ_by_a_millionth_are_ranked_correctly() -> None:
    random = np.random.default_rng(0)
    x = (random.normal(size=2000) * (1 + 1e-6 * random.normal(size=(30, 2000)))).astype(np.float32)
    scores = Krum(5).aggregate(x).scores
    reference = naive.krum_scores(x[:, :200].astype(float), 5)
    np.testing.assert_allclose(Krum(5).aggregate(x[:, :200]).scores, reference, rtol=1e-8)
    gaps = x.astype(np.longdouble)[:, None] - x.astype(np.longdouble)
    nearest = np.sort((gaps**2).sum(axis=2), axis=1)[:, 1:24].sum(axis=1)
    np.testing.assert_array_equal(np.argsort(scores), np.argsort(nearest))


def test_sifting_in_float32_picks_the_row_of_the_lowest_exact_score() -> None:
    for seed in range(4):
        x = np.random.default_rng(seed).normal(size=(300, 2000))
        assert rough_squared_distances(x) is not None
        np.testing.assert_array_equal(Krum(30)(x), Krum(30).aggregate(x).vector)
        np.testing.assert_array_equal(Krum(30)(x), x[Krum(30).aggregate(x).selected[0]])


def test_float32_is_refused_where_it_would_not_do() -> None:
    x = np.random.default_rng(0).normal(size=(300, 2000))
    exact, rough = squared_distances(x), rough_squared_distances(x)
    assert rough is not None
    np.testing.assert_allclose(rough, exact, rtol=4e-4)
    for spoilt in (x * 1e20, x * 1e-20, np.repeat(x[:150], 2, axis=0), x[:10]):
        assert rough_squared_distances(spoilt) is None
        np.testing.assert_array_equal(Krum(2)(spoilt), Krum(2).aggregate(spoilt).vector)


def test_a_crowd_of_equal_scores_is_left_to_the_exact_distances() -> None:
    x = np.zeros((300, 2000))
    x[:, :300] = np.eye(300)
    assert Krum(30)(x).argmax() == 0


def test_one_huge_update_does_not_change_who_wins() -> None:
    x = np.random.default_rng(1).normal(size=(40, 900))
    winner = Krum(4).aggregate(x[1:]).selected[0]
    for size in (1e8, 1e30, 1e300):
        x[0] = size
        assert Krum(4).aggregate(x).selected == (winner + 1,)


def test_scores_too_close_for_the_matrix_product_are_ranked_exactly() -> None:
    x = np.random.default_rng(2).normal(size=(30, 3000))
    x[20] = x[11]
    x[11] += 1e-11
    first = Krum(3).aggregate(x).selected
    assert first == Krum(3).aggregate(np.asfortranarray(x)).selected
    twins = np.concatenate([x[:1], x[:1], x[:1] + 1e-3 * x[1:28]])
    assert Krum(3).aggregate(twins).selected == (0,)


@pytest.mark.parametrize("size", [1e-300, 1e-200, 1e200, 1e300])
def test_updates_whose_squares_leave_float64_are_aggregated_as_others(size: float) -> None:
    x = np.random.default_rng(3).normal(size=(12, 5))
    for rule in (Krum(2), MultiKrum(2), GeometricMedian(), TrimmedMean(2).after(NNM(2)), Mean(), Median()):
        np.testing.assert_allclose(rule(x * size), rule(x) * size, rtol=1e-9)


def test_a_mean_of_the_largest_floats_does_not_overflow() -> None:
    assert np.isfinite(Mean()(np.full((7, 2), 1.7e308))).all()
    assert np.isfinite(TrimmedMean(1)(np.full((7, 2), 1.7e308))).all()


def test_taming_leaves_ordinary_updates_alone_and_is_undone() -> None:
    x = np.ones((3, 2))
    assert tame(x)[0] is x
    tamed, exponent = tame(x * 1e300)
    np.testing.assert_array_equal(untame(np.asarray(tamed), exponent), x * 1e300)
    zeros, exponent = tame(np.array([[0.0], [0.0], [1e200]]))
    assert exponent == 0
    assert zeros.max() == 2.0**400


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_row_sizes_are_the_largest_magnitudes(dtype: type) -> None:
    x: Rows = np.array([[1, -3], [0, -0.0], [np.inf, 1], [np.nan, np.inf], [1e-40, 0]], dtype=dtype)
    np.testing.assert_array_equal(row_sizes(x), np.abs(x).max(axis=1).astype(float))


RULES: list[Rule] = [Krum(20), TrimmedMean(20).after(NNM(20)), GeometricMedian(), Median(), Mean()]


@pytest.mark.parametrize("rule", RULES, ids=repr)
def test_the_bits_do_not_depend_on_the_number_of_threads(rule: Rule, monkeypatch: pytest.MonkeyPatch) -> None:
    x = np.random.default_rng(4).normal(size=(90, 50_000))
    answers = []
    for count in (1, 2, 5):
        monkeypatch.setattr(threads, "available_cores", lambda count=count: count)
        monkeypatch.setattr("mycelium_fractal_net.federated._distances.available_cores", lambda count=count: count)
        answers.append(rule(x).tobytes())
    assert len(set(answers)) == 1


@pytest.mark.parametrize("n", range(1, 40))
def test_the_sorting_network_sorts(n: int) -> None:
    x = np.random.default_rng(n).integers(0, 5, size=(n, 70)).astype(float)
    for rank in range(n):
        np.testing.assert_array_equal(column_rank_mean(x, rank, rank + 1), np.sort(x, axis=0)[rank])
