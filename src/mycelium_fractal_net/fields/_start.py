"""The fields at step 0 and the random streams that follow."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from mycelium_fractal_net._gil import lazy
from mycelium_fractal_net.errors import InvalidInputError
from mycelium_fractal_net.fields.config import SimulationConfig
from mycelium_fractal_net.fields.models import Patches

__all__ = ["RandomStreams", "StartNumbers", "checked_field", "inside", "lay_fields", "start_numbers"]

Field = NDArray[np.floating[Any]]

START_POTENTIAL_STD_MV = 5.0
EVENT_MEAN_MV, EVENT_STD_MV = 20.0, 5.0
_STREAMS = ("start", "sites", "amplitudes", "jitter")


class RandomStreams:
    """One generator for each random process, so that none depends on what another draws; made when it is needed.

    The keys are those of ``SeedSequence(seed).spawn(3)``, the second of which spawns two.
    """

    def __init__(self, seed: int) -> None:
        self._seed = seed

    @lazy
    def start(self) -> np.random.Generator:
        """Of the fields at step 0."""
        return self._stream(0)

    @lazy
    def sites(self) -> np.random.Generator:
        """Of the chance and the place of growth events."""
        return self._stream(1, 0)

    @lazy
    def amplitudes(self) -> np.random.Generator:
        """Of the size of growth events."""
        return self._stream(1, 1)

    @lazy
    def jitter(self) -> np.random.Generator:
        """Of the noise in every cell and step."""
        return self._stream(2)

    @property
    def states(self) -> dict[str, Any]:
        """Generator states, ready for JSON."""
        return {name: getattr(self, name).bit_generator.state for name in _STREAMS}

    @states.setter
    def states(self, states: dict[str, Any]) -> None:
        for name in _STREAMS:
            getattr(self, name).bit_generator.state = states[name]

    def _stream(self, *key: int) -> np.random.Generator:
        return np.random.Generator(np.random.PCG64(np.random.SeedSequence(self._seed, spawn_key=key)))


StartNumbers = tuple[tuple[float, float, float], tuple[float, float, float, float]]
"""Mean and deviation of the activator, the inhibitor; mean, deviation, lowest and highest of the potential in mV."""


def start_numbers(config: SimulationConfig, rest: tuple[float, float]) -> StartNumbers:
    """Return what the fields of step 0 are drawn from; ``rest`` is the pair's steady state."""
    model = config.model
    mean_a, mean_h = model.start or rest
    pair = (float(mean_a), float(model.noise), float(mean_h))
    return pair, (config.rest_potential_mv, START_POTENTIAL_STD_MV, *config.clamp_mv)


def lay_fields(
    config: SimulationConfig,
    start: StartNumbers,
    generator: np.random.Generator,
    initial_field_mv: ArrayLike | None,
    fields: Mapping[str, Field],
    spare: Mapping[str, Field],
    pad: int,
) -> None:
    """Write activator "a", inhibitor "h" and potential "v" (mV) at step 0 into fields with ``pad`` ghost columns.

    The ghosts of all fields become zero, those of the spare ones too.
    """
    from mycelium_fractal_net.fields._kernels_frame import lay_start

    a, h, v = fields["a"], fields["h"], fields["v"]
    lay_start(generator, *start, pad, a, h, v, tuple(spare.values()))
    if config.model.patches is not None:
        _lay_patches(inside(a, pad), inside(h, pad), config.model.patches, generator)
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
