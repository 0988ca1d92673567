from __future__ import annotations

import numpy as np
import pytest

from mycelium_fractal_net.errors import InvalidInputError
from mycelium_fractal_net.signals import cusum, page_hinkley, pelt


def run_lengths(shift: float, steps: int, seed: int) -> np.ndarray:
    """Return the steps between alarms of a chart whose reference is as good as known."""
    rng = np.random.default_rng(seed)
    series = np.r_[rng.standard_normal(20_000), shift + rng.standard_normal(steps)]
    return np.diff([20_000, *(change.step + 1 for change in cusum(series, reference=20_000))])


@pytest.mark.parametrize(
    ("shift", "published", "steps"), [(0.0, 465, 200_000), (1.0, 10.4, 20_000), (2.0, 4.01, 20_000)]
)
def test_the_run_lengths_are_those_of_the_tables(shift: float, published: float, steps: int) -> None:
    found = run_lengths(shift, steps, seed=11)
    assert found.mean() == pytest.approx(published, abs=4 * found.std() / np.sqrt(found.size) + 0.02 * published)


def test_a_fall_is_told_from_a_rise_and_dated() -> None:
    series = np.r_[np.tile([0.0, 1.0], 20), np.full(20, -3.0)]
    first = cusum(series, reference=40)[0]
    assert (first.direction, first.began) == (-1, 40)


def test_a_level_that_changes_twice_is_seen_twice() -> None:
    series = np.repeat([0.0, 5.0, 0.0], 40)
    found = page_hinkley(series, drift=0.5, threshold=4.0)
    assert [(change.step, change.direction) for change in found] == [(40, 1), (80, -1)]


def test_pelt_finds_every_level_and_none_in_noise() -> None:
    noise = np.random.default_rng(12).standard_normal(150)
    assert pelt(noise) == []
    assert pelt(noise + np.repeat([0.0, 6.0, 3.0], 50)) == [50, 100]


@pytest.mark.parametrize(
    ("change", "message"), [({"reference": 4}, "reference must be"), ({"threshold": 0}, "threshold")]
)
def test_a_chart_that_cannot_be_drawn_is_refused(change: dict[str, float], message: str) -> None:
    with pytest.raises(InvalidInputError, match=message):
        cusum(np.arange(20.0), **{"reference": 10, **change})  # type: ignore[arg-type]
