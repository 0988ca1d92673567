"""How the pair gets through one step: explicit Euler, Heun's method, or exponentials of the diffusion."""

from __future__ import annotations

from functools import lru_cache
from types import ModuleType
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from mycelium_fractal_net._lazy import need
from mycelium_fractal_net.fields.config import SimulationConfig

__all__ = ["Pair", "evolve", "evolve_potential", "pair_step"]

Field = NDArray[np.floating[Any]]
Spectrum = NDArray[Any]

_SERIES_BELOW = 1e-4


class Pair(NamedTuple):
    """Numbers of one step of the pair: what the kernels take, and both diffusion coefficients in cells^2 a step."""

    substeps: int
    boundary: int
    rest: tuple[Any, Any]
    scales: tuple[Any, Any, Any, Any]
    rates: tuple[Any, ...]
    diffusion: tuple[float, float]


def pair_step(
    substeps: int, boundary: int, rest: tuple[Any, Any], rates: tuple[Any, ...], diffusion: tuple[float, float]
) -> Pair:
    """Return the numbers of one step, in the arithmetic of the rates."""
    scalar, dt = type(rates[0]), 1.0 / substeps
    scales = (scalar(4), scalar(dt * diffusion[0]), scalar(dt * diffusion[1]), scalar(dt))
    return Pair(substeps, boundary, rest, scales, rates, diffusion)


def evolve(config: SimulationConfig, kernels: ModuleType, pair: Pair, a: Field, h: Field) -> tuple[Field, Field]:
    """Advance activator and inhibitor, (rows + 2, columns + 2), by one step; they are overwritten.

    Returns
    -------
    tuple of ndarray
        The pair after the step, with a border whose content means nothing.
    """
    if config.scheme == "exponential":
        return _exponential(config, pair, a, h)
    a, h = np.ascontiguousarray(a), np.ascontiguousarray(h)
    numbers = (pair.substeps, pair.boundary, pair.rest, pair.scales, pair.rates)
    a_new, h_new = np.zeros_like(a), np.zeros_like(h)
    if config.scheme == "heun":
        kernels.evolve_pair_heun(a, h, a_new, h_new, np.zeros_like(a), np.zeros_like(h), *numbers)
        return a, h
    return (a_new, h_new) if kernels.evolve_pair(a, h, a_new, h_new, *numbers) else (a, h)


def evolve_potential(
    kernels: ModuleType,
    fields: tuple[Field, Field, Field, Field],
    noise: Field,
    parts: int,
    boundary: int,
    four: Any,
    potential: tuple[Any, ...],
    *,
    turing: bool,
) -> tuple[Field, Field, NDArray[np.int64]]:
    """Advance the potential by one step in equal parts.

    Parameters
    ----------
    kernels : module
        Of the kinetics.
    fields : tuple of ndarray
        Potential, a spare field, activator and inhibitor, with a border of one cell.
    noise : ndarray, shape (0 or 1, rows, columns)
        What the last part adds.
    parts : int
        How many.
    boundary : int
        As the kernels count them.
    four : scalar
        In the fields' arithmetic.
    potential : tuple
        Diffusion, leak and drive of a part, and what else the kernel takes.
    turing : bool
        Whether living cells are driven.

    Returns
    -------
    tuple
        The potential after the step; the spare field; activations, clampings and cells that are not finite.
    """
    from mycelium_fractal_net.fields._kernels_ghosts import ALL_SIDES, refresh_ghosts

    v, v_new, a, h = fields
    rows, columns = v.shape[0] - 2, v.shape[1] - 2
    none, counts = np.empty((0, 0), v.dtype), np.zeros(3, np.int64)
    for part in range(parts):
        refresh_ghosts(v, rows, 1, boundary, potential[2], ALL_SIDES)
        counts[0] = counts[2] = 0
        added = noise[0] if part == parts - 1 and len(noise) else none
        kernels.potential_rows(v, v_new, a, h, 1, added, (1, rows, 1, columns), four, potential, turing, counts)
        v, v_new = v_new, v
    return v, v_new, counts


def _exponential(config: SimulationConfig, pair: Pair, a: Field, h: Field) -> tuple[Field, Field]:
    """Advance by ETD2RK: diffusion exactly, the reaction to second order.

    Cox and Matthews 2002, doi:10.1006/jcph.2002.6995, equations 20 to 22, in the eigenvectors of the lattice's
    Laplacian: waves for a periodic boundary, cosines for one of zero flux.
    """
    rates = dict(zip(config.model.rate_names, pair.rates, strict=False))
    forward, backward = _transforms(config.boundary, config.shape)
    dt = float(1.0 / pair.substeps)
    sizes = [_coefficients(config.shape, config.boundary, config.stencil, d, dt, config.dtype) for d in pair.diffusion]
    state = [x[1:-1, 1:-1] for x in (a, h)]
    waves = [forward(x) for x in state]
    with np.errstate(all="ignore"):
        for _ in range(pair.substeps):
            rate = config.model.function(*state, **rates)
            middle = [
                decay * wave + first * forward(f) for (decay, first, _), wave, f in zip(sizes, waves, rate, strict=True)
            ]
            later = config.model.function(*map(backward, middle), **rates)
            waves = [
                wave + second * forward(g - f)
                for (_, _, second), wave, f, g in zip(sizes, middle, rate, later, strict=True)
            ]
            state = [backward(wave) for wave in waves]
    for field, interior in zip((a, h), state, strict=True):
        field[1:-1, 1:-1] = interior
    return a, h


def _transforms(boundary: str, shape: tuple[int, int]) -> tuple[Any, Any]:
    fft = need("scipy:fft", "scipy")

    if boundary == "periodic":
        return fft.rfft2, lambda wave: fft.irfft2(wave, s=shape)
    return lambda x: fft.dctn(x, type=2), lambda wave: fft.idctn(wave, type=2)


@lru_cache(maxsize=16)
def _coefficients(
    shape: tuple[int, int], boundary: str, stencil: int, diffusion: float, dt: float, dtype: str
) -> tuple[Spectrum, Spectrum, Spectrum]:
    """Return exp(z), dt (exp(z) - 1) / z and dt (exp(z) - 1 - z) / z^2 with z = -dt D symbol."""
    z = -dt * diffusion * _symbol(shape, boundary, stencil)
    small = np.abs(z) < _SERIES_BELOW
    safe = np.where(small, 1.0, z)
    first = np.where(small, 1 + z / 2 + z * z / 6, np.expm1(safe) / safe)
    second = np.where(small, 0.5 + z / 6 + z * z / 24, (np.expm1(safe) - safe) / (safe * safe))
    decay, first, second = (each.astype(dtype) for each in (np.exp(z), dt * first, dt * second))
    return decay, first, second


def _symbol(shape: tuple[int, int], boundary: str, stencil: int) -> NDArray[np.float64]:
    """Return what minus the Laplacian multiplies each wave by, in the order of the transform."""
    rows, columns = shape
    if boundary == "periodic":
        row, column = 2 * np.pi * np.arange(rows) / rows, 2 * np.pi * np.arange(columns // 2 + 1) / columns
    else:
        row, column = np.pi * np.arange(rows) / rows, np.pi * np.arange(columns) / columns
    x, y = np.cos(row)[:, None], np.cos(column)[None, :]
    if stencil == 9:
        return np.asarray((20 - 8 * (x + y) - 4 * x * y) / 6)
    return np.asarray(4 - 2 * (x + y))
