"""Where settings come from: names that are known, files that hold what they should."""

from __future__ import annotations

import difflib
import json
import os
from collections import Counter
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Annotated, Any

from pydantic import TypeAdapter, ValidationError
from pydantic.fields import FieldInfo
from pydantic_settings import BaseSettings, EnvSettingsSource, InitSettingsSource, PydanticBaseSettingsSource

from mycelium_fractal_net._checks import one_line, shown
from mycelium_fractal_net._inputs import read_regular
from mycelium_fractal_net.errors import ConfigurationError
from mycelium_fractal_net.service.settings.links import is_service_link

__all__ = [
    "LIMITS",
    "check_secrets",
    "check_variables",
    "config_directory",
    "file_source",
    "secret_file",
    "unknown",
    "without_service_links",
]

LIMITS = "MFN_RATE_LIMITS"
_NOT_SETTINGS = frozenset({"MFN_CACHE_DIR", "MFN_KEY", "MFN_URL"})  # what other rooms, and clients, read
_LONGEST_NAME = 100
_LONGEST_FILE = 1 << 20
_LONGEST_SECRET = 1 << 16
_FROM_ELSEWHERE = ("env", "config_dir", "secrets_dir")  # they say which files are read, so no file can


def config_directory() -> Path:
    """Return the directory of the configuration files: in the package, or at the root of a checkout."""
    package = Path(__file__).parents[2]
    inside = package / "configs"
    return inside if inside.is_dir() else package.parents[1] / "configs"


def without_service_links(source: PydanticBaseSettingsSource) -> PydanticBaseSettingsSource:
    """Take the variables of Kubernetes service links out of the environment's source."""
    if isinstance(source, EnvSettingsSource):
        source.env_vars = {
            name: value
            for name, value in source.env_vars.items()
            if value is None or not is_service_link(name.upper(), value)
        }
    return source


def file_source(
    settings_cls: type[BaseSettings], given: Mapping[str, Any], names: Iterable[str]
) -> tuple[PydanticBaseSettingsSource, ...]:
    """Return the source that reads ``NAME.json`` in the configuration directory, for the environment in force."""
    name = str(given.get("env") or os.environ.get("MFN_ENV") or "dev")
    if name not in frozenset(names):
        return ()
    chosen = given.get("config_dir") or os.environ.get("MFN_CONFIG_DIR")
    path = (Path(chosen) if chosen else config_directory()) / f"{name}.json"
    content = _read_file(path, settings_cls.model_fields)
    return (InitSettingsSource(settings_cls, content),)


def _read_file(path: Path, fields: Mapping[str, FieldInfo]) -> dict[str, Any]:
    def refusal(text: str) -> ConfigurationError:
        return ConfigurationError(f"{path}: {text}", file=str(path))

    try:
        content = json.loads(read_regular(path, _LONGEST_FILE), object_pairs_hook=_once)
    except OSError as error:
        raise ConfigurationError(f"cannot read {path}: {error.strerror}", file=str(path)) from None
    except (ValueError, RecursionError) as error:
        raise ConfigurationError(f"{path} is not JSON: {error}", file=str(path)) from None
    if not isinstance(content, dict):
        raise ConfigurationError(f"{path} must hold one JSON object; got {type(content).__name__}", file=str(path))
    for name, value in content.items():
        if name in _FROM_ELSEWHERE:
            raise refusal(f"{name} cannot be set in a file; set the variable MFN_{name.upper()}")
        if name not in fields:
            raise refusal(unknown(name, fields))
        if complaint := _type_complaint(fields[name], value):
            value_told = "***" if "SecretStr" in str(fields[name].annotation) else repr(value)
            raise refusal(f"{name}: {complaint}; got {value_told:.100}")
    return content


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        [(twice, _)] = Counter(name for name, _ in pairs).most_common(1)
        raise ValueError(f"the name {shown(twice)} occurs twice")
    return found


def _type_complaint(field: FieldInfo, value: Any) -> str:
    """Say what is wrong with a value: unlike a variable, a file can hold numbers, so the text "1" and true are none."""
    kind: Any = Annotated[(field.annotation, *field.metadata)] if field.metadata else field.annotation
    try:
        TypeAdapter(kind).validate_json(json.dumps(value), strict=True)
    except ValidationError as error:
        return str(error.errors(include_url=False)[0]["msg"]).removeprefix("Value error, ")
    return ""


def check_variables(fields: Mapping[str, FieldInfo]) -> None:
    """Refuse a variable that starts with MFN_ and is no setting: it is a typing error that would have no effect."""
    known = {str(field.validation_alias or f"MFN_{name.upper()}"): name for name, field in fields.items()}
    for variable, value in os.environ.items():
        name, nested, _ = variable.partition("__")
        if not name.upper().startswith("MFN_") or variable in _NOT_SETTINGS or is_service_link(variable, value):
            continue
        if name != name.upper():  # pydantic would take it, but whoever asks for MFN_ENV would not find it
            raise ConfigurationError(f"{variable} is not read: write it in capitals, {variable.upper()}")
        if name in known and nested and name != LIMITS:
            raise ConfigurationError(f"{variable} has no effect: {name} has no parts, only {LIMITS} has")
        if name not in known:
            raise ConfigurationError(unknown(variable, known), field=variable)


def check_secrets(directory: str | Path | None, fields: Mapping[str, FieldInfo]) -> None:
    """Refuse a directory of secrets that is not there, and files in it that are named like settings and are none."""
    if directory is None:
        return
    path = Path(directory)
    if not path.is_dir():
        raise ConfigurationError(f"secrets_dir (MFN_SECRETS_DIR): there is no directory {path}")
    known = {f"mfn_{name}": name for name in fields}
    for file in sorted(path.iterdir()):
        name = file.name.lower().partition("__")[0]
        if known.get(name) in _FROM_ELSEWHERE:
            raise ConfigurationError(f"{file}: this setting is not a secret; set {name.upper()}")
        if not name.startswith("mfn_"):
            continue
        if name not in known:
            raise ConfigurationError(f"{path}: {unknown(name, known)}")
        _check_secret(file)


def _check_secret(file: Path) -> None:
    """Refuse a secret that is no short text, by its file's name and not by what it holds."""
    try:
        text = read_regular(file, _LONGEST_SECRET).decode("utf-8")
    except OSError as error:
        raise ConfigurationError(f"the secret file {file} cannot be used: {error.strerror}", file=str(file)) from None
    except UnicodeDecodeError as error:
        raise ConfigurationError(
            f"the secret file {file} cannot be used: byte {error.start} is not UTF-8", file=str(file)
        ) from None
    if not text.strip():
        raise ConfigurationError(f"the secret file {file} cannot be used: it is empty", file=str(file))


def secret_file(directory: str | Path | None, variable: str) -> Path | None:
    """Return the file of secrets that gives a variable its value, unless the environment does."""
    if directory is None or variable in os.environ or not Path(directory).is_dir():
        return None
    return next((file for file in Path(directory).iterdir() if file.name.upper() == variable), None)


def unknown(name: str, known: Iterable[str]) -> str:
    """Return the refusal of a name, with the one that was perhaps meant."""
    near = difflib.get_close_matches(name, list(known), n=1, cutoff=0.75)
    hint = f"did you mean {near[0]}?" if near else "mfn config reference lists all settings"
    return f"there is no setting {one_line(name, _LONGEST_NAME)}; {hint}"
