"""The fields at step 0 and the random streams that follow."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from mycelium_fractal_net.errors import InvalidInputError
from mycelium_fractal_net.fields.config import SimulationConfig
from mycelium_fractal_net.fields.models import Patches
from mycelium_fractal_net.fields.stability import steady_pair

__all__ = ["RandomStreams", "checked_field", "rest_pair", "start_fields"]

Field = NDArray[np.floating[Any]]

START_POTENTIAL_STD_MV = 5.0
EVENT_MEAN_MV, EVENT_STD_MV = 20.0, 5.0


@dataclass
class RandomStreams:
    """One generator for each random process, so that none depends on what another draws."""

    start: np.random.Generator
    sites: np.random.Generator
    amplitudes: np.random.Generator
    jitter: np.random.Generator

    @classmethod
    def from_seed(cls, seed: int) -> RandomStreams:
        """Make the streams of a seed: start, events (two) and jitter."""
        start, events, jitter = np.random.SeedSequence(seed).spawn(3)
        sites, amplitudes = events.spawn(2)
        return cls(*(np.random.Generator(np.random.PCG64(s)) for s in (start, sites, amplitudes, jitter)))

    @property
    def states(self) -> dict[str, Any]:
        """Generator states, ready for JSON."""
        return {name: generator.bit_generator.state for name, generator in vars(self).items()}

    @states.setter
    def states(self, states: dict[str, Any]) -> None:
        for name, generator in vars(self).items():
            generator.bit_generator.state = states[name]


def rest_pair(config: SimulationConfig) -> tuple[float, float]:
    """Return activator and inhibitor at the steady state."""
    return steady_pair(config.model, config.complete_parameters)


def start_fields(
    config: SimulationConfig, generator: np.random.Generator, initial_field_mv: ArrayLike | None
) -> tuple[Field, Field, Field]:
    """Return activator, inhibitor and potential (mV) at step 0, each (N, N) in the configuration's dtype."""
    model, shape = config.model, (config.grid_size, config.grid_size)
    mean_a, mean_h = model.start or rest_pair(config)
    dtype = np.dtype(config.dtype)
    a = _normal(generator, shape, mean_a, model.noise).astype(dtype, copy=False)
    h = np.full(shape, mean_h, dtype)
    v = _normal(generator, shape, config.rest_potential_mv, START_POTENTIAL_STD_MV)
    if model.patches is not None:
        _lay_patches(a, h, model.patches, generator)
    if initial_field_mv is not None:
        v = checked_potential(config, initial_field_mv)
    return a, h, v.clip(*config.clamp_mv, out=v).astype(dtype, copy=False)


def _normal(generator: np.random.Generator, shape: tuple[int, int], mean: float, std: float) -> NDArray[np.float64]:
    """Draw normal numbers without a second array."""
    values = generator.standard_normal(shape)
    values *= std
    values += mean
    return values


def _lay_patches(a: Field, h: Field, patches: Patches, generator: np.random.Generator) -> None:
    size = min(patches.size, a.shape[0])
    count = max(1, round(patches.share * a.size / size**2))
    places_a = generator.integers(a.shape[0], size=(count, 2))
    places_h = places_a if patches.together else generator.integers(a.shape[0], size=(count, 2))
    for field, value, places in ((a, patches.activator, places_a), (h, patches.inhibitor, places_h)):
        for row, column in places:
            rows, columns = (np.arange(start, start + size) % a.shape[0] for start in (row, column))
            field[np.ix_(rows, columns)] = value


def checked_field(name: str, values: ArrayLike, n: int) -> NDArray[np.float64]:
    """Return a caller's field as float64 (n, n), or refuse it.

    Raises
    ------
    InvalidInputError
        For a wrong shape or type, or values that are not finite.
    """
    try:
        raw = np.asarray(values)
    except ValueError as error:
        raise InvalidInputError(f"{name} is not an array: {error}", field=name) from None
    if raw.dtype.kind not in "fiu":
        raise InvalidInputError(f"{name} must hold real numbers, got dtype {raw.dtype}", field=name)
    if raw.shape != (n, n):
        raise InvalidInputError(
            f"{name} must have the shape ({n}, {n}) of grid_size = {n}, got {raw.shape}", field=name
        )
    field = raw.astype(np.float64)
    if not np.isfinite(field).all():
        raise InvalidInputError(f"{name} must be finite, but {np.sum(~np.isfinite(field))} cells are not", field=name)
    return field


def checked_potential(config: SimulationConfig, field_mv: ArrayLike) -> NDArray[np.float64]:
    """Return a caller's potential at step 0 as float64 (N, N) in mV, or refuse it.

    Raises
    ------
    InvalidInputError
        As :func:`checked_field`, and for values outside the clamp.
    """
    field = checked_field("initial_field_mv", field_mv, config.grid_size)
    low, high = config.clamp_mv
    if field.min() < low or field.max() > high:
        raise InvalidInputError(
            f"initial_field_mv must lie within clamp_mv = [{low}, {high}], got {field.min()} to {field.max()} mV",
            field="initial_field_mv",
        )
    return field
