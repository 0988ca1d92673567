from __future__ import annotations

import math

import numpy as np
import pytest

from mycelium_fractal_net.errors import InvalidInputError
from mycelium_fractal_net.signals import STATISTICS, early_warning


def autoregressive(phi: np.ndarray, seed: int) -> np.ndarray:
    """Return x(t) = phi(t) x(t-1) + noise."""
    noise = np.random.default_rng(seed).standard_normal(phi.size)
    for t in range(1, phi.size):
        noise[t] += phi[t] * noise[t - 1]
    return noise


@pytest.mark.parametrize("statistic", sorted(STATISTICS))
@pytest.mark.parametrize("phi", [0.0, 0.7])
def test_series_without_a_transition_raise_few_alarms(statistic: str, phi: float) -> None:
    stationary = [autoregressive(np.full(80, phi), seed) for seed in range(100)]
    found = [early_warning(series, statistic, surrogates=39, seed=k).p_value for k, series in enumerate(stationary)]
    assert sum(p <= 0.05 for p in found) <= 13  # 5 expected; 14 or more in one of 1500 if the level is right
    assert 30 <= sum(p <= 0.5 for p in found) <= 70


@pytest.mark.parametrize("statistic", ["autocorrelation", "reddening"])
def test_slowing_down_is_seen(statistic: str) -> None:
    slower = [autoregressive(np.linspace(0, 0.95, 400), seed) for seed in range(10)]
    found = [early_warning(series, statistic, surrogates=39).p_value for series in slower]
    assert sum(p <= 0.05 for p in found) >= 8


def test_growing_noise_is_seen_by_its_variance_not_by_its_memory() -> None:
    louder = [np.linspace(1, 4, 400) * np.random.default_rng(seed).standard_normal(400) for seed in range(10)]

    def alarms(statistic: str) -> int:
        return sum(early_warning(series, statistic, surrogates=39).p_value <= 0.05 for series in louder)

    assert alarms("variance") >= 9
    assert alarms("autocorrelation") <= 4


def test_a_mean_that_moves_is_no_warning_once_it_is_taken_away() -> None:
    series = np.linspace(0, 50, 300) + np.random.default_rng(4).standard_normal(300)
    assert early_warning(series, "autocorrelation", surrogates=99).p_value > 0.05


def test_the_same_seed_gives_the_same_numbers() -> None:
    series = autoregressive(np.full(64, 0.5), 1)
    first, second = (early_warning(series, surrogates=39, bandwidth=math.inf, seed=9) for _ in range(2))
    assert first.null.tolist() == second.null.tolist()
    assert "variance" in first.explain()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"series": np.zeros(31)}, "at least 32"),
        ({"series": np.r_[np.zeros(40), np.nan]}, "finite everywhere"),
        ({"statistic": "varance"}, "did you mean 'variance'"),
        ({"window": 4}, "window must be"),
        ({"null": "white"}, "null must be one of ar1, phase"),
        ({"surrogates": 5}, "surrogates must be"),
    ],
)
def test_what_cannot_be_used_is_refused(change: dict[str, object], message: str) -> None:
    with pytest.raises(InvalidInputError, match=message):
        early_warning(**{"series": np.zeros(64), **change})  # type: ignore[arg-type]
