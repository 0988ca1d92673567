"""From options to what is measured: feature sets and their thresholds."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from typing import Annotated, Any

import typer

from mycelium_fractal_net.errors import InvalidInputError
from mycelium_fractal_net.features import FEATURE_SETS, FeatureConfig, ordered_sets

__all__ = ["Measures", "feature_options"]


@dataclass(frozen=True)
class Measures:
    """What the user asked for: names of sets, None where none was named, and fields of ``FeatureConfig``."""

    sets: tuple[str, ...] | None
    values: Mapping[str, Any]

    @property
    def config(self) -> FeatureConfig:
        """The configuration of the features."""
        return FeatureConfig(**self.values)

    def as_options(self) -> list[str]:
        """Return the options that say the same on a command line."""
        words = [] if self.sets is None else ["--sets", ",".join(self.sets)]
        for name, value in self.values.items():
            numbers = value if isinstance(value, tuple | list) else [value]
            words += [f"--{name.replace('_', '-')}", *map(str, numbers)]
        return words

    def over(self, section: Any) -> Measures:
        """Return these over what a file says under ``features``.

        Raises
        ------
        InvalidInputError
            When that is no mapping, or has an unknown key.
        """
        if not isinstance(section, Mapping):
            raise InvalidInputError(f"features must be a mapping of sets and thresholds; got {section!r:.80}")
        known = ("sets", *(each.name for each in fields(FeatureConfig)))
        for name in section:
            if name not in known:
                raise InvalidInputError(f"features has no field {name!r}; known are {', '.join(known)}", field=name)
        values = dict(section)
        sets = values.pop("sets", None)
        if self.sets is not None or sets is None:
            return Measures(self.sets, {**values, **self.values})
        return Measures(ordered_sets(sets), {**values, **self.values})


def feature_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command options for feature sets and thresholds; it receives them as its parameter ``measures``."""
    signature = inspect.signature(command, eval_str=True)
    own = [parameter for name, parameter in signature.parameters.items() if name != "measures"]
    made = [
        _option("sets", str, f"Feature sets, separated by commas: {', '.join(FEATURE_SETS)}. [default: core]"),
        _option(
            "active_threshold_mv", float, "Threshold in mV above which a cell is active. [default: 10 mV above rest]"
        ),
        _option(
            "cluster_thresholds_mv",
            tuple[float, float, float],
            "Thresholds of the three counts of clusters. [default: 10, 20, 30 mV above rest]",
        ),
        _option(
            "stability_share",
            float,
            "For T_stable: a step moves the field if its mean change exceeds this share of the spread. [default: 0.01]",
        ),
        _option("stability_window", int, "For T_stable: steps over which the mean change is smoothed. [default: 10]"),
        _option(
            "connectivity", int, "Neighbours that connect cells: by sides (4), or by corners too (8). [default: 4]"
        ),
        _option(
            "rest_potential_of_array_mv",
            float,
            "Rest that thresholds are counted from. [default: as simulated, else -70]",
        ),
    ]
    if any(parameter.name == "settings" for parameter in own):
        made.pop()  # the simulation says it

    @functools.wraps(command)
    def wrapper(**values: Any) -> Any:
        given = {parameter.name: values.pop(parameter.name) for parameter in made}
        return command(measures=_measures(**given), **values)

    parameters = [*own, *made]
    parameters = [parameter.replace(kind=inspect.Parameter.KEYWORD_ONLY) for parameter in parameters]
    wrapper.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined] # inspect reads it
    wrapper.__annotations__ = {parameter.name: parameter.annotation for parameter in parameters}
    return wrapper


def _measures(sets: str | None, **values: Any) -> Measures:
    rest = values.pop("rest_potential_of_array_mv", None)
    given = {name: value for name, value in {**values, "rest_potential_mv": rest}.items() if value is not None}
    return Measures(None if sets is None else ordered_sets(sets), given)


def _option(name: str, kind: Any, text: str) -> inspect.Parameter:
    flag = "--rest-potential-mv" if name == "rest_potential_of_array_mv" else f"--{name.replace('_', '-')}"
    annotation = Annotated[kind | None, typer.Option(flag, help=text)]
    return inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=None, annotation=annotation)
