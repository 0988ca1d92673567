import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import logsumexp

from mycelium_fractal_net.errors import InvalidInputError
from mycelium_fractal_net.fractals import box_counting_dimension, generalised_dimensions
from tests.fractals.shapes import PATTERNS, kronecker_power, labyrinth, self_similar

weights = st.lists(st.floats(0.1, 1.0), min_size=4, max_size=4)
offsets = st.integers(0, 30)


def exact(pattern: Any, order: float) -> float:
    """D_q of the cascade that spreads mass by this pattern."""
    shares = (pattern / pattern.sum()).ravel()
    shares = shares[shares > 0]
    if order == 1:
        return float(-(shares * np.log(shares)).sum() / math.log(len(pattern)))
    return float(logsumexp(order * np.log(shares)) / (1 - order) / math.log(len(pattern)))


@settings(max_examples=25, deadline=None)
@given(weights, offsets, offsets)
def test_multifractal_cascades_come_out_exactly_wherever_they_lie(
    given_weights: list[float], above: int, left: int
) -> None:
    pattern = np.reshape(given_weights, (2, 2))
    cascade = np.pad(kronecker_power(pattern, 5), ((above, 7), (left, 3)))
    orders = (-20.0, -2.0, -0.5, 0.0, 1.0, 2.0, 20.0)
    found = generalised_dimensions(cascade, orders=orders)
    for order in orders:
        assert found[order] == pytest.approx(exact(pattern, order), abs=1e-9)


@pytest.mark.parametrize("order", [-2.0, -0.5, 0.5, 3.0, 10.0])
def test_orders_may_be_any_number(order: float) -> None:
    pattern = np.asarray([[0.1, 0.2, 0.3], [0.3, 0.4, 0.0], [0.2, 0.2, 0.1]])
    found = generalised_dimensions(kronecker_power(pattern, 4), orders=[order])
    assert found[order] == pytest.approx(exact(pattern, order), abs=1e-9)


@pytest.mark.parametrize("order", [-20.0, -7.0, -1.0, 3.0, 20.0])
@pytest.mark.parametrize("lightest", [1e-2, 1e-6, 1e-30])
def test_powers_that_are_no_doubles_are_summed_in_logarithms(order: float, lightest: float) -> None:
    pattern = np.asarray([[lightest, 0.3], [0.3, 0.4]])
    found = generalised_dimensions(kronecker_power(pattern, 9), orders=[order])
    assert found[order] == pytest.approx(exact(pattern, order), rel=1e-9)
    assert found.r2[0] == pytest.approx(1.0, abs=1e-12)


def test_a_sparse_cascade_has_its_negative_dimensions_too() -> None:
    pattern = np.asarray([[0.5, 0.0, 0.1], [0.0, 0.25, 0.0], [0.05, 0.0, 0.1]])
    cascade = np.pad(kronecker_power(pattern, 4), ((11, 3), (5, 2)))
    found = generalised_dimensions(cascade, orders=[-5.0, -1.0, 0.0])
    for order in (-5.0, -1.0, 0.0):
        assert found[order] == pytest.approx(exact(pattern, order), abs=1e-9)


@pytest.mark.parametrize("name", PATTERNS)
def test_all_dimensions_of_an_evenly_filled_fractal_agree(name: str) -> None:
    mask, _, dimension = self_similar(name)
    found = generalised_dimensions(mask)
    np.testing.assert_allclose(found.dimensions, dimension, atol=1e-9)


@pytest.mark.parametrize("seed", range(3))
def test_they_never_increase_with_the_order_and_start_at_the_box_dimension(seed: int) -> None:
    mask = labyrinth(64, 11.0, seed)
    found = generalised_dimensions(mask)
    assert found[0] == pytest.approx(box_counting_dimension(mask).dimension, rel=1e-12)
    assert found[0] >= found[1] >= found[2]
    assert (np.diff(found.entropies, axis=0) <= 1e-12).all()


@pytest.mark.parametrize(("shape", "dimension"), [((64, 64), 2.0), ((3, 500), 2.0), ((1, 40), 1.0)])
def test_a_full_mask_has_whole_dimensions(shape: Any, dimension: float) -> None:
    assert generalised_dimensions(np.ones(shape)).dimensions.tolist() == [dimension] * 3


def test_a_single_cell_has_none() -> None:
    mask = np.zeros((20, 20))
    mask[3, 4] = 1
    assert generalised_dimensions(mask).dimensions.tolist() == [0.0] * 3
    assert generalised_dimensions(np.ones((1, 1))).dimensions.tolist() == [0.0] * 3


def test_the_unit_of_mass_does_not_matter() -> None:
    cascade = kronecker_power(np.asarray([[0.1, 0.2], [0.3, 0.4]]), 5)
    huge = generalised_dimensions(cascade * 1e308)
    np.testing.assert_allclose(huge.dimensions, generalised_dimensions(cascade).dimensions, rtol=1e-9)


def test_long_strips_and_large_boxes_need_no_more_than_the_array() -> None:
    strip = np.random.default_rng(0).random((3, 5000)) < 0.5
    found = generalised_dimensions(strip, scales=[4, 64, 1024, 5000])
    assert found[0] == pytest.approx(1.0, abs=0.05)


@pytest.mark.parametrize(
    ("measure", "message"),
    [
        (np.zeros((4, 4)), "holds some mass"),
        (np.full((4, 4), -1.0), "not negative"),
        (np.full((4, 4), np.nan), "finite masses"),
        (np.full((4, 4), np.inf), "finite masses"),
        (np.ones(4), "two-dimensional"),
        (np.ones((0, 2)), "two-dimensional"),
        ("text", "two-dimensional"),
        ([[1, 0], [1]], "rectangular"),
    ],
)
def test_what_is_not_a_measure_is_refused(measure: Any, message: str) -> None:
    with pytest.raises(InvalidInputError, match=message):
        generalised_dimensions(measure)


@pytest.mark.parametrize("orders", [[], [[1.0]], [21.0], [math.nan], "q", [None, "a"]])
def test_unusable_orders_are_refused(orders: Any) -> None:
    with pytest.raises(InvalidInputError, match="orders must be"):
        generalised_dimensions(np.eye(8), orders=orders)


def test_an_order_that_was_not_asked_for_is_refused() -> None:
    with pytest.raises(InvalidInputError, match="order 3 was not measured"):
        generalised_dimensions(np.eye(8))[3]
