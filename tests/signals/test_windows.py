from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from mycelium_fractal_net.errors import InvalidInputError
from mycelium_fractal_net.signals import autocorrelation, reddening, rolling, skewness, smoothed, variance


@pytest.fixture
def noise() -> np.ndarray:
    return np.random.default_rng(3).standard_normal((5, 64))


def test_variance_and_skewness_are_those_of_scipy(noise: np.ndarray) -> None:
    np.testing.assert_allclose(variance(noise), stats.tvar(noise, axis=1))
    np.testing.assert_allclose(skewness(noise), stats.skew(noise, axis=1))


def test_the_autocorrelation_of_a_worked_example() -> None:
    assert autocorrelation(np.array([1.0, 2.0, 3.0, 4.0])) == pytest.approx((0.75 - 0.25 + 0.75) / 5)


@pytest.mark.parametrize("statistic", [autocorrelation, skewness, variance])
def test_a_constant_window_gives_zero(statistic: object) -> None:
    assert rolling(np.full(12, 7.0), 8, statistic).tolist() == [0.0] * 5  # type: ignore[arg-type]


@pytest.mark.parametrize(("exponent", "seed"), [(0, 1), (1, 2), (2, 3)])
def test_reddening_finds_the_exponent_of_a_power_law(exponent: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    amplitude = np.r_[0.0, np.arange(1, 2049) ** (-exponent / 2)]
    phases = np.exp(2j * np.pi * rng.uniform(size=2049))
    assert reddening(np.fft.irfft(amplitude * phases))[()] == pytest.approx(exponent, abs=0.05)


def test_each_window_gives_what_its_own_values_give(noise: np.ndarray) -> None:
    whole = rolling(noise, 16, variance)
    assert whole.shape == (5, 49)
    np.testing.assert_array_equal(whole[2, 7], variance(noise[2, 7:23]))


def test_smoothing_keeps_a_constant_and_follows_a_slow_wave() -> None:
    wave = np.sin(np.arange(400) / 60)
    np.testing.assert_allclose(smoothed(np.ones(400), 5.0), 1.0)
    np.testing.assert_allclose(smoothed(wave, 2.0)[20:-20], wave[20:-20], atol=1e-3)


@pytest.mark.parametrize(
    ("series", "window", "message"),
    [([1.0] * 4, 8, "at least 8 numbers"), ([1.0] * 10, 11, "window must be"), (["a"] * 10, 8, "series must be")],
)
def test_what_cannot_be_used_is_refused(series: list[object], window: int, message: str) -> None:
    with pytest.raises(InvalidInputError, match=message):
        rolling(series, window)
