from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from mycelium_fractal_net.signals import ar1_surrogates, autocorrelation, kendall_tau, phase_surrogates

WALK = np.random.default_rng(5).standard_normal(200).cumsum()


def test_tau_is_that_of_scipy() -> None:
    expected = stats.kendalltau(np.arange(WALK.size), WALK).statistic
    assert kendall_tau(WALK) == pytest.approx(expected, abs=1e-12)


def test_many_series_give_what_each_gives_alone() -> None:
    rows = WALK.reshape(4, 50)
    assert kendall_tau(rows).tolist() == [float(kendall_tau(row)) for row in rows]


def test_autoregressive_surrogates_have_mean_spread_and_memory_of_the_series() -> None:
    rng = np.random.default_rng(7)
    series = ar1_surrogates(np.sin(np.arange(2000.0)), 1, rng)[0] * 3 + 10
    drawn = ar1_surrogates(series, 400, rng)
    assert drawn.mean() == pytest.approx(series.mean(), abs=0.1)
    assert drawn.std() == pytest.approx(series.std(), rel=0.05)
    assert autocorrelation(drawn).mean() == pytest.approx(float(autocorrelation(series)), abs=0.02)


@pytest.mark.parametrize("n", [64, 65])
def test_phase_surrogates_keep_the_spectrum_and_the_mean(n: int) -> None:
    series = WALK[:n]
    drawn = phase_surrogates(series, 3, np.random.default_rng(1))
    np.testing.assert_allclose(np.abs(np.fft.rfft(drawn)), np.abs(np.fft.rfft(series)) * np.ones((3, 1)), atol=1e-9)
    assert not np.allclose(drawn[0], drawn[1])
