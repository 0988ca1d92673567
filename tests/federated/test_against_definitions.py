from __future__ import annotations

import numpy as np
import pytest

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
    TrimmedMean,
)
from tests.federated import naive

SHAPES = [(11, 1), (12, 4), (13, 30)]


@pytest.fixture(params=SHAPES, ids=str)
def updates(request: pytest.FixtureRequest) -> naive.Rows:
    return np.asarray(np.random.default_rng(1).normal(size=request.param))


@pytest.mark.parametrize(("neighbors", "extra"), [("paper", 2), ("byzfl", 1)])
def test_krum_scores(updates: naive.Rows, neighbors: str, extra: int) -> None:
    result = Krum(2, neighbors).aggregate(updates)  # type: ignore[arg-type]  # parametrised
    np.testing.assert_allclose(result.scores, naive.krum_scores(updates, 2, extra), rtol=1e-12)
    assert result.selected == (int(np.argmin(result.scores)),)


def test_multi_krum(updates: naive.Rows) -> None:
    best = np.argsort(naive.krum_scores(updates, 2), kind="stable")[: len(updates) - 2]
    np.testing.assert_allclose(MultiKrum(2)(updates), updates[best].mean(axis=0), atol=1e-14)


@pytest.mark.parametrize("f", [0, 1, 2])
def test_bulyan(updates: naive.Rows, f: int) -> None:
    picks, vector = naive.bulyan(updates, f)
    result = Bulyan(f).aggregate(updates)
    assert list(result.selected) == picks
    np.testing.assert_allclose(result.vector, vector, atol=1e-14)


def test_trimmed_mean_and_median(updates: naive.Rows) -> None:
    np.testing.assert_allclose(TrimmedMean(3)(updates), naive.trimmed_mean(updates, 3), atol=1e-15)
    np.testing.assert_array_equal(Median()(updates), np.median(updates, axis=0))


def test_nearest_neighbor_mixing(updates: naive.Rows) -> None:
    np.testing.assert_allclose(NNM(3)(updates), naive.nearest_neighbor_mixing(updates, 3), atol=1e-14)


def test_centered_clipping(updates: naive.Rows) -> None:
    start = np.ones(updates.shape[1])
    answer = CenteredClipping(radius=1.5, iterations=4, start=start.tolist())(updates)
    np.testing.assert_allclose(answer, naive.centered_clipping(updates, 1.5, 4, start), atol=1e-13)


def test_centered_clipping_starts_from_the_median(updates: naive.Rows) -> None:
    answer = CenteredClipping(radius=1.5, iterations=1)(updates)
    expected = naive.centered_clipping(updates, 1.5, 1, np.median(updates, axis=0))
    np.testing.assert_allclose(answer, expected, atol=1e-13)


def test_norm_clipping(updates: naive.Rows) -> None:
    lengths = np.linalg.norm(updates, axis=1, keepdims=True)
    np.testing.assert_allclose(NormClipping(1.2)(updates), updates * np.minimum(1, 1.2 / lengths), atol=1e-15)


def test_mean(updates: naive.Rows) -> None:
    np.testing.assert_allclose(Mean()(updates), updates.mean(axis=0), atol=1e-15)
    weights = np.arange(len(updates))
    expected = np.average(updates, axis=0, weights=weights)
    np.testing.assert_allclose(Mean()(updates, weights), expected, atol=1e-15)


@pytest.mark.parametrize("n", [1, 2, 3, 8, 64, 100, 1501])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_medians_of_any_number_of_updates(n: int, dtype: type) -> None:
    values: naive.Rows = np.random.default_rng(n).normal(size=(n, 130)).astype(dtype)
    expected = np.median(values.astype(float), axis=0).astype(dtype)
    np.testing.assert_array_equal(Median()(values), expected)


@pytest.mark.parametrize("seed", range(40))
def test_the_geometric_median_is_where_no_direction_leads_down(seed: int) -> None:
    random = np.random.default_rng(seed)
    n, d = random.integers(1, 12), random.integers(1, 5)
    x = random.normal(size=(n, d)) * 10 ** random.uniform(-3, 3, size=(n, 1))
    x[:, 1:] *= 1e-3 if seed % 3 == 0 else 1.0
    middle = GeometricMedian()(x)
    best = np.linalg.norm(x - middle, axis=1).sum()
    for scale in 10.0 ** np.arange(-6, 3):
        elsewhere = middle + scale * random.normal(size=(20, d))
        others = np.linalg.norm(x - elsewhere[:, None], axis=2).sum(axis=1)
        assert best <= others.min() * (1 + 1e-14)


def test_a_median_that_cannot_converge_says_so() -> None:
    x = np.random.default_rng(0).normal(size=(9, 3))
    with pytest.raises(ValueError, match="did not converge"):
        GeometricMedian(iterations=2)(x)


def test_updates_almost_on_a_line_at_many_scales_converge() -> None:
    flat = np.array([[1e4, -1e4], [-0.1, -0.1], [1e5, -1e5], [0.0, -1.0]])
    best = np.linalg.norm(flat - GeometricMedian()(flat), axis=1).sum()
    assert best <= min(np.linalg.norm(flat - row, axis=1).sum() for row in flat) * (1 + 1e-9)
