"""From a scenario to the configuration of every row."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, overload

import numpy as np
from numpy.typing import NDArray

from mycelium_fractal_net._checks import shown
from mycelium_fractal_net._lazy import need
from mycelium_fractal_net.datasets.scenario import Axis, Scenario
from mycelium_fractal_net.errors import ConfigurationError, InvalidInputError
from mycelium_fractal_net.fields import SimulationConfig

__all__ = ["Rows", "row_seed", "rows_of", "swept_value"]


def rows_of(scenario: Scenario) -> Rows:
    """Return the configuration of every row, in the order of ``sim_id``.

    The points come from the scenario's seed, and each row's own seed from that and its ``sim_id``, so that a row
    depends neither on the engine nor on the number of workers.

    Raises
    ------
    ConfigurationError
        Names the row and the parameters when one of them cannot be simulated: nothing is computed then.
    """
    rows = Rows(scenario, _points(scenario))
    for _ in rows:
        pass  # each is made once, so that an error comes before the first row
    return rows


@dataclass(frozen=True)
class Rows(Sequence[SimulationConfig]):
    """The configurations, made when they are asked for: a million of them would not fit into memory."""

    scenario: Scenario
    points: Sequence[tuple[Any, ...]]

    def __len__(self) -> int:
        return len(self.points) * self.scenario.replicates

    @overload
    def __getitem__(self, index: int) -> SimulationConfig: ...

    @overload
    def __getitem__(self, index: slice) -> list[SimulationConfig]: ...

    def __getitem__(self, index: int | slice) -> SimulationConfig | list[SimulationConfig]:
        if isinstance(index, slice):
            return [self[i] for i in range(*index.indices(len(self)))]
        sim_id = range(len(self))[index]
        return _config(self.scenario, sim_id, self.points[sim_id // self.scenario.replicates])


def row_seed(seed: int, sim_id: int) -> int:
    """Return the seed of a row, in [0, 2**63)."""
    state = np.random.SeedSequence(seed, spawn_key=(1, sim_id)).generate_state(1, np.uint64)[0]
    return int(state >> np.uint64(1))


def _points(scenario: Scenario) -> list[tuple[Any, ...]]:
    axes = scenario.axes
    if scenario.method == "grid":
        return list(itertools.product(*(axis.points() for axis in axes)))
    if not axes:
        return [()] * scenario.samples
    unit = _unit_points(scenario.method, len(axes), scenario.samples, scenario.seed)
    return [tuple(axis.at(float(u)) for axis, u in zip(axes, row, strict=True)) for row in unit]


def _unit_points(method: str, dimensions: int, samples: int, seed: int) -> NDArray[np.float64]:
    """Return points in [0, 1)^d, (samples, d)."""
    qmc = need("scipy.stats:qmc", "scipy")
    generator = np.random.Generator(np.random.PCG64(np.random.SeedSequence(seed, spawn_key=(0,))))
    if method == "random":
        return generator.random((samples, dimensions))
    if method == "lhs":
        points: NDArray[np.float64] = qmc.LatinHypercube(dimensions, rng=generator).random(samples)
        return points
    sobol: NDArray[np.float64] = qmc.Sobol(dimensions, rng=generator).random_base2(max(samples - 1, 0).bit_length())
    return sobol[:samples]


def _config(scenario: Scenario, sim_id: int, point: tuple[Any, ...]) -> SimulationConfig:
    swept = {axis.name: value for axis, value in zip(scenario.axes, point, strict=True)}
    fields = {name: value for name, value in swept.items() if name in SimulationConfig.model_fields}
    rates = {_rate(name): value for name, value in swept.items() if name not in fields}
    values = {**scenario.base, **fields, "seed": row_seed(scenario.seed, sim_id)}
    values["kinetics_parameters"] = {**scenario.base.get("kinetics_parameters", {}), **rates}
    try:
        if values.get("start") == "array":
            raise InvalidInputError("start = 'array' needs arrays, which a row does not have; choose another start")
        return SimulationConfig(**values)
    except (ValueError, TypeError) as error:
        reason = " ".join(str(error).split())
        raise ConfigurationError(
            f"scenario {scenario.name!r}, row {sim_id} with {shown(swept)} cannot be simulated: {reason}",
            value=shown(swept),
        ) from None


def swept_value(axis: Axis, config: SimulationConfig) -> Any:
    """Return what a row has on an axis."""
    if axis.name in SimulationConfig.model_fields:
        return getattr(config, axis.name)
    return config.complete_parameters[_rate(axis.name)]


def _rate(name: str) -> str:
    """Return the parameter of the kinetics behind the name of an axis that is none of a field."""
    return name.removeprefix("kinetics.")
