"""Correlation lengths of random fields whose correlation is known."""

import numpy as np
import pytest
from scipy import ndimage, special

from mycelium_fractal_net.features import correlation_length


@pytest.mark.parametrize("periodic", [True, False])
@pytest.mark.parametrize("sigma", [1.5, 3.0])
def test_smoothed_noise_has_twice_the_width_of_its_filter(sigma: float, periodic: bool) -> None:
    noise = np.random.default_rng(8).normal(size=(384, 384))
    smooth = ndimage.gaussian_filter(noise, sigma, mode="wrap")
    assert correlation_length(smooth, periodic) == pytest.approx(2.0 * sigma, rel=0.06)


@pytest.mark.parametrize("wavelength", [8, 16, 32])
def test_a_wave_has_the_length_at_which_the_bessel_function_falls(wavelength: int) -> None:
    field = np.cos(2 * np.pi * np.arange(128) / wavelength) * np.ones((128, 1))
    radii = np.linspace(0.0, wavelength / 2, 10_000)
    expected = radii[np.argmax(special.j0(2 * np.pi * radii / wavelength) < np.exp(-1.0))]
    assert correlation_length(field) == pytest.approx(expected, rel=0.06)


def test_white_noise_forgets_itself_within_a_cell() -> None:
    assert 0.5 < correlation_length(np.random.default_rng(9).normal(size=(96, 96))) < 1.0


def test_a_constant_field_has_none_and_a_gradient_has_no_end() -> None:
    assert correlation_length(np.full((8, 8), -70.0)) == 0.0
    assert 0.0 < correlation_length(np.arange(32.0) * np.ones((8, 1)), periodic=False) <= 4.0


@pytest.mark.parametrize("shape", [(1, 2), (2, 1), (1, 1), (2, 2), (3, 400)])
@pytest.mark.parametrize("periodic", [True, False])
def test_small_fields_have_at_most_half_their_shorter_side(shape: tuple[int, int], periodic: bool) -> None:
    field = np.random.default_rng(10).normal(size=shape)
    assert 0.0 <= correlation_length(field, periodic) <= min(shape) / 2


@pytest.mark.parametrize("scale", [1e-300, 1e90])
def test_scale_does_not_matter(scale: float) -> None:
    field = ndimage.gaussian_filter(np.random.default_rng(11).normal(size=(64, 64)), 2.0)
    assert correlation_length(scale * field) == pytest.approx(correlation_length(field), rel=1e-9)
