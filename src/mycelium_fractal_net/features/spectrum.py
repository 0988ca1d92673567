"""What the Fourier spectrum of a field says: radial power and dominant wavelength."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from mycelium_fractal_net._checks import as_flag
from mycelium_fractal_net.errors import InvalidInputError
from mycelium_fractal_net.features._potentials import as_field, unit_deviation

__all__ = [
    "RadialSpectrum",
    "SpectralPeak",
    "find_wavelength",
    "measure_wavelength",
    "power_spectrum",
    "radial_power_spectrum",
]

_BAND_BINS = 2.5
_BAND_SHARE = 0.25
_NEAR_BINS = 1.5
_LEAST_WAVES = 1.75
_MOST_CHANCE = 1e-3


class RadialSpectrum(NamedTuple):
    """Power by distance from the origin of wave space.

    Attributes
    ----------
    wavenumbers : ndarray of float64, shape (n,)
        Mean wave number of each ring in cycles per cell, ascending.
    power : ndarray of float64, shape (n,)
        Mean power of the modes in the ring in mV^2; times the number of modes in it, all rings sum to the variance.
    modes : ndarray of int64, shape (n,)
        Modes in the ring.
    """

    wavenumbers: NDArray[np.float64]
    power: NDArray[np.float64]
    modes: NDArray[np.int64]


class _Spectrum(NamedTuple):
    """Power and length of the wave vector of each mode; the coarser and the finer spacing of the modes.

    ``radial`` and ``tangential`` are the variances that the window adds to a wave vector of that direction, along it
    and across it.
    """

    power: NDArray[np.float64]
    wavenumber: NDArray[np.float64]
    bin_width: float
    ring_width: float
    radial: NDArray[np.float64]
    tangential: NDArray[np.float64]


def radial_power_spectrum(field_mv: Any, periodic: bool = False) -> RadialSpectrum:
    r"""Average the power spectrum of a field over directions.

    .. math:: P(k) = \langle |\hat V(\mathbf k)|^2 \rangle_{|\mathbf k| \approx k}

    Parameters
    ----------
    field_mv : array, shape (rows, columns)
        Potential, or any other field; its mean is taken off.
    periodic : bool
        Whether opposite edges touch. If not, a Hann window keeps the edges from posing as waves.

    Returns
    -------
    RadialSpectrum
        Rings as wide as the finer of the two grids of wave numbers; empty ones are left out.

    Raises
    ------
    InvalidInputError
        For what is not a field.

    Examples
    --------
    >>> import numpy as np
    >>> wave = np.cos(2 * np.pi * np.arange(64) / 8) * np.ones((64, 1))
    >>> spectrum = radial_power_spectrum(wave, periodic=True)
    >>> round(spectrum.wavenumbers[spectrum.power.argmax()], 3), round((spectrum.power * spectrum.modes).sum(), 12)
    (np.float64(0.125), np.float64(0.5))
    """
    field = as_field("field_mv", field_mv)
    spectrum = power_spectrum(field, as_flag("periodic", periodic))
    ring, modes, power = _rings(spectrum)
    power *= float(np.abs(field - field.flat[0]).max()) ** 2
    held = modes > 0
    held[0] = False
    length = np.bincount(ring, weights=spectrum.wavenumber.ravel())
    return RadialSpectrum(length[held] / modes[held], power[held] / modes[held], modes[held])


def measure_wavelength(field: Any, periodic: bool = False) -> float:
    r"""Measure the dominant wavelength of a pattern, in cells.

    .. math:: \lambda = \frac{1}{\bar k}, \qquad \bar k = \frac{\int k \, P(k) \, dk}{\int P(k) \, dk}

    over a band of wave numbers around the peak of the radial power spectrum P, corrected for the known
    broadening that the window adds.

    Parameters
    ----------
    field : array, shape (rows, columns)
        Activator, potential, or any other field; offset and scale do not matter.
    periodic : bool
        Whether opposite edges touch. If not, a Hann window is used, which suits periodic fields too but cannot
        resolve waves of which fewer than two fit into the field.

    Returns
    -------
    float
        Wavelength in cells: the side of a field over the number of waves across it.

    Raises
    ------
    InvalidInputError
        For what is not a field, for a constant one, and for one in which no wavelength stands out, as in noise.

    Notes
    -----
    The band is re-centred on its own mean until it rests, so that the answer is not tied to the grid of wave
    numbers. White noise is estimated outside the band and taken off. Accuracy as measured is in the page
    "Features" of the documentation.

    References
    ----------
    F. J. Harris, "On the use of windows for harmonic analysis with the discrete Fourier transform", Proc. IEEE 66
    (1978) 51. https://doi.org/10.1109/PROC.1978.10837

    Examples
    --------
    >>> import numpy as np
    >>> row, column = np.indices((64, 64))
    >>> round(measure_wavelength(np.cos(2 * np.pi * (0.6 * row + 0.8 * column) / 9.2)), 1)
    9.2
    """
    array = as_field("field", field)
    spectrum = power_spectrum(array, as_flag("periodic", periodic))
    if array.min() == array.max() or not spectrum.power.sum() > 0.0:
        raise _no_wavelength("it is constant")
    centre = _peak(spectrum)
    for _ in range(30):
        previous, centre = centre, _centre_of_band(spectrum, centre)
        if abs(centre - previous) <= 1e-9 * centre:
            break
    _check_evidence(spectrum, centre)
    return 1.0 / centre


class SpectralPeak(NamedTuple):
    """The peak of a radial spectrum.

    Attributes
    ----------
    wavelength : float
        In cells; NaN where none stands out.
    prominence : float
        log10 of how far the peak stands above the valley towards longer waves.
    """

    wavelength: float
    prominence: float


def find_wavelength(field: NDArray[np.float64], periodic: bool) -> SpectralPeak:
    """Return the peak of a field's radial spectrum, with a NaN wavelength where it does not stand out."""
    try:
        return SpectralPeak(measure_wavelength(field, periodic), 0.0)
    except InvalidInputError:
        return SpectralPeak(math.nan, 0.0)


def _no_wavelength(reason: str) -> InvalidInputError:
    return InvalidInputError(f"the field has no dominant wavelength: {reason}", field="field")


def power_spectrum(field: NDArray[np.float64], periodic: bool) -> _Spectrum:
    """Transform a field, scaled; without wrapped edges through a Hann window, which leaves its mean at zero."""
    rows, columns = field.shape
    deviation = unit_deviation(field)
    if not periodic:
        window = np.outer(_hann(rows), _hann(columns))
        deviation = (deviation - (deviation * window).sum() / window.sum()) * window
        deviation /= math.sqrt(float((window**2).mean()))
    power = np.abs(np.fft.fft2(deviation) / field.size) ** 2
    power[0, 0] = 0.0
    return _Spectrum(power, *_wave_space(rows, columns, periodic))


def _wave_space(
    rows: int, columns: int, periodic: bool
) -> tuple[NDArray[np.float64], float, float, NDArray[np.float64], NDArray[np.float64]]:
    """Return the lengths of wave vectors, their spacings, and how much the window broadens a peak at each."""
    down, across = np.fft.fftfreq(rows)[:, None], np.fft.fftfreq(columns)[None, :]
    wavenumber = np.hypot(down, across)
    sides = [side for side in (rows, columns) if side > 1] or [1]
    added_down, added_across = (0.0 if periodic or side == 1 else 1.0 / (3.0 * side**2) for side in (rows, columns))
    steep = (down / np.where(wavenumber > 0.0, wavenumber, 1.0)) ** 2
    radial = added_down * steep + added_across * (1.0 - steep)
    return wavenumber, 1.0 / min(sides), 1.0 / max(sides), radial, added_down + added_across - radial


def _hann(count: int) -> NDArray[np.float64]:
    """Return the window of a side, sampled so that its spectrum is exactly three modes wide."""
    if count == 1:
        return np.ones(1)
    window: NDArray[np.float64] = np.sin(np.pi * (np.arange(count) + 0.5) / count) ** 2
    return window


def _rings(spectrum: _Spectrum) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float64]]:
    """Return the ring of each mode, and modes and power of each ring."""
    ring = np.rint(spectrum.wavenumber.ravel() / spectrum.ring_width).astype(np.int64)
    modes = np.bincount(ring).astype(np.int64)
    return ring, modes, np.bincount(ring, weights=spectrum.power.ravel()).astype(np.float64)


def _peak(spectrum: _Spectrum) -> float:
    ring, modes, power = _rings(spectrum)
    density = power / np.maximum(modes, 1)
    highest = ring == int(density[1:].argmax()) + 1
    weights = spectrum.power.ravel()[highest]
    return float((weights * spectrum.wavenumber.ravel()[highest]).sum() / weights.sum())


def _centre_of_band(spectrum: _Spectrum, centre: float) -> float:
    """Return the mean wave number, weighted by the radial power, of the band around ``centre``.

    Modes in a ring grow in number with k, so the radial power weighs each mode by 1/k.
    """
    reach = max(_BAND_BINS * spectrum.bin_width, _BAND_SHARE * centre)
    inside = (np.abs(spectrum.wavenumber - centre) <= reach) & (spectrum.wavenumber > 0.0)
    floor = float(np.median(spectrum.power[~inside])) / math.log(2.0) if not inside.all() else 0.0
    weights = spectrum.power[inside] - floor
    total, inverse = float(weights.sum()), float((weights / spectrum.wavenumber[inside]).sum())
    if not (total > 0.0 and inverse > 0.0 and abs(total / inverse - centre) <= reach):
        raise _no_wavelength("nothing stands out of the noise")
    mean = total / inverse
    added = ((spectrum.radial - spectrum.tangential / 2.0)[inside] * weights).sum() / total
    return float(mean + added / mean)


def _check_evidence(spectrum: _Spectrum, centre: float) -> None:
    """Refuse a peak that white noise might show, or one that the window cannot tell from a slow variation.

    The power of white noise at m independent modes has a gamma distribution of shape m.
    """
    from scipy.special import gammaincc

    windowed = bool(spectrum.radial.any())
    if centre < (_LEAST_WAVES if windowed else 0.99) * spectrum.bin_width:
        raise _no_wavelength(
            f"it varies most over {1.0 / centre:.3g} cells, which is more than half its shorter side; take a larger "
            "field, or periodic=True if opposite edges touch"
        )
    near = np.abs(spectrum.wavenumber - centre) <= _NEAR_BINS * spectrum.bin_width
    if not near.any():
        raise _no_wavelength("the modes lie too far apart in so small a field")
    independent = near.sum() / (4.5 if windowed else 2.0)
    contrast = spectrum.power[near].mean() / spectrum.power.mean()
    chance = gammaincc(independent, independent * contrast) / (2.0 * spectrum.ring_width)
    if chance > _MOST_CHANCE and not near.mean() > 0.5:
        raise _no_wavelength(
            f"the modes near {1.0 / centre:.3g} cells hold {contrast:.2g} times the mean power, as noise may do"
        )
