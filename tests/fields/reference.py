"""The model once more, in plain NumPy with ``roll``: slow, readable, and written from the equations."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from mycelium_fractal_net.fields import Patches, SimulationConfig, Stimulus, linear_stability
from mycelium_fractal_net.fields._start import (
    EVENT_MEAN_MV,
    EVENT_STD_MV,
    START_POTENTIAL_STD_MV,
)

Field = NDArray[np.floating[Any]]

POTENTIAL = [
    "alpha",
    "leak",
    "spike_probability",
    "turing_threshold",
    "turing_drive_mv",
    "jitter_std_mv",
    "rest_potential_mv",
]


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


def squares(a: Field, h: Field, values: Patches, generator: np.random.Generator) -> None:
    """Set squares in place, wrapped around the edges."""
    n, size = len(a), min(values.size, len(a))
    count = max(1, round(values.share * n * n / size**2))
    places_a = generator.integers(n, size=(count, 2))
    places_h = places_a if values.together else generator.integers(n, size=(count, 2))
    for x, value, places in ((a, values.activator, places_a), (h, values.inhibitor, places_h)):
        for row, column in places:
            for k in range(size * size):
                x[(row + k // size) % n, (column + k % size) % n] = value


def start_fields(config: SimulationConfig, generator: np.random.Generator) -> tuple[Field, Field, Field]:
    """Return activator, inhibitor and potential at step 0."""
    model, shape, dtype = config.model, (config.grid_size, config.grid_size), config.dtype
    rest = linear_stability(model, **config.complete_parameters).steady_state
    mean_a, mean_h = model.start or rest
    a = (mean_a + model.noise * generator.standard_normal(shape)).astype(dtype)
    h = np.full(shape, mean_h, dtype)
    v = config.rest_potential_mv + START_POTENTIAL_STD_MV * generator.standard_normal(shape)
    own, (low, high) = model.patches, model.activator_range
    excited = own.activator if own else high
    with_it = own.inhibitor if own and own.together else rest[1]
    after_it = own.inhibitor if own else rest[1] + (high - low) / 2
    n, eighth = config.grid_size, max(1, config.grid_size // 8)
    if config.start == "front":
        a[:, :eighth], h[:, :eighth] = excited, with_it
        h[:, n - eighth :] = after_it if config.boundary == "periodic" else mean_h
    elif config.start == "spiral":
        a[:, : n // 2], h[:, : n // 2] = excited, with_it
        h[: n // 2] = after_it
    elif config.start == "patches" or own:
        squares(a, h, own or Patches(high, rest[1]), generator)
    return a, h, v.clip(*config.clamp_mv).astype(dtype)


def in_effect(config: SimulationConfig, step: int) -> dict[str, float]:
    """Return every parameter in a step: each change begins where the one before has come to."""
    values = {**config.complete_parameters, **{name: getattr(config, name) for name in POTENTIAL}}
    for name, at_first in values.items():
        now = at_first
        mine = [change for change in config.schedule if change.parameter == name and change.step <= step]
        for change, end in zip(mine, [later.step for later in mine[1:]] + [step] * bool(mine), strict=True):
            done = end - change.step
            now = now + (change.value - now) * (done / change.over) if done < change.over else change.value
        values[name] = now
    return values


@dataclass
class Reference:
    """State of the reference model."""

    config: SimulationConfig

    def __post_init__(self) -> None:
        config = self.config
        self.streams = random_streams(config.seed)
        self.a, self.h, self.v = start_fields(config, self.streams.start)
        self.scalar = np.dtype(config.dtype).type
        self.events = self.activations = self.clampings = self.step = 0
        self.now = in_effect(config, 0)

    def begin(self) -> None:
        """Put the parameters of the step in place and apply its stimuli."""
        config = self.config
        self.now = in_effect(config, self.step)
        self.pair = {name: self.now[name] for name in config.model.parameters}
        self.rest = linear_stability(config.model, **self.pair).steady_state
        low, high = config.model.activator_range
        self.threshold = self.scalar(low + self.now["turing_threshold"] * (high - low))
        for stimulus in config.stimuli:
            if stimulus.step == self.step:
                self.stimulate(stimulus)

    def stimulate(self, stimulus: Stimulus) -> None:
        """Set or raise a disc, cell by cell."""
        x = {"activator": self.a, "inhibitor": self.h, "potential": self.v}[stimulus.variable]
        n = len(x)
        for i, j in np.ndindex(x.shape):
            di, dj = abs(i - stimulus.row), abs(j - stimulus.column)
            if self.config.boundary == "periodic":
                di, dj = min(di, n - di), min(dj, n - dj)
            if di * di + dj * dj <= stimulus.radius**2:
                x[i, j] = self.scalar(stimulus.value) + (x[i, j] if stimulus.mode == "add" else 0)

    def event(self) -> None:
        """Draw a growth event and add it at a living cell, or anywhere if none lives."""
        config = self.config
        happens, place = self.streams.sites.random(2)
        amplitude = EVENT_MEAN_MV + EVENT_STD_MV * self.streams.amplitudes.standard_normal()
        if happens >= self.now["spike_probability"]:
            return
        living = np.flatnonzero((self.a > self.threshold) & config.turing_enabled)
        sites = living if living.size else np.arange(self.a.size)
        site = sites[int(place * sites.size)]
        self.v.flat[site] += self.scalar(amplitude)
        self.events += 1

    def substeps(self) -> int:
        """Return how many substeps this step takes."""
        return max(self.config.least_substeps, math.ceil(max(self.pair["D_a"], self.pair["D_h"]) / 0.2))

    def substep(self) -> None:
        """Advance the pair by one explicit Euler substep."""
        config, scalar = self.config, self.scalar
        values, dt = self.pair, 1.0 / self.substeps()
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
        config, scalar, now = self.config, self.scalar, self.now
        rest = scalar(now["rest_potential_mv"])
        lap = laplacian(self.v, config.boundary, now["rest_potential_mv"])
        living = (self.a > self.threshold) & config.turing_enabled
        v = self.v + (scalar(now["alpha"]) * lap + scalar(now["leak"]) * (rest - self.v))
        v = v + np.where(living, scalar(now["turing_drive_mv"]), scalar(0))
        if config.quantum_jitter:
            noise = self.streams.jitter.standard_normal(v.shape, dtype=v.dtype)
            v = v + noise * scalar(now["jitter_std_mv"])
        low, high = map(scalar, config.clamp_mv)
        self.activations += int(living.sum())
        self.clampings += int(((v < low) | (v > high)).sum())
        self.v = np.clip(v, low, high)

    def advance(self, steps: int) -> Reference:
        """Advance by some steps."""
        for _ in range(steps):
            self.begin()
            self.event()
            if self.config.turing_enabled:
                for _ in range(self.substeps()):
                    self.substep()
            self.potential()
            self.step += 1
        return self
