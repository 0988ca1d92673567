"""A scenario file, with the line of every key for the messages."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NoReturn

from mycelium_fractal_net._checks import did_you_mean, is_number, is_whole, one_line, shown
from mycelium_fractal_net._inputs import parse_json, parse_yaml, read_bytes
from mycelium_fractal_net.errors import ConfigurationError

__all__ = ["Source", "read_source"]

Place = tuple[str, ...]


@dataclass(frozen=True)
class Source:
    """What was read, from where, and on which line each key stands."""

    values: Mapping[str, Any]
    origin: str = "scenario"
    stem: str = "custom"
    lines: Mapping[Place, int] = field(default_factory=dict)
    directory: Path = Path()

    @classmethod
    def of(cls, values: Mapping[str, Any]) -> Source:
        """Wrap a mapping that came from no file."""
        return cls(values)

    def fail(self, place: Place, message: str) -> NoReturn:
        """Raise the error that names file, line and key."""
        line = self.lines.get(place)
        where = f"{self.origin}:{line}" if line else self.origin
        key = one_line(".".join(part for part in place if part), 80)
        raise ConfigurationError(f"{where}: {key} {message}" if key else f"{where}: {message}", field=key, line=line)

    def get(self, key: str, default: Any) -> Any:
        """Return a value at the top."""
        return self.values.get(key, default)

    def mapping(self, key: str) -> Mapping[str, Any]:
        """Return the mapping under a key; an absent one is empty."""
        value = self.values.get(key) or {}
        if not isinstance(value, Mapping) or not all(isinstance(name, str) for name in value):
            self.fail((key,), f"must be a mapping of names, got {type(value).__name__}")
        return value

    def only(self, place: Place, known: Sequence[str]) -> None:
        """Refuse keys that are not known."""
        inner: Any = self.values
        path = tuple(part for part in place if part)
        for part in path:
            inner = inner[part]
        for key in inner:
            if key not in known:
                self.fail((*path, str(key)), f"is unknown; known are {', '.join(known)}{did_you_mean(key, known)}")

    def number(self, place: Place, value: Any) -> float:
        """Return a finite number, or refuse the value."""
        if not is_number(value):
            hint = "; YAML reads 1e-3 as text, write 1.0e-3" if isinstance(value, str) else ""
            self.fail(place, f"must be a finite number, got {shown(value)}{hint}")
        return float(value)

    def whole(self, place: Place, value: Any, low: int, high: int) -> int:
        """Return a whole number in a range, or refuse the value."""
        if not (is_whole(value) and low <= value <= high):
            self.fail(place, f"must be a whole number from {low} to {high}, got {shown(value)}")
        return int(value)


def read_source(path: Path) -> Source:
    """Read a scenario from a ``.json`` file, or from YAML otherwise."""
    data = read_bytes(path)
    try:
        values, lines = (parse_json(data), {}) if path.suffix == ".json" else parse_yaml(data)
    except ValueError as error:
        line = getattr(error, "line", None) or getattr(error, "lineno", None)
        where = f"{path}:{line}" if line else str(path)
        raise ConfigurationError(f"{where}: {one_line(error)}", line=line) from None
    if not isinstance(values, dict):
        raise ConfigurationError(
            f"{path}:1: expected a mapping with name, base, sweep, ...; got {type(values).__name__}"
        )
    return Source(values, str(path), path.stem, lines, path.parent)
