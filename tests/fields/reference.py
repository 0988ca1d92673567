"""The model once more, in plain NumPy with ``roll``: slow, readable, and written from the equations."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from mycelium_fractal_net.fields import SimulationConfig, linear_stability
from mycelium_fractal_net.fields._start import (
    EVENT_MEAN_MV,
    EVENT_STD_MV,
    START_POTENTIAL_STD_MV,
    _lay_patches,
)

Field = NDArray[np.floating[Any]]


def laplacian(x: Field, boundary: str, held: float) -> Field:
    """5-point Laplacian with unit spacing; sums opposite neighbours first, as the kernels do."""
    if boundary == "periodic":
        padded = np.pad(x, 1, mode="wrap")
    elif boundary == "neumann":
        padded = np.pad(x, 1, mode="edge")
    else:
        padded = np.pad(x, 1, constant_values=x.dtype.type(held))
    vertical = padded[:-2, 1:-1] + padded[2:, 1:-1]
    horizontal = padded[1:-1, :-2] + padded[1:-1, 2:]
    return (vertical + horizontal) - 4 * x


class Streams(NamedTuple):
    """A generator for each random process."""

    start: np.random.Generator
    sites: np.random.Generator
    amplitudes: np.random.Generator
    jitter: np.random.Generator


def random_streams(seed: int) -> Streams:
    """Make the streams of a seed, child by child."""
    start, events, jitter = np.random.SeedSequence(seed).spawn(3)
    return Streams(*map(np.random.default_rng, (start, *events.spawn(2), jitter)))


def start_fields(config: SimulationConfig, generator: np.random.Generator) -> tuple[Field, Field, Field]:
    """Return activator, inhibitor and potential at step 0."""
    model, shape, dtype = config.model, (config.grid_size, config.grid_size), config.dtype
    mean_a, mean_h = model.start or linear_stability(model, **config.complete_parameters).steady_state
    a = (mean_a + model.noise * generator.standard_normal(shape)).astype(dtype)
    h = np.full(shape, mean_h, dtype)
    v = config.rest_potential_mv + START_POTENTIAL_STD_MV * generator.standard_normal(shape)
    if model.patches is not None:
        _lay_patches(a, h, model.patches, generator)
    return a, h, v.clip(*config.clamp_mv).astype(dtype)


@dataclass
class Reference:
    """State of the reference model."""

    config: SimulationConfig

    def __post_init__(self) -> None:
        config = self.config
        self.streams = random_streams(config.seed)
        self.a, self.h, self.v = start_fields(config, self.streams.start)
        self.scalar = np.dtype(config.dtype).type
        self.rest = linear_stability(config.model, **config.complete_parameters).steady_state
        self.events = self.activations = self.clampings = 0

    def event(self) -> None:
        """Draw a growth event and add it at a living cell, or anywhere if none lives."""
        config = self.config
        happens, place = self.streams.sites.random(2)
        amplitude = EVENT_MEAN_MV + EVENT_STD_MV * self.streams.amplitudes.standard_normal()
        if happens >= config.spike_probability:
            return
        living = np.flatnonzero((self.a > self.scalar(config.activator_threshold)) & config.turing_enabled)
        sites = living if living.size else np.arange(self.a.size)
        site = sites[int(place * sites.size)]
        self.v.flat[site] += self.scalar(amplitude)
        self.events += 1

    def substep(self) -> None:
        """Advance the pair by one explicit Euler substep."""
        config, scalar = self.config, self.scalar
        values, dt = config.complete_parameters, 1.0 / config.substeps
        rates = {name: scalar(values[name]) for name in config.model.rate_names}
        f, g = config.model.function(self.a, self.h, **rates)
        lap_a = laplacian(self.a, config.boundary, self.rest[0])
        lap_h = laplacian(self.h, config.boundary, self.rest[1])
        self.a, self.h = (
            self.a + (scalar(dt * values["D_a"]) * lap_a + scalar(dt) * f),
            self.h + (scalar(dt * values["D_h"]) * lap_h + scalar(dt) * g),
        )

    def potential(self) -> None:
        """Advance the potential: diffusion, leak, drive, jitter, clamp."""
        config, scalar = self.config, self.scalar
        rest = scalar(config.rest_potential_mv)
        lap = laplacian(self.v, config.boundary, config.rest_potential_mv)
        living = (self.a > scalar(config.activator_threshold)) & config.turing_enabled
        v = self.v + (scalar(config.alpha) * lap + scalar(config.leak) * (rest - self.v))
        v = v + np.where(living, scalar(config.turing_drive_mv), scalar(0))
        if config.quantum_jitter:
            noise = self.streams.jitter.standard_normal(v.shape, dtype=v.dtype)
            v = v + noise * scalar(config.jitter_std_mv)
        low, high = map(scalar, config.clamp_mv)
        self.activations += int(living.sum())
        self.clampings += int(((v < low) | (v > high)).sum())
        self.v = np.clip(v, low, high)

    def advance(self, steps: int) -> Reference:
        """Advance by some steps."""
        for _ in range(steps):
            self.event()
            if self.config.turing_enabled:
                for _ in range(self.config.substeps):
                    self.substep()
            self.potential()
        return self
