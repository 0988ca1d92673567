"""What a dataset is made of: a named scenario, or a sweep read from a file."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field, fields, replace
from pathlib import Path
from typing import Any

from mycelium_fractal_net._checks import as_whole
from mycelium_fractal_net.datasets._source import Source, read_source
from mycelium_fractal_net.errors import ConfigurationError, InvalidInputError
from mycelium_fractal_net.features import FeatureConfig, ordered_sets
from mycelium_fractal_net.fields import SimulationConfig, get_kinetics

__all__ = ["SCENARIOS", "Axis", "Scenario", "load_scenario"]

_FEATURE_FIELDS = tuple(each.name for each in fields(FeatureConfig))
METHODS = ("grid", "random", "lhs", "sobol")
_MAX_SAMPLES = 10_000_000


@dataclass(frozen=True)
class Axis:
    """One swept parameter: the values it takes, or the range it is drawn from.

    Parameters
    ----------
    name : str
        A field of ``SimulationConfig``, or a parameter of the kinetics.
    values : tuple, optional
        The values themselves.
    low, high : float, optional
        The range, in place of values; both ends included for integers.
    log : bool
        Whether the range is even in the logarithm.
    integer : bool
        Whether values are rounded to whole numbers.
    count : int, optional
        Points along the range in a grid.
    """

    name: str
    values: tuple[Any, ...] | None = None
    low: float = math.nan
    high: float = math.nan
    log: bool = False
    integer: bool = False
    count: int | None = None

    def at(self, u: float) -> Any:
        """Return the value at ``u`` in [0, 1) of the axis."""
        if self.values is not None:
            return self.values[min(int(u * len(self.values)), len(self.values) - 1)]
        if self.integer:
            return self._whole(u)
        if self.log:
            return math.exp(math.log(self.low) + u * (math.log(self.high) - math.log(self.low)))
        return self.low + u * (self.high - self.low)

    def _whole(self, u: float) -> int:
        low, high = (self.low, self.high + 1) if not self.log else (math.log(self.low), math.log(self.high + 1))
        position = low + u * (high - low)
        number = int(math.exp(position) if self.log else math.floor(position))
        return max(int(self.low), min(number, int(self.high)))

    def points(self) -> tuple[Any, ...]:
        """Return the values that a grid visits."""
        if self.values is not None:
            return self.values
        count = self.count or 2
        steps = [k / (count - 1) if count > 1 else 0.5 for k in range(count)]
        if self.log:
            numbers = [self.low * (self.high / self.low) ** u for u in steps]
        else:
            numbers = [self.low + u * (self.high - self.low) for u in steps]
        return tuple(dict.fromkeys(round(x) for x in numbers)) if self.integer else tuple(numbers)


@dataclass(frozen=True)
class Scenario:
    """A recipe for a dataset: what is fixed, what is swept, and how.

    Parameters
    ----------
    name : str
        Goes into the column ``scenario_name``.
    samples : int
        Rows; a grid has as many as its axes make.
    base : mapping
        Fields of ``SimulationConfig`` that all rows share.
    axes : tuple of Axis
        What is swept.
    method : {"grid", "random", "lhs", "sobol"}
        How the axes are sampled.
    seed : int
        Seed of the sampling, and of every row's own seed.
    sets : tuple of str
        Feature sets that a row has.
    features : mapping
        Fields of ``FeatureConfig``, such as thresholds, in place of the default ones.
    """

    name: str
    samples: int
    base: Mapping[str, Any] = field(default_factory=dict)
    axes: tuple[Axis, ...] = ()
    method: str = "random"
    seed: int = 42
    sets: tuple[str, ...] = ("core",)
    features: Mapping[str, Any] = field(default_factory=dict)

    def digest(self) -> str:
        """Return the SHA-256 of all that determines the rows."""
        return hashlib.sha256(self.to_json().encode()).hexdigest()

    def to_json(self) -> str:
        """Return the scenario as canonical JSON."""
        values = {**asdict(self), "base": dict(self.base), "features": dict(self.features)}
        for axis in values["axes"]:
            for end in ("low", "high"):
                axis[end] = None if math.isnan(axis[end]) else axis[end]
        return json.dumps(values, sort_keys=True, separators=(",", ":"))

    def with_samples(self, samples: int | None) -> Scenario:
        """Return the scenario with another number of rows.

        Raises
        ------
        ConfigurationError
            For a number out of range, or a grid, whose axes say how many rows it has.
        """
        if samples is None:
            return self
        as_whole("samples", samples, 1, _MAX_SAMPLES, ConfigurationError)
        if self.method == "grid":
            raise ConfigurationError(f"scenario {self.name!r} is a grid of {self.samples} rows; samples do not apply")
        return replace(self, samples=samples)

    def with_features(self, sets: str | Iterable[str] | None, features: Mapping[str, Any] | None = None) -> Scenario:
        """Return the scenario with other feature sets, or other thresholds.

        Raises
        ------
        ConfigurationError
            For an unknown set or field, and for a threshold out of range.
        """
        try:
            names = self.sets if sets is None else ordered_sets(sets)
            values = dict(self.features if features is None else features)
            FeatureConfig(**values)
        except (InvalidInputError, TypeError) as error:
            raise ConfigurationError(f"features of scenario {self.name!r}: {error}") from None
        return replace(self, sets=names, features=values)


_VARIED = (Axis("alpha", low=0.1, high=0.2), Axis("bias", low=-0.05, high=0.04))

SCENARIOS: Mapping[str, Scenario] = {
    "small": Scenario("small", 10, {"grid_size": 32, "steps": 50}, _VARIED, "sobol"),
    "medium": Scenario("medium", 100, {"grid_size": 64, "steps": 100}, _VARIED, "sobol"),
    "large": Scenario("large", 500, {"grid_size": 128, "steps": 200}, _VARIED, "sobol"),
    "benchmark": Scenario("benchmark", 5, {"grid_size": 32, "steps": 32}),
}
"""Named scenarios: alpha and the bias of the kinetics are varied, except in ``benchmark``, which varies the seed."""


def load_scenario(scenario: str | Path | Scenario | Mapping[str, Any]) -> Scenario:
    """Return a scenario by its name, from a file, or from a mapping.

    Parameters
    ----------
    scenario : str, Path, Scenario or mapping
        A name in :data:`SCENARIOS`, the path of a YAML or JSON file, or what such a file would hold.

    Raises
    ------
    ConfigurationError
        Says the file, the line and the key of what is wrong.

    Examples
    --------
    >>> load_scenario("small").samples
    10
    >>> load_scenario({"sweep": {"alpha": [0.1, 0.15]}, "method": "grid"}).samples
    2
    """
    if isinstance(scenario, Scenario):
        return scenario
    if isinstance(scenario, Mapping):
        return _build(Source.of(scenario))
    if str(scenario) in SCENARIOS:
        return SCENARIOS[str(scenario)]
    path = Path(scenario)
    if not path.is_file():
        raise ConfigurationError(
            f"there is no scenario and no file {str(scenario)!r}; scenarios are {', '.join(SCENARIOS)}"
        )
    return _build(read_source(path))


_KEYS = ("name", "seed", "samples", "method", "base", "sweep", "features")


def _build(source: Source) -> Scenario:
    source.only(("",), _KEYS)
    base = source.mapping("base")
    method = source.get("method", "random")
    if method not in METHODS:
        source.fail(("method",), f"must be one of {', '.join(METHODS)}, got {method!r}")
    _check_base(source, base)
    axes = tuple(_axis(source, name, base) for name in source.mapping("sweep"))
    seed = source.whole(("seed",), source.get("seed", 42), 0, 2**63 - 1)
    name = source.get("name", source.stem)
    if not isinstance(name, str) or not name:
        source.fail(("name",), f"must be a text, got {name!r}")
    if method == "grid":
        samples = math.prod(len(axis.points()) for axis in axes)
        if "samples" in source.values:
            source.fail(("samples",), f"does not apply to a grid, which has {samples} rows by its axes")
    else:
        samples = source.whole(("samples",), source.get("samples", 10), 1, _MAX_SAMPLES)
    sets, features = _features(source)
    return Scenario(name, samples, base, axes, method, seed, sets, features)


def _features(source: Source) -> tuple[tuple[str, ...], Mapping[str, Any]]:
    """Read what a row is to measure: ``sets``, and fields of ``FeatureConfig``."""
    values = dict(source.mapping("features"))
    source.only(("features",) if values else ("",), ("sets", *_FEATURE_FIELDS) if values else _KEYS)
    try:
        sets = ordered_sets(values.pop("sets", ("core",)))
        FeatureConfig(**values)
    except InvalidInputError as error:
        source.fail(("features",), f"cannot be measured: {error}")
    return sets, values


def _check_base(source: Source, base: Mapping[str, Any]) -> None:
    for name in base:
        if name == "seed":
            source.fail(("base", name), "is set for each row; use the scenario's own seed")
        if name not in SimulationConfig.model_fields:
            source.fail(("base", name), f"is no field of a simulation; known are {', '.join(_sweepable())}")
    try:
        SimulationConfig(**base)
    except (ValueError, TypeError) as error:
        source.fail(("base",), f"is not a usable configuration: {_first_line(error)}")


_NOT_SWEPT = {"seed", "kinetics_parameters", "schedule", "stimuli", "start_digest"}


def _sweepable() -> list[str]:
    return sorted(set(SimulationConfig.model_fields) - _NOT_SWEPT)


def _axis(source: Source, name: str, base: Mapping[str, Any]) -> Axis:
    place = ("sweep", name)
    rates = tuple(get_kinetics(base.get("kinetics", "mycelium")).parameters)
    if name not in _sweepable() and name not in rates:
        known = f"{', '.join(_sweepable())} and of the kinetics {', '.join(rates)}"
        source.fail(place, f"can not be swept; known are {known}")
    spec = source.mapping("sweep")[name]
    if isinstance(spec, list):
        if not spec:
            source.fail(place, "is an empty list")
        return Axis(name, values=tuple(spec))
    if not isinstance(spec, Mapping):
        source.fail(place, f"must be a list of values or a range {{min, max}}, got {spec!r}")
    source.only(place, ("min", "max", "scale", "integer", "count"))
    return _range(source, place, spec)


def _range(source: Source, place: tuple[str, ...], spec: Mapping[str, Any]) -> Axis:
    low, high = (source.number((*place, end), spec.get(end)) for end in ("min", "max"))
    if not low < high:
        source.fail(place, f"needs min < max, got {low} and {high}")
    scale = spec.get("scale", "linear")
    if scale not in ("linear", "log") or (scale == "log" and low <= 0):
        source.fail((*place, "scale"), f"must be linear, or log with min > 0; got {scale!r} with min {low}")
    integer = spec.get("integer", isinstance(spec["min"], int) and isinstance(spec["max"], int))
    if not isinstance(integer, bool):
        source.fail((*place, "integer"), f"must be true or false, got {integer!r}")
    count = spec.get("count")
    if count is not None:
        count = source.whole((*place, "count"), count, 1, _MAX_SAMPLES)
    elif source.get("method", "random") == "grid":
        source.fail(place, "needs a count in a grid")
    return Axis(place[-1], low=low, high=high, log=scale == "log", integer=integer, count=count)


def _first_line(error: Exception) -> str:
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return ": ".join(lines[1:3]) if len(lines) > 2 else lines[0]
