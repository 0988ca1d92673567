"""What the Fourier spectrum of a field says: radial power and dominant wavelength."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from mycelium_fractal_net._checks import as_flag
from mycelium_fractal_net.errors import InvalidInputError
from mycelium_fractal_net.features._chance import cosine_transform, f_tail
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
_LONGER = 0.65  # share of the peak's wave number up to which waves count as longer
_LEAST_RATIO = 2.0
_TINY = 1e-300


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
        For what is not a field, for a constant one, and for one in which no wavelength stands out: from white noise,
        by a test at a level of 1 in 1000 for every size, and from longer waves, which spots, disks, smoothed noise
        and slopes have more of.

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
    return _measured_peak(as_field("field", field), as_flag("periodic", periodic)).wavelength


def _measured_peak(field: NDArray[np.float64], periodic: bool) -> SpectralPeak:
    spectrum = power_spectrum(field, periodic)
    if field.min() == field.max() or not spectrum.power.sum() > 0.0:
        raise _no_wavelength("it is constant")
    centre = _peak(spectrum)
    for _ in range(30):
        previous, centre = centre, _centre_of_band(spectrum, centre)
        if abs(centre - previous) <= 1e-9 * centre:
            break
    _check_evidence(spectrum, centre)
    return SpectralPeak(1.0 / centre, math.log10(_prominence(field, spectrum, centre)))


class SpectralPeak(NamedTuple):
    """The peak of a radial spectrum.

    Attributes
    ----------
    wavelength : float
        In cells; NaN where none stands out.
    prominence : float
        log10 of the density of power near the peak over that of longer waves; NaN where none stands out.
    """

    wavelength: float
    prominence: float


def find_wavelength(field: Any, periodic: bool = False) -> SpectralPeak:
    """Return the dominant wavelength of a pattern with its prominence, or NaN for both where there is none.

    Parameters
    ----------
    field : array, shape (rows, columns)
        Activator, potential, or any other field; offset and scale do not matter.
    periodic : bool
        Whether opposite edges touch.

    Raises
    ------
    InvalidInputError
        For what is not a field.

    Notes
    -----
    As :func:`measure_wavelength`, which says in its error why there is none.

    Examples
    --------
    >>> import numpy as np
    >>> row, column = np.indices((64, 64))
    >>> find_wavelength(np.exp(-((row - 30) ** 2 + (column - 30) ** 2) / 50.0))
    SpectralPeak(wavelength=nan, prominence=nan)
    """
    array, wraps = as_field("field", field), as_flag("periodic", periodic)
    try:
        return _measured_peak(array, wraps)
    except InvalidInputError:
        return SpectralPeak(math.nan, math.nan)


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
        raise _no_wavelength("nothing stands out from the noise")
    mean = total / inverse
    added = ((spectrum.radial - spectrum.tangential / 2.0)[inside] * weights).sum() / total
    return float(mean + added / mean)


def _check_evidence(spectrum: _Spectrum, centre: float) -> None:
    """Refuse a peak that white noise might show, or one that the window cannot tell from a slow variation.

    Sums of the power of white noise over m independent modes have a gamma distribution of shape m, so that the ratio
    of two of them has an F distribution. The window ties neighbouring modes together, which lowers m; the level
    counts the rings among which the peak was looked for, twice, since it need not lie on the middle of one.
    """
    windowed = bool(spectrum.radial.any())
    if centre < (_LEAST_WAVES if windowed else 0.99) * spectrum.bin_width:
        raise _no_wavelength(
            f"it varies most over {1.0 / centre:.3g} cells, which is more than half its shorter side; take a larger "
            "field, or periodic=True if opposite edges touch"
        )
    near = np.abs(spectrum.wavenumber - centre) <= _NEAR_BINS * spectrum.bin_width
    rest = ~near & (spectrum.wavenumber > 0.0)
    if not (near.any() and rest.any()):
        raise _no_wavelength("the modes lie too far apart in so small a field")
    contrast = float(spectrum.power[near].mean()) / max(float(spectrum.power[rest].mean()), _TINY)
    degrees = (2.0 * _independent_modes(part, windowed) for part in (near, rest))
    trials = 2.0 * np.count_nonzero(_rings(spectrum)[1][1:])
    if trials * f_tail(contrast, *degrees) > _MOST_CHANCE:
        raise _no_wavelength(
            f"the modes near {1.0 / centre:.3g} cells hold {contrast:.2g} times the mean power of the others, as "
            f"noise can"
        )


def _independent_modes(modes: NDArray[np.bool_], windowed: bool) -> float:
    """Return the shape of the gamma distribution of the summed power of white noise in these modes.

    The variance of the sum is that of the powers and their covariances, which are the squared transform of the
    squared window; a mode and its mirror image are one.
    """
    count = float(modes.sum())
    if not windowed:
        return count / 2.0
    ties = np.outer(*(_ties(side) for side in modes.shape))
    spread = np.fft.ifft2(np.abs(np.fft.fft2(modes)) ** 2).real
    return count**2 / (2.0 * float((spread * ties).sum()))


def _ties(side: int) -> NDArray[np.float64]:
    """Return the correlation of the powers of two modes by their distance along an axis."""
    transform = np.abs(np.fft.fft(_hann(side) ** 2))
    ties: NDArray[np.float64] = (transform / transform[0]) ** 2
    return ties


def _prominence(field: NDArray[np.float64], spectrum: _Spectrum, centre: float) -> float:
    """Return how dense the power is near the peak over that at longer waves; refuse one that does not stand out.

    Without wrapped edges the longer waves are measured by the cosine transform of what the best single wave leaves:
    the window hides them behind the mean that it needs taken off, and a strong wave would leak among them.
    """
    near = np.abs(spectrum.wavenumber - centre) <= _NEAR_BINS * spectrum.bin_width
    power, wavenumber = spectrum.power, spectrum.wavenumber
    density = float(power[near].mean())
    if spectrum.radial.any():
        power, wavenumber = _cosine_power(_without_wave(field, spectrum, centre))
    longer = (wavenumber > 0.0) & (wavenumber <= _LONGER * centre)
    if not longer.any():
        raise _no_wavelength(
            f"the peak at {1.0 / centre:.3g} cells is its slowest variation, which any single spot or slope has too; "
            "take a larger field"
        )
    ratio = density / max(float(power[longer].mean()), _TINY)
    trials = 2.0 * np.count_nonzero(_rings(spectrum)[1][1:])
    degrees = (2.0 * _independent_modes(near, bool(spectrum.radial.any())), float(longer.sum()))
    if ratio < _LEAST_RATIO or trials * f_tail(ratio, *degrees) > _MOST_CHANCE:
        raise _no_wavelength(
            f"the peak at {1.0 / centre:.3g} cells does not stand away from longer waves, which hold "
            f"{1.0 / ratio:.2g} times its power, as in spots and slopes of one size"
        )
    return ratio


def _cosine_power(field: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the power of the cosine modes, whose mean is that of the Fourier modes, and their wave numbers."""
    rows, columns = field.shape
    power = cosine_transform(field) ** 2 / field.size
    return power, np.hypot(np.arange(rows)[:, None] / (2.0 * rows), np.arange(columns)[None, :] / (2.0 * columns))


def _without_wave(field: NDArray[np.float64], spectrum: _Spectrum, centre: float) -> NDArray[np.float64]:
    """Take the single wave that fits best off a field, scaled to the unit of its spectrum."""
    deviation = unit_deviation(field)
    rows, columns = field.shape
    power = np.where(np.abs(spectrum.wavenumber - centre) <= _NEAR_BINS * spectrum.bin_width, spectrum.power, 0.0)
    top = np.unravel_index(int(power.argmax()), power.shape)
    wave = [_peak_between(np.take(power, int(top[1 - axis]), axis=1 - axis), int(top[axis])) for axis in (0, 1)]
    phase = 2.0 * np.pi * (wave[0] * np.arange(rows)[:, None] + wave[1] * np.arange(columns)[None, :])
    table = np.stack([np.ones(field.size), np.cos(phase).ravel(), np.sin(phase).ravel()], axis=1)
    found = np.linalg.lstsq(table, deviation.ravel(), rcond=None)[0]
    left: NDArray[np.float64] = deviation - (table @ found).reshape(field.shape)
    return left


def _peak_between(power: NDArray[np.float64], top: int) -> float:
    """Return the frequency in cycles per cell of a peak that a Hann window has spread over three modes."""
    side = power.size
    if side < 3:
        return float(np.fft.fftfreq(side)[top])
    here, before, after = (math.sqrt(float(power[(top + step) % side])) for step in (0, -1, 1))
    step, beside = (1.0, after) if after > before else (-1.0, before)
    ratio = beside / here
    return float(np.fft.fftfreq(side)[top]) + step * (2.0 * ratio - 1.0) / (1.0 + ratio) / side
