"""Moments against exact rational arithmetic and SciPy."""

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from mycelium_fractal_net.features._kernels_moments import all_within, moments


def exact(values: list[float]) -> tuple[float, float, float, float]:
    numbers = [Fraction(value) for value in values]
    mean = sum(numbers) / len(numbers)
    second, third, fourth = (sum((x - mean) ** power for x in numbers) / len(numbers) for power in (2, 3, 4))
    std = float(second) ** 0.5
    return float(mean), std, float(third) / std**3, float(fourth / second**2) - 3.0


@given(st.lists(st.integers(-1000, 1000), min_size=2, max_size=600).filter(lambda values: len(set(values)) > 1))
@settings(max_examples=60, deadline=None)
def test_moments_equal_exact_ones(values: list[int]) -> None:
    scaled = [value / 8 - 65.0 for value in values]
    least, most, *found = moments(np.array(scaled))
    assert (least, most) == (min(scaled), max(scaled))
    np.testing.assert_allclose(found, exact(scaled), rtol=1e-11, atol=1e-10)


@pytest.mark.parametrize("scale", [1e-300, 1e-160, 1.0, 1e90, 1e100])
def test_shape_does_not_depend_on_scale(scale: float) -> None:
    values = np.random.default_rng(4).gamma(3.0, size=5000) / 20.0
    *_, std, skew, kurtosis = moments(values * scale)
    assert std / scale == pytest.approx(values.std(), rel=1e-12)
    assert skew == pytest.approx(stats.skew(values), rel=1e-10)
    assert kurtosis == pytest.approx(stats.kurtosis(values), rel=1e-10)


def test_one_value_has_no_spread() -> None:
    assert moments(np.array([-70.5])) == (-70.5, -70.5, -70.5, 0.0, 0.0, 0.0)


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf, 1.5, -1.5])
@pytest.mark.parametrize("place", [0, 500, 999])
def test_a_single_value_outside_is_noticed(bad: float, place: int) -> None:
    values = np.zeros(1000)
    assert all_within(values, 1.0)
    values[place] = bad
    assert not all_within(values, 1.0)
