from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.typing import NDArray

from mycelium_fractal_net.federated import CenteredClipping, GeometricMedian, Mean, Rule
from tests.federated.cases import COORDINATE_WISE, EVERY, MIXED, ROBUST, ROTATING, F

Updates = NDArray[np.float64]
seeds = st.integers(0, 2**32 - 1)


def normal(seed: int, n: int = 12, d: int = 4) -> Updates:
    return np.random.default_rng(seed).normal(size=(n, d))


@pytest.mark.parametrize("rule", [*ROBUST, Mean()], ids=repr)
@given(seed=seeds)
@settings(max_examples=10, deadline=None)
def test_the_order_of_the_updates_does_not_matter(rule: Rule, seed: int) -> None:
    x = normal(seed)
    order = np.random.default_rng(seed).permutation(len(x))
    np.testing.assert_allclose(rule(x[order]), rule(x), rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("rule", COORDINATE_WISE[:2], ids=repr)
@given(seed=seeds)
@settings(max_examples=10, deadline=None)
def test_order_statistics_do_not_depend_on_the_order_to_the_bit(rule: Rule, seed: int) -> None:
    x = normal(seed)
    order = np.random.default_rng(seed).permutation(len(x))
    np.testing.assert_array_equal(rule(x[order]), rule(x))


@pytest.mark.parametrize("rule", [*ROBUST, Mean(), CenteredClipping(1.0)], ids=repr)
@given(seed=seeds, shift=st.floats(-1e3, 1e3))
@settings(max_examples=10, deadline=None)
def test_a_translation_of_the_updates_translates_the_answer(rule: Rule, seed: int, shift: float) -> None:
    x = normal(seed)
    np.testing.assert_allclose(rule(x + shift), rule(x) + shift, atol=1e-9)


@pytest.mark.parametrize("rule", [*ROBUST, Mean()], ids=repr)
@given(seed=seeds, exponent=st.integers(-900, 900))
@settings(max_examples=10, deadline=None)
def test_a_power_of_two_scales_the_answer_to_the_bit_of_float64(rule: Rule, seed: int, exponent: int) -> None:
    x = normal(seed)
    np.testing.assert_allclose(rule(np.ldexp(x, exponent)), np.ldexp(rule(x), exponent), rtol=1e-9)


@pytest.mark.parametrize("rule", ROTATING, ids=repr)
@given(seed=seeds)
@settings(max_examples=10, deadline=None)
def test_a_rotation_of_the_updates_rotates_the_answer(rule: Rule, seed: int) -> None:
    x = normal(seed)
    rotation = np.linalg.qr(normal(seed, 4, 4))[0]
    np.testing.assert_allclose(rule(x @ rotation), rule(x) @ rotation, atol=1e-9)


@pytest.mark.parametrize("rule", EVERY, ids=repr)
@given(seed=seeds)
@settings(max_examples=10, deadline=None)
def test_equal_updates_are_the_answer(rule: Rule, seed: int) -> None:
    one = np.clip(normal(seed, 1), -0.4, 0.4)
    np.testing.assert_allclose(rule(np.repeat(one, 20, axis=0)), one[0], rtol=1e-14)


anything = arrays(np.float64, (F, 4), elements=st.floats(width=64, allow_nan=True, allow_infinity=True))


@pytest.mark.parametrize("rule", [*COORDINATE_WISE, MIXED], ids=repr)
@given(seed=seeds, hostile=anything)
@settings(max_examples=40, deadline=None)
def test_f_arbitrary_updates_leave_every_coordinate_inside_the_honest_range(
    rule: Rule, seed: int, hostile: Updates
) -> None:
    honest = normal(seed)
    answer = rule(np.concatenate([hostile, honest]))
    slack = 1e-12 * np.abs(honest).max() if rule is not MIXED else _mixing_slack(honest)
    assert (answer >= honest.min(axis=0) - slack).all()
    assert (answer <= honest.max(axis=0) + slack).all()


def _mixing_slack(honest: Updates) -> float:
    """A hostile update that reaches an honest neighbourhood is itself within the honest diameter."""
    return float(np.linalg.norm(honest[:, None] - honest, axis=2).max())


@pytest.mark.parametrize("rule", [rule for rule in ROBUST if rule not in COORDINATE_WISE], ids=repr)
@given(seed=seeds, hostile=anything)
@settings(max_examples=40, deadline=None)
def test_f_arbitrary_updates_leave_the_answer_within_twice_the_honest_diameter(
    rule: Rule, seed: int, hostile: Updates
) -> None:
    honest = normal(seed)
    answer = rule(np.concatenate([honest, hostile]))
    diameter = np.linalg.norm(honest[:, None] - honest, axis=2).max()
    assert np.linalg.norm(answer - honest.mean(axis=0)) <= 2 * diameter


@pytest.mark.parametrize("rule", ROBUST, ids=repr)
@pytest.mark.parametrize("value", [1e30, -1e30, 1e300, 1.7e308, np.nan, np.inf, -np.inf, 5e-324])
def test_f_constant_updates_of_any_size_do_not_spoil_the_answer(rule: Rule, value: float) -> None:
    honest = normal(3)
    answer = rule(np.concatenate([honest, np.full((F, 4), value)]))
    assert np.linalg.norm(answer - honest.mean(axis=0)) < 2.0


@pytest.mark.parametrize("rule", ROBUST, ids=repr)
def test_f_copies_of_one_honest_update_stay_within_the_honest_ones(rule: Rule) -> None:
    honest = normal(4)
    answer = rule(np.concatenate([honest, honest[:1], honest[:1]]))
    assert np.linalg.norm(answer - honest.mean(axis=0)) < np.linalg.norm(honest, axis=1).max()


def test_updates_that_differ_by_next_to_nothing_do_not_stop_the_geometric_median() -> None:
    updates = np.array([[1.6e-71, 0, 0], *[[0, 0, 0]] * 3, *[[0, 0, 1.0]] * 4, [1.0, 0, 0]])
    answer = GeometricMedian()(updates)
    nearby = answer + 1e-4 * np.random.default_rng(0).standard_normal((50, 3))
    reached = np.linalg.norm(updates - answer, axis=1).sum()
    assert all(reached <= np.linalg.norm(updates - other, axis=1).sum() for other in nearby)


@given(updates=arrays(np.float64, (9, 3), elements=st.floats(-1e6, 1e6)))
@settings(max_examples=60, deadline=None)
def test_the_geometric_median_beats_the_mean_and_every_update(updates: Updates) -> None:
    best = np.linalg.norm(updates - GeometricMedian()(updates), axis=1).sum()
    rivals = [*updates, updates.mean(axis=0), np.median(updates, axis=0)]
    assert best <= min(np.linalg.norm(updates - rival, axis=1).sum() for rival in rivals) * (1 + 1e-9) + 1e-150
