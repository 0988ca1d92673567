"""Feature sets by name: which there are, what is in them, and how to compute several at once."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import lru_cache
from typing import Any, NamedTuple

from mycelium_fractal_net.errors import InvalidInputError
from mycelium_fractal_net.features import _pair, _shape, _time, extended, topology
from mycelium_fractal_net.features._sample import Sample
from mycelium_fractal_net.features._schema import CORE, Feature
from mycelium_fractal_net.features.core import compute_features
from mycelium_fractal_net.features.vector import FeatureVector

__all__ = ["FEATURE_SETS", "compute_sets", "feature_schema", "ordered_sets"]


class FeatureSet(NamedTuple):
    """Names, units and definitions of a set, and the function that computes it."""

    features: tuple[Feature, ...]
    compute: Callable[[Sample], Sequence[float]]


def _core(sample: Sample) -> Sequence[float]:
    return list(compute_features(sample))


FEATURE_SETS: Mapping[str, FeatureSet] = {
    "core": FeatureSet(CORE, _core),
    "spectral": FeatureSet(_shape.SPECTRAL, _shape.spectral),
    "activator": FeatureSet(_pair.ACTIVATOR, _pair.activator),
    "events": FeatureSet(_time.EVENTS, _time.events),
    "topology": FeatureSet(topology.TOPOLOGY, topology.topology),
    "extended": FeatureSet(extended.EXTENDED, extended.extended),
}
"""Every set by its name, in the order in which they follow each other in a vector."""


def ordered_sets(sets: str | Iterable[str]) -> tuple[str, ...]:
    """Return the sets in the order of :data:`FEATURE_SETS`, each once.

    Parameters
    ----------
    sets : iterable of str, or str
        Names; a text may hold several, separated by commas.

    Raises
    ------
    InvalidInputError
        For no set, and for an unknown one.

    Examples
    --------
    >>> ordered_sets("spectral, core")
    ('core', 'spectral')
    """
    known = ", ".join(FEATURE_SETS)
    try:
        names: list[Any] = [part.strip() for part in sets.split(",")] if isinstance(sets, str) else list(sets)
    except TypeError:
        names = [sets]
    for name in names:
        if not isinstance(name, str) or name not in FEATURE_SETS:
            raise InvalidInputError(f"sets must be among {known}; got {name!r:.80}", field="sets", value=repr(name))
    if not names:
        raise InvalidInputError(f"sets must name at least one of {known}; got none", field="sets", value="")
    return tuple(name for name in FEATURE_SETS if name in names)


def feature_schema(sets: str | Iterable[str] = tuple(FEATURE_SETS)) -> tuple[Feature, ...]:
    """Return name, unit, set and definition of every feature of some sets, in the order of a vector.

    Parameters
    ----------
    sets : iterable of str, or str
        Names of sets; all of them by default.

    Raises
    ------
    InvalidInputError
        For an unknown set.

    Examples
    --------
    >>> [feature.name for feature in feature_schema("core")][:2]
    ['D_box', 'D_r2']
    >>> feature_schema(["core"])[2]
    Feature(name='V_min', unit='mV', set='core', definition='lowest potential')
    """
    return _schema_of(ordered_sets(sets))


@lru_cache(maxsize=128)
def _schema_of(sets: tuple[str, ...]) -> tuple[Feature, ...]:
    return tuple(feature for name in sets for feature in FEATURE_SETS[name].features)


def compute_sets(sample: Sample, sets: tuple[str, ...]) -> FeatureVector:
    """Compute some sets, ordered, of a checked sample."""
    if sets == ("core",):
        return compute_features(sample)
    values = [value for name in sets for value in FEATURE_SETS[name].compute(sample)]
    return FeatureVector(values, feature_schema(sets))
