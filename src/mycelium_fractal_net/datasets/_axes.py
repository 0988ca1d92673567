"""What is swept: the axes of a scenario, and what they are called in the table."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, get_args, get_origin

from mycelium_fractal_net._checks import did_you_mean, shown
from mycelium_fractal_net.datasets._source import Source
from mycelium_fractal_net.features import FEATURE_NAMES
from mycelium_fractal_net.fields import SimulationConfig, get_kinetics

__all__ = ["COUNTERS", "FIXED", "MAX_ROWS", "Axis", "field_type", "read_axis", "sweepable"]

MAX_ROWS = 1_000_000
_NOT_SWEPT = {"seed", "kinetics_parameters", "schedule", "stimuli", "start_digest"}
FIXED = ("sim_id", "scenario_name", "grid_size", "steps", "alpha", "turing_enabled", "random_seed")
COUNTERS = ("growth_events", "turing_activations", "clamping_events")
RESERVED = frozenset({*FIXED, *COUNTERS, *FEATURE_NAMES, "replicate", "field_file", "error"})
"""Columns that every table has, or may have; no parameter of a kinetics is called so in it."""


@dataclass(frozen=True)
class Axis:
    """One swept parameter: the values it takes, or the range it is drawn from.

    Parameters
    ----------
    name : str
        A field of ``SimulationConfig``, or a parameter of the kinetics; with ``config.`` or ``kinetics.`` before
        it where both have one of that name.
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

    @property
    def size(self) -> int:
        """Points along the axis in a grid, before whole numbers that repeat are left out."""
        return len(self.values) if self.values is not None else len(self.points()) if self.integer else self.count or 2

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


def sweepable() -> list[str]:
    return sorted(set(SimulationConfig.model_fields) - _NOT_SWEPT)


def read_axis(source: Source, name: str, base: Mapping[str, Any]) -> Axis:
    place = ("sweep", name)
    target, kind = _target(source, name, base)
    spec = source.mapping("sweep")[name]
    if isinstance(spec, list):
        if not spec:
            source.fail(place, "is an empty list")
        return Axis(target, values=tuple(_typed(source, place, kind, value) for value in spec))
    if not isinstance(spec, Mapping):
        source.fail(place, f"must be a list of values or a range {{min, max}}, got {shown(spec)}")
    source.only(place, ("min", "max", "scale", "integer", "count"))
    if kind not in (int, float):
        source.fail(place, "takes a list of values; a range is for numbers")
    return _range(source, place, target, kind, spec)


def _target(source: Source, name: str, base: Mapping[str, Any]) -> tuple[str, type]:
    """Return what an axis is called in the table, and the type of its values."""
    rates = tuple(get_kinetics(base.get("kinetics", "mycelium")).parameters)
    prefix, dot, plain = name.partition(".")
    if dot and prefix == "config" and plain in sweepable():
        return plain, field_type(plain)
    if dot and prefix == "kinetics" and plain in rates:
        return name if plain in RESERVED or plain in SimulationConfig.model_fields else plain, float
    if name in rates and (name in SimulationConfig.model_fields or name in RESERVED):
        field = f", or config.{name} for the field of the configuration" if name in sweepable() else ""
        text = f"means two things: write kinetics.{name} for the parameter of the kinetics{field}"
        source.fail(("sweep", name), text)
    if name in sweepable():
        return name, field_type(name)
    if name in rates:
        return name, float
    known = f"{', '.join(sweepable())} and of the kinetics {', '.join(rates)}"
    near = did_you_mean(name, (*sweepable(), *rates))
    return source.fail(("sweep", name), f"cannot be swept; known are {known}{near}")


def field_type(name: str) -> type:
    """Return bool, int, float or str for a field of the configuration of that type, else object."""
    annotation: Any = SimulationConfig.model_fields[name].annotation
    if get_origin(annotation) is Literal:
        return type(get_args(annotation)[0])
    return annotation if annotation in (bool, int, float, str) else object


def _typed(source: Source, place: tuple[str, ...], kind: type, value: Any) -> Any:
    """Return a value of the field's own type; whether the field takes it is seen when the rows are made."""
    if kind is float:
        return source.number(place, value)
    if kind is int:
        return source.whole(place, value, -(2**63), 2**64)
    if kind in (bool, str) and not isinstance(value, kind):
        source.fail(place, f"takes {'true and false' if kind is bool else 'text'}, got {shown(value)}")
    return _frozen(value)


def _frozen(value: Any) -> Any:
    return tuple(map(_frozen, value)) if isinstance(value, list) else value


def _range(source: Source, place: tuple[str, ...], name: str, kind: type, spec: Mapping[str, Any]) -> Axis:
    low, high = (source.number((*place, end), spec.get(end)) for end in ("min", "max"))
    if not low < high:
        source.fail(place, f"needs min < max, got {low} and {high}")
    scale = spec.get("scale", "linear")
    if scale not in ("linear", "log") or (scale == "log" and low <= 0):
        source.fail((*place, "scale"), f"must be linear, or log with min > 0; got {shown(scale)} with min {low}")
    integer = spec.get("integer", kind is int)
    if not isinstance(integer, bool):
        source.fail((*place, "integer"), f"must be true or false, got {shown(integer)}")
    if kind is int and not (integer and low.is_integer() and high.is_integer()):
        source.fail(place, f"takes whole numbers, got min {spec['min']} and max {spec['max']}")
    count = spec.get("count")
    if count is not None:
        count = source.whole((*place, "count"), count, 1, MAX_ROWS)
    elif source.get("method", "random") == "grid":
        source.fail(place, "needs a count in a grid")
    return Axis(name, low=low, high=high, log=scale == "log", integer=integer, count=count)
