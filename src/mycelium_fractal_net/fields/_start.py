"""The fields at step 0 and the random streams that follow."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from mycelium_fractal_net.errors import InvalidInputError
from mycelium_fractal_net.fields.config import SimulationConfig
from mycelium_fractal_net.fields.models import Patches
from mycelium_fractal_net.fields.stability import steady_pair

__all__ = ["RandomStreams", "checked_field", "inside", "lay_fields", "rest_pair"]

Field = NDArray[np.floating[Any]]

START_POTENTIAL_STD_MV = 5.0
EVENT_MEAN_MV, EVENT_STD_MV = 20.0, 5.0
_SPAWN_KEYS = ((0,), (1, 0), (1, 1), (2,))  # the first child, the two of the second, and the third: as spawn gives


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
        return cls(*(_stream(seed, key) for key in _SPAWN_KEYS))

    @property
    def states(self) -> dict[str, Any]:
        """Generator states, ready for JSON."""
        return {name: generator.bit_generator.state for name, generator in vars(self).items()}

    @states.setter
    def states(self, states: dict[str, Any]) -> None:
        for name, generator in vars(self).items():
            generator.bit_generator.state = states[name]


def _stream(seed: int, key: tuple[int, ...]) -> np.random.Generator:
    return np.random.Generator(np.random.PCG64(np.random.SeedSequence(seed, spawn_key=key)))


def rest_pair(config: SimulationConfig) -> tuple[float, float]:
    """Return activator and inhibitor at the steady state."""
    return steady_pair(config.model, config.complete_parameters)


def lay_fields(
    config: SimulationConfig,
    generator: np.random.Generator,
    initial_field_mv: ArrayLike | None,
    fields: Mapping[str, Field],
    pad: int,
) -> None:
    """Write activator "a", inhibitor "h" and potential "v" (mV) at step 0 into fields with ``pad`` ghost columns."""
    from mycelium_fractal_net.fields._kernels_frame import lay_start

    model, n = config.model, config.grid_size
    mean_a, mean_h = model.start or rest_pair(config)
    low, high = config.clamp_mv
    a, h, v = fields["a"], fields["h"], fields["v"]
    noise = generator.standard_normal((2, n, n))
    potential = (config.rest_potential_mv, START_POTENTIAL_STD_MV, low, high)
    lay_start(noise, (float(mean_a), float(model.noise), float(mean_h)), potential, pad, a, h, v)
    if model.patches is not None:
        _lay_patches(inside(a, pad), inside(h, pad), model.patches, generator)
    if initial_field_mv is not None:
        inside(v, pad)[:] = checked_potential(config, initial_field_mv)


def inside(field: Field, pad: int) -> Field:
    """Return the view of a field without its border of ghosts."""
    return field[1:-1, pad:-pad]


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
