"""Kinds of sources and publishers by name, those of other packages included."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from importlib.metadata import entry_points
from typing import Any, Literal

from pydantic import ValidationError

from mycelium_fractal_net._checks import did_you_mean
from mycelium_fractal_net.errors import ConfigurationError, MissingExtraError
from mycelium_fractal_net.integrations.protocols import Publisher, Source

__all__ = ["GROUPS", "kinds", "make_publisher", "make_source", "option_schema"]

Side = Literal["sources", "publishers"]

GROUPS: Mapping[Side, str] = {
    "sources": "mycelium_fractal_net.sources",
    "publishers": "mycelium_fractal_net.publishers",
}
"""Groups of entry points in which other packages offer their kinds."""

_OWN: Mapping[Side, Mapping[str, str]] = {
    "sources": {
        "file": "file:FileSource",
        "http": "http:HttpSource",
        "kafka": "kafka:KafkaSource",
        "mqtt": "mqtt:MqttSource",
        "nats": "nats:NatsSource",
        "rabbitmq": "rabbitmq:RabbitmqSource",
        "redis": "redis:RedisSource",
    },
    "publishers": {
        "file": "file:FilePublisher",
        "http": "webhook:WebhookPublisher",
        "kafka": "kafka:KafkaPublisher",
        "mqtt": "mqtt:MqttPublisher",
        "nats": "nats:NatsPublisher",
        "rabbitmq": "rabbitmq:RabbitmqPublisher",
        "redis": "redis:RedisPublisher",
        "store": "store:StorePublisher",
        "webhook": "webhook:WebhookPublisher",
    },
}
_EXTRAS = {"http": "server", "webhook": "server", "store": "server", "file": "server"}


def kinds(side: Side) -> list[str]:
    """Return the names of all kinds.

    Examples
    --------
    >>> "redis" in kinds("sources") and "webhook" in kinds("publishers")
    True
    """
    return sorted({*_OWN[side], *(point.name for point in entry_points(group=GROUPS[side]))})


def make_source(options: Mapping[str, Any]) -> Source:
    """Make a source of its options, of which ``kind`` names the class.

    Raises
    ------
    ConfigurationError
        For an unknown kind or option; the message tells no value.
    MissingExtraError
        When the client of the broker is not installed.
    """
    made = _make("sources", options)
    if not isinstance(made, Source):
        raise ConfigurationError(f"the kind {options['kind']!r} makes {type(made).__name__}, which is not a Source")
    return made


def make_publisher(options: Mapping[str, Any]) -> Publisher:
    """Make a publisher of its options, as :func:`make_source` does."""
    made = _make("publishers", options)
    if not isinstance(made, Publisher):
        raise ConfigurationError(f"the kind {options['kind']!r} makes {type(made).__name__}, which is not a Publisher")
    return made


def option_schema(side: Side, kind: str) -> dict[str, Any]:
    """Return the JSON Schema of a kind's options."""
    found: dict[str, Any] = _class_of(side, kind).model_json_schema()
    return found


def _make(side: Side, options: Mapping[str, Any]) -> Any:
    rest = dict(options)
    kind = rest.pop("kind", None)
    if not isinstance(kind, str):
        raise ConfigurationError(f"{side[:-1]}: give its kind, one of {', '.join(kinds(side))}")
    try:
        return _class_of(side, kind)(**rest)
    except ValidationError as error:
        faults = "; ".join(f"{'.'.join(map(str, item['loc']))}: {item['msg']}" for item in error.errors())
        raise ConfigurationError(f"{side[:-1]} of kind {kind}: {faults}") from None


def _class_of(side: Side, kind: str) -> Any:
    target = _OWN[side].get(kind)
    if target is None:
        return _plugged_in(side, kind)
    module, _, name = target.partition(":")
    try:
        return getattr(import_module(f"mycelium_fractal_net.integrations.{side}.{module}"), name)
    except ModuleNotFoundError as error:
        if error.name is None or error.name.startswith("mycelium_fractal_net"):
            raise
        raise MissingExtraError.for_extra(_EXTRAS.get(kind, kind), error.name) from None


def _plugged_in(side: Side, kind: str) -> Any:
    for point in entry_points(group=GROUPS[side], name=kind):
        return point.load()
    hint = did_you_mean(kind, kinds(side))
    raise ConfigurationError(f"there is no {side[:-1]} of kind {kind!r}{hint}; known are {', '.join(kinds(side))}")
