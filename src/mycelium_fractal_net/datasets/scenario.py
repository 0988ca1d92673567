"""What a dataset is made of: a named scenario, or a sweep read from a file."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field, fields, replace
from pathlib import Path
from typing import Any

from mycelium_fractal_net._checks import as_flag, as_whole, did_you_mean, shown
from mycelium_fractal_net.datasets._axes import MAX_ROWS, Axis, read_axis, sweepable
from mycelium_fractal_net.datasets._source import Source, read_source
from mycelium_fractal_net.errors import ConfigurationError, InvalidInputError
from mycelium_fractal_net.features import FeatureConfig, ordered_sets
from mycelium_fractal_net.fields import SimulationConfig, load_kinetics_file

__all__ = ["SCENARIOS", "Axis", "Scenario", "load_scenario"]

_FEATURE_FIELDS = tuple(each.name for each in fields(FeatureConfig))
METHODS = ("grid", "random", "lhs", "sobol")


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
    replicates : int
        Rows for each point, which differ in their seeds.
    wavelengths : bool
        Whether a row has the wavelength as predicted, as it grew first and as it settled.
    morphology : bool
        Whether a row says what its pattern looks like.
    """

    name: str
    samples: int
    base: Mapping[str, Any] = field(default_factory=dict)
    axes: tuple[Axis, ...] = ()
    method: str = "random"
    seed: int = 42
    sets: tuple[str, ...] = ("core",)
    features: Mapping[str, Any] = field(default_factory=dict)
    replicates: int = 1
    wavelengths: bool = False
    morphology: bool = False

    @property
    def rows(self) -> int:
        """Rows in all: points by replicates."""
        return self.samples * self.replicates

    def digest(self) -> str:
        """Return the SHA-256 of all that determines the rows."""
        return hashlib.sha256(self.to_json().encode()).hexdigest()

    def to_json(self) -> str:
        """Return the scenario as canonical JSON."""
        values = {**asdict(self), "base": dict(self.base), "features": dict(self.features)}
        for axis in values["axes"]:
            for end in ("low", "high"):
                axis[end] = None if math.isnan(axis[end]) else axis[end]
        for name, usual in (("replicates", 1), ("wavelengths", False), ("morphology", False)):
            if values[name] == usual:
                del values[name]
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
        as_whole("samples", samples, 1, MAX_ROWS // self.replicates, ConfigurationError)
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

    def with_patterns(self, wavelengths: bool | None, morphology: bool | None) -> Scenario:
        """Return the scenario with wavelengths and morphology in its rows, or without; None leaves it as it is.

        Raises
        ------
        ConfigurationError
            For anything but True and False.
        """
        return replace(
            self,
            wavelengths=self.wavelengths if wavelengths is None else _flag("wavelengths", wavelengths),
            morphology=self.morphology if morphology is None else _flag("morphology", morphology),
        )


def _flag(name: str, value: bool) -> bool:
    return as_flag(name, value, ConfigurationError)


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


_PATTERNS = ("wavelengths", "morphology")
_KEYS = ("name", "seed", "kinetics_file", "samples", "replicates", "method", "base", "sweep", "features", *_PATTERNS)


def _build(source: Source) -> Scenario:
    source.only(("",), _KEYS)
    _load_kinetics(source)
    base = source.mapping("base")
    method = source.get("method", "random")
    if method not in METHODS:
        source.fail(
            ("method",), f"must be one of {', '.join(METHODS)}, got {shown(method)}{did_you_mean(method, METHODS)}"
        )
    _check_base(source, base)
    axes = _axes(source, base)
    seed = source.whole(("seed",), source.get("seed", 42), 0, 2**63 - 1)
    name = source.get("name", source.stem)
    if not isinstance(name, str) or not name:
        source.fail(("name",), f"must be text, got {shown(name)}")
    if method == "grid":
        samples = 1
        for axis in axes:
            samples *= axis.size
            if samples > MAX_ROWS:
                source.fail(("sweep",), f"makes more than {MAX_ROWS} rows")
        if "samples" in source.values:
            source.fail(("samples",), f"does not apply to a grid, which has {samples} rows by its axes")
    else:
        samples = source.whole(("samples",), source.get("samples", 10), 1, MAX_ROWS)
    replicates = source.whole(("replicates",), source.get("replicates", 1), 1, MAX_ROWS)
    if samples * replicates > MAX_ROWS:
        source.fail(("",), f"makes {samples} x {replicates} rows; the most is {MAX_ROWS}")
    sets, features = _features(source)
    flags = {key: source.get(key, False) for key in _PATTERNS}
    for key, flag in flags.items():
        if not isinstance(flag, bool):
            source.fail((key,), f"must be true or false, got {shown(flag)}")
    return Scenario(name, samples, base, axes, method, seed, sets, features, replicates, **flags)


def _axes(source: Source, base: Mapping[str, Any]) -> tuple[Axis, ...]:
    axes: dict[str, Axis] = {}
    for name in source.mapping("sweep"):
        axis = read_axis(source, name, base)
        if axis.name in axes:
            source.fail(("sweep", name), f"is {axis.name} again, which is swept already; give it once")
        axes[axis.name] = axis
    return tuple(axes.values())


def _load_kinetics(source: Source) -> None:
    named = source.get("kinetics_file", None)
    if named is None:
        return
    if not isinstance(named, str):
        source.fail(("kinetics_file",), f"must be the name of a Python file, got {shown(named)}")
    load_kinetics_file(source.directory / named)


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
            near = did_you_mean(name, SimulationConfig.model_fields)
            source.fail(("base", name), f"is no field of a simulation; known are {', '.join(sweepable())}{near}")
    try:
        SimulationConfig(**base)
    except (ValueError, TypeError) as error:
        source.fail(("base",), f"is not a usable configuration: {' '.join(str(error).split())}")
