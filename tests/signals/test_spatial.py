from __future__ import annotations

import numpy as np
import pytest

from mycelium_fractal_net.errors import InvalidInputError
from mycelium_fractal_net.signals import morans_i, spatial_skewness, spatial_variance

FIELD = np.random.default_rng(8).normal(-70.0, 5.0, (6, 5))


def naive(field: np.ndarray, periodic: bool) -> float:
    """Sum over pairs of cells as the definition has it."""
    rows, columns = field.shape
    centred = field - field.mean()
    total = weight = 0.0
    for r in range(rows):
        for c in range(columns):
            for s, d in ((r + 1, c), (r - 1, c), (r, c + 1), (r, c - 1)):
                if periodic or (0 <= s < rows and 0 <= d < columns):
                    total += centred[r, c] * centred[s % rows, d % columns]
                    weight += 1
    return float(field.size / weight * total / (centred**2).sum())


@pytest.mark.parametrize("periodic", [True, False])
def test_morans_i_is_the_sum_over_pairs(periodic: bool) -> None:
    assert morans_i(FIELD, periodic=periodic) == pytest.approx(naive(FIELD, periodic))


def test_halves_of_a_bounded_field_are_alike() -> None:
    halves = np.repeat([[0.0] * 2 + [1.0] * 2], 4, axis=0)
    assert morans_i(halves, periodic=False) == pytest.approx((24 - 2 * 4) / 24)


def test_noise_has_the_expected_value() -> None:
    rng = np.random.default_rng(6)
    found = np.mean([morans_i(rng.standard_normal((8, 8))) for _ in range(2000)])
    assert found == pytest.approx(-1 / 63, abs=0.006)


def test_a_constant_field_has_neither_correlation_nor_skewness() -> None:
    flat = np.full((4, 4), 3.0)
    assert (morans_i(flat), spatial_variance(flat), spatial_skewness(flat)) == (0.0, 0.0, 0.0)


def test_a_rare_peak_is_skewed_to_the_right() -> None:
    field = np.zeros((10, 10))
    field[3, 3] = 1.0
    assert spatial_skewness(field) == pytest.approx((1 - 2 * 0.01) / np.sqrt(0.01 * 0.99))


@pytest.mark.parametrize("field", [np.zeros(9), np.zeros((2, 5)), np.full((4, 4), np.inf)])
def test_what_is_no_field_is_refused(field: np.ndarray) -> None:
    with pytest.raises(InvalidInputError, match="field must be"):
        morans_i(field)
