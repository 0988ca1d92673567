"""The fields at step 0 and the random streams that follow."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from mycelium_fractal_net._gil import lazy
from mycelium_fractal_net.errors import InvalidInputError
from mycelium_fractal_net.fields._memory import bordered
from mycelium_fractal_net.fields._overlays import lay_front, lay_patches, lay_spiral
from mycelium_fractal_net.fields.config import SimulationConfig
from mycelium_fractal_net.fields.stability import steady_pair

__all__ = [
    "RandomStreams",
    "StartNumbers",
    "checked_field",
    "given_arrays",
    "inside",
    "lay_fields",
    "lay_units",
    "plain_start",
    "start_numbers",
]

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
    arrays: Mapping[str, Field],
    fields: Mapping[str, Field],
    spare: Mapping[str, Field],
    pad: int,
) -> None:
    """Write activator "a", inhibitor "h" and potential "v" (mV) at step 0 into fields with ``pad`` ghost columns.

    ``arrays`` holds those that the caller gave. The ghosts of all fields become zero, those of the spare ones too.
    """
    from mycelium_fractal_net.fields._kernels_frame import lay_start

    a, h, v = fields["a"], fields["h"], fields["v"]
    lay_start(generator, *start, v.shape[1] - 2 * pad, a, h, v, tuple(spare.values()))
    _lay_over(config, inside(a, pad), inside(h, pad), generator)
    for name, array in arrays.items():
        inside(fields[name], pad)[:] = array


def lay_units(
    config: SimulationConfig,
    start: StartNumbers,
    generator: np.random.Generator,
    arrays: Mapping[str, Field],
    fields: Mapping[str, Field],
    spare: Mapping[str, Field],
    pad: int,
) -> None:
    """Do what :func:`lay_fields` does with a value for each unit of length, which all cells in it take."""
    unit = config.resolution
    shape = (config.shape[0] // unit, config.shape[1] // unit)
    coarse, other = bordered(shape, 1, config.dtype)
    lay_fields(config, start, generator, {}, coarse, other, 1)
    for field in (*fields.values(), *spare.values()):
        field.fill(0.0)
    for name, field in coarse.items():
        inside(fields[name], pad)[:] = inside(field, 1).repeat(unit, axis=0).repeat(unit, axis=1)
    for name, array in arrays.items():
        inside(fields[name], pad)[:] = array


def _lay_over(config: SimulationConfig, a: Field, h: Field, generator: np.random.Generator) -> None:
    model = config.model
    if plain_start(config):
        return
    rest = steady_pair(model, config.complete_parameters)
    if config.start == "front":
        lay_front(a, h, model, rest, periodic=config.boundary == "periodic")
    elif config.start == "spiral":
        lay_spiral(a, h, model, rest)
    else:
        lay_patches(a, h, model, rest, generator)


def plain_start(config: SimulationConfig) -> bool:
    """Return whether step 0 is noise, with nothing over it."""
    return config.start in {"noise", "array"} and config.model.patches is None


def inside(field: Field, pad: int) -> Field:
    """Return the view of a field without its border of ghosts."""
    return field[1:-1, pad:-pad]


def given_arrays(
    config: SimulationConfig,
    field_mv: ArrayLike | None,
    activator: ArrayLike | None,
    inhibitor: ArrayLike | None,
) -> tuple[SimulationConfig, dict[str, Field]]:
    """Check the arrays that a caller gave for step 0, and write their digest into a configuration that asks for them.

    Returns
    -------
    tuple
        The configuration, and the arrays by the names "a", "h" and "v".

    Raises
    ------
    InvalidInputError
        For unusable arrays, none where ``start`` is ``array``, a pair where it is not, and other arrays than those
        of the configuration's digest.
    """
    arrays: dict[str, Field] = {}
    for name, label, values in (("a", "initial_activator", activator), ("h", "initial_inhibitor", inhibitor)):
        if values is not None:
            arrays[name] = checked_field(label, values, config.shape, config.dtype)
    if field_mv is not None:
        arrays["v"] = checked_potential(config, field_mv)
    if config.start != "array":
        if "a" in arrays or "h" in arrays:
            raise InvalidInputError(
                f"initial_activator and initial_inhibitor need start = 'array', got start = {config.start!r}",
                field="start",
                value=config.start,
            )
        return config, arrays
    if not arrays:
        raise InvalidInputError(
            "start = 'array' needs arrays: give initial_field_mv, initial_activator or initial_inhibitor",
            field="start",
            value="array",
        )
    return _with_digest(config, _digest_of(arrays)), arrays


def _digest_of(arrays: Mapping[str, Field]) -> str:
    state = hashlib.sha256()
    for name, array in sorted(arrays.items()):
        state.update(f"{name} {array.shape} ".encode())
        state.update(np.ascontiguousarray(array, dtype="<f8").tobytes())
    return state.hexdigest()


def _with_digest(config: SimulationConfig, digest: str) -> SimulationConfig:
    if config.start_digest is None:
        return SimulationConfig(**{**dict(config), "start_digest": digest})
    if config.start_digest != digest:
        raise InvalidInputError(
            f"start_digest is {config.start_digest[:16]}..., but the arrays given have {digest[:16]}...: give those "
            "that the run began with, or leave start_digest out",
            field="start_digest",
            value=digest,
        )
    return config


def checked_field(name: str, values: ArrayLike, shape: tuple[int, int], dtype: str = "float64") -> NDArray[np.float64]:
    """Return a caller's field as float64 of this shape, or refuse it; its values must be finite in ``dtype``, too.

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
    if raw.shape != shape:
        sides = f"grid_size = {shape[0]}" if shape[0] == shape[1] else "the domain"
        raise InvalidInputError(f"{name} must have the shape {shape} of {sides}, got {raw.shape}", field=name)
    field = raw.astype(np.float64)
    largest = float(np.finfo(dtype).max)
    if (np.abs(field) > largest).any():
        field = np.where(np.abs(field) > largest, np.inf, field)
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
    field = checked_field("initial_field_mv", field_mv, config.shape)
    low, high = config.clamp_mv
    if field.min() < low or field.max() > high:
        raise InvalidInputError(
            f"initial_field_mv must lie within clamp_mv = [{low}, {high}], got {field.min()} to {field.max()} mV",
            field="initial_field_mv",
        )
    return field
