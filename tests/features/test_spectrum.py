"""Wavelengths of waves whose wavelength is known, and the refusal to name one where there is none."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter

import mycelium_fractal_net as mfn
from mycelium_fractal_net.features import find_wavelength, radial_power_spectrum

Array = NDArray[np.float64]


def wave(shape: tuple[int, int], wavelength: float, angle: float, phase: float = 0.0) -> Array:
    row, column = np.indices(shape)
    crossing: Array = np.cos(2 * np.pi * (np.cos(angle) * row + np.sin(angle) * column) / wavelength + phase)
    return crossing


def isotropic(side: int, wavelength: float, seed: int) -> Array:
    draw = np.random.default_rng(seed).uniform(0.0, 2 * np.pi, (40, 2))
    pattern: Array = np.sum([wave((side, side), wavelength, angle, phase) for angle, phase in draw], axis=0)
    return pattern


@given(
    shape=st.tuples(st.integers(32, 90), st.integers(32, 90)),
    waves=st.floats(3.2, 10.0),
    angle=st.floats(0.0, np.pi),
    phase=st.floats(0.0, np.pi),
)
@settings(max_examples=100, deadline=None)
def test_a_wave_of_any_direction_is_measured_to_half_a_percent(
    shape: tuple[int, int], waves: float, angle: float, phase: float
) -> None:
    wavelength = min(shape) / waves
    assert mfn.measure_wavelength(wave(shape, wavelength, angle, phase)) == pytest.approx(wavelength, rel=5e-3)


@pytest.mark.parametrize("noise", [0.5, 1.0])
@pytest.mark.parametrize("angle", [0.0, 0.4, 1.2])
@pytest.mark.parametrize("wavelength", [4.3, 9.2, 12.0])
def test_noise_as_strong_as_the_wave_costs_less_than_three_percent(
    wavelength: float, angle: float, noise: float
) -> None:
    field = wave((64, 64), wavelength, angle) + noise * np.random.default_rng(6).normal(size=(64, 64))
    assert mfn.measure_wavelength(field) == pytest.approx(wavelength, rel=0.03)


@pytest.mark.parametrize("wavelength", [5.0, 7.7, 9.2])
@pytest.mark.parametrize("seed", range(4))
def test_an_isotropic_pattern_is_measured_to_half_a_percent(wavelength: float, seed: int) -> None:
    assert mfn.measure_wavelength(isotropic(64, wavelength, seed)) == pytest.approx(wavelength, rel=5e-3)


@pytest.mark.parametrize(("down", "across"), [(1, 0), (0, 3), (3, 4), (7, -5), (24, 0)])
def test_a_wave_that_fits_round_the_torus_is_measured_exactly(down: int, across: int) -> None:
    row, column = np.indices((48, 80))
    field = np.cos(2 * np.pi * (down * row / 48 + across * column / 80))
    expected = 1.0 / np.hypot(down / 48, across / 80)
    assert mfn.measure_wavelength(field, periodic=True) == pytest.approx(expected, rel=1e-9)


@pytest.mark.parametrize(("offset", "scale"), [(0.0, 1e-200), (0.0, 1e90), (1e9, 1.0), (-65.0, -30.0)])
def test_offset_and_scale_do_not_matter(offset: float, scale: float) -> None:
    field = offset + scale * wave((64, 64), 8.0, 0.3)
    assert mfn.measure_wavelength(field) == pytest.approx(mfn.measure_wavelength(wave((64, 64), 8.0, 0.3)), rel=1e-6)


def test_a_line_is_a_field_too() -> None:
    assert mfn.measure_wavelength(wave((1, 100), 7.3, np.pi / 2)) == pytest.approx(7.3, rel=2e-3)


@pytest.mark.parametrize("periodic", [True, False])
@pytest.mark.parametrize("field", [np.zeros((9, 9)), np.full((64, 64), -70.1), np.ones((1, 1))])
def test_a_constant_field_has_no_wavelength(field: Array, periodic: bool) -> None:
    with pytest.raises(mfn.InvalidInputError, match="no dominant wavelength: it is constant"):
        mfn.measure_wavelength(field, periodic)


@pytest.mark.parametrize("periodic", [True, False])
@pytest.mark.parametrize("seed", range(5))
def test_white_noise_has_no_wavelength(seed: int, periodic: bool) -> None:
    noise = np.random.default_rng(seed).normal(size=(64, 64))
    with pytest.raises(mfn.InvalidInputError, match="no dominant wavelength"):
        mfn.measure_wavelength(noise, periodic)


@pytest.mark.parametrize("waves", [0.5, 1.0, 1.5])
def test_waves_longer_than_the_window_resolves_are_refused(waves: float) -> None:
    with pytest.raises(mfn.InvalidInputError, match="more than half its shorter side"):
        mfn.measure_wavelength(wave((64, 64), 64 / waves, 0.0))


@given(st.integers(0, 10_000), st.tuples(st.integers(1, 9), st.integers(1, 9)), st.booleans())
@settings(max_examples=100, deadline=None)
def test_small_fields_get_a_length_or_a_reason(seed: int, shape: tuple[int, int], periodic: bool) -> None:
    field = np.random.default_rng(seed).normal(size=shape)
    try:
        assert mfn.measure_wavelength(field, periodic) >= np.sqrt(2.0) - 1e-9
    except mfn.InvalidInputError as refused:
        reason: Any = str(refused)
        assert "no dominant wavelength" in reason


@pytest.mark.parametrize("periodic", [True, False])
@pytest.mark.parametrize("shape", [(64, 64), (30, 51), (1, 40), (1, 1)])
def test_the_rings_hold_the_whole_variance(shape: tuple[int, int], periodic: bool) -> None:
    field = np.random.default_rng(7).normal(-65.0, 4.0, shape)
    spectrum = radial_power_spectrum(field, periodic)
    total = float((spectrum.power * spectrum.modes).sum())
    assert total == pytest.approx(field.var(), rel=1e-9 if periodic else 0.25)
    assert spectrum.modes.sum() == field.size - 1
    assert (np.diff(spectrum.wavenumbers) > 0).all()


@pytest.mark.parametrize("periodic", [True, False])
@pytest.mark.parametrize(("shape", "fields"), [((8, 8), 300), ((9, 13), 300), ((12, 12), 300), ((16, 16), 200)])
def test_hardly_any_field_of_white_noise_has_a_wavelength(shape: tuple[int, int], fields: int, periodic: bool) -> None:
    draw = np.random.default_rng(17)
    found = [find_wavelength(draw.normal(size=shape), periodic).wavelength for _ in range(fields)]
    assert np.isfinite(found).sum() <= 3  # at a level of 1 in 1000 more has a chance of less than 1 in 3000


def humps(side: int, kind: str, seed: int) -> Array:
    draw, (row, column) = np.random.default_rng(seed), np.indices((side, side))
    top, left = draw.uniform(0.3, 0.7, 2) * side
    distance = np.hypot(row - top, column - left)
    if kind == "spot":
        return np.asarray(np.exp(-(distance**2) / 2 / draw.uniform(3, 8) ** 2))
    if kind == "disk":
        return np.asarray(distance < draw.uniform(4, side / 5), dtype=float)
    if kind == "ridge":
        return np.asarray(np.exp(-((0.8 * row + 0.6 * column - side * draw.uniform(0.4, 0.9)) ** 2) / 30))
    if kind == "1/f^2":
        wave = np.hypot(np.fft.fftfreq(side)[:, None], np.fft.fftfreq(side)) + 1e-9
        return np.asarray(np.fft.ifft2(np.fft.fft2(draw.normal(size=(side, side))) / wave).real)
    points = draw.random((side, side)) < 0.005 if kind == "scattered spots" else draw.normal(size=(side, side))
    return np.asarray(gaussian_filter(points.astype(float), 2.5, mode="wrap"))


@pytest.mark.parametrize("periodic", [True, False])
@pytest.mark.parametrize("side", [32, 64, 128])
@pytest.mark.parametrize("kind", ["spot", "disk", "ridge", "1/f^2", "scattered spots", "smoothed noise"])
def test_what_has_a_size_but_no_wavelength_gets_none_and_never_the_size_of_the_array(
    kind: str, side: int, periodic: bool
) -> None:
    for seed in range(3):
        assert np.isnan(find_wavelength(humps(side, kind, seed), periodic)).all()


@pytest.mark.parametrize("periodic", [True, False])
def test_a_wavelength_comes_with_its_prominence(periodic: bool) -> None:
    clear, hidden = isotropic(64, 8.0, 1), isotropic(64, 8.0, 1) + 8.0 * humps(64, "smoothed noise", 2)
    assert find_wavelength(clear, periodic).wavelength == pytest.approx(8.0, rel=0.01)
    assert find_wavelength(clear, periodic).prominence > find_wavelength(hidden, periodic).prominence > 0.3


@pytest.mark.parametrize("periodic", [True, False])
@pytest.mark.parametrize("side", [8, 12, 16])
def test_small_stripes_keep_their_wavelength(side: int, periodic: bool) -> None:
    assert mfn.measure_wavelength(wave((side, side), 4.0, 0.0), periodic) == pytest.approx(4.0, rel=0.01)


def test_one_wave_round_a_torus_cannot_be_told_from_a_slope() -> None:
    with pytest.raises(mfn.InvalidInputError, match="its slowest variation"):
        mfn.measure_wavelength(wave((48, 48), 48.0, 0.0), periodic=True)


def test_the_extended_features_have_no_wavelength_for_a_spot() -> None:
    spot = -70.0 + 30.0 * humps(64, "spot", 5)
    vector = mfn.extract_features(spot, sets=("spectral", "extended"))
    assert np.isnan([vector.wavelength, vector.V_wavelength, vector.V_prominence]).all()
