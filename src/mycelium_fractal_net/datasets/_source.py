"""A scenario file, with the line of every key for the messages."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NoReturn

from mycelium_fractal_net._checks import did_you_mean, is_number, is_whole, shown
from mycelium_fractal_net.errors import ConfigurationError, MissingExtraError

__all__ = ["Source", "read_source"]

Place = tuple[str, ...]


@dataclass(frozen=True)
class Source:
    """What was read, from where, and on which line each key stands."""

    values: Mapping[str, Any]
    origin: str = "scenario"
    stem: str = "custom"
    lines: Mapping[Place, int] = field(default_factory=dict)

    @classmethod
    def of(cls, values: Mapping[str, Any]) -> Source:
        """Wrap a mapping that came from no file."""
        return cls(values)

    def fail(self, place: Place, message: str) -> NoReturn:
        """Raise the error that names file, line and key."""
        line = self.lines.get(place)
        where = f"{self.origin}:{line}" if line else self.origin
        key = ".".join(part for part in place if part)
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
    try:
        text = path.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigurationError(f"{path} cannot be read as text: {error}") from None
    values, lines = _parse_json(path, text) if path.suffix == ".json" else _parse_yaml(path, text)
    if not isinstance(values, dict):
        raise ConfigurationError(
            f"{path}:1: expected a mapping with name, base, sweep, ...; got {type(values).__name__}"
        )
    return Source(values, str(path), path.stem, lines)


def _parse_json(path: Path, text: str) -> tuple[Any, dict[Place, int]]:
    def unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        for key, _ in pairs:
            if sum(1 for other, _ in pairs if other == key) > 1:
                raise ConfigurationError(f"{path}: {key} stands there twice", field=key)
        return dict(pairs)

    try:
        return json.loads(text, object_pairs_hook=unique), {}
    except json.JSONDecodeError as error:
        raise ConfigurationError(f"{path}:{error.lineno}: not JSON: {error.msg}", line=error.lineno) from None


def _parse_yaml(path: Path, text: str) -> tuple[Any, dict[Place, int]]:
    try:
        import yaml
    except ImportError:
        raise MissingExtraError.for_extra("datasets", "PyYAML") from None
    try:
        root = yaml.compose(text, Loader=yaml.SafeLoader)
        lines: dict[Place, int] = {}
        _note_lines(path, root, (), lines)
        return yaml.safe_load(text), lines
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        where = f"{path}:{mark.line + 1}" if mark else str(path)
        raise ConfigurationError(f"{where}: not YAML: {getattr(error, 'problem', error)}") from None


def _note_lines(path: Path, node: Any, place: Place, lines: dict[Place, int]) -> None:
    if getattr(node, "id", "") != "mapping":
        return
    for key, value in node.value:
        inner = (*place, str(key.value))
        if inner in lines:
            raise ConfigurationError(
                f"{path}:{key.start_mark.line + 1}: {'.'.join(inner)} stands there twice", field=".".join(inner)
            )
        lines[inner] = key.start_mark.line + 1
        _note_lines(path, value, inner, lines)
