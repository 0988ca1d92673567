"""Gather the settings, and say what is wrong with them."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Any

from pydantic import ValidationError
from pydantic_settings import SettingsError

from mycelium_fractal_net.errors import ConfigurationError
from mycelium_fractal_net.integrations.secrets.references import is_reference
from mycelium_fractal_net.service.settings.model import DEFAULT_LIMITS, OTLP, URLS, ZIPKIN, Settings
from mycelium_fractal_net.service.settings.sources import LIMITS, check_secrets, check_variables, secret_file, unknown

__all__ = ["load_settings", "shown", "without_secrets"]

_QUERY = re.compile(r"[?#]")


def load_settings(**given: Any) -> Settings:
    """Gather the settings; what is given here, the command line's, beats everything else.

    Raises
    ------
    ConfigurationError
        One message that names every setting at fault, its value and what is allowed.

    Examples
    --------
    >>> load_settings(env="dev", port=8080).port
    8080
    """
    check_variables(Settings.model_fields)
    given = {name: value for name, value in given.items() if value is not None}
    directory = given.get("secrets_dir") or os.environ.get("MFN_SECRETS_DIR")
    check_secrets(directory, Settings.model_fields)
    try:
        return Settings(_secrets_dir=directory, **given)
    except ValidationError as error:
        raise ConfigurationError(f"the settings are wrong: {'; '.join(_complaints(error, directory))}") from None
    except SettingsError as error:  # the limits, and the publisher of events, are read as JSON by pydantic
        if "events_publisher" in str(error):
            raise ConfigurationError(
                'the settings are wrong: events_publisher (MFN_EVENTS_PUBLISHER): must be JSON, {"kind": "redis", ...}'
            ) from None
        raise ConfigurationError(f"the settings are wrong: {_limits_complaint(directory)}") from None
    except (ValueError, OSError) as error:
        if isinstance(error, ConfigurationError):
            raise
        raise ConfigurationError(f"the settings are wrong: {error}") from None


def _complaints(error: ValidationError, directory: str | Path | None) -> list[str]:
    found = [item for item in error.errors(include_url=False) if item["type"] != "default_factory_not_called"]
    return [_complaint(item, directory) for item in found]


def _complaint(item: Any, directory: str | Path | None) -> str:
    path = [str(part) for part in item["loc"] if part != "[key]"]
    message = str(item["msg"]).removeprefix("Value error, ")
    if not path:
        return message
    name = ".".join(path)
    variable = name if name in {OTLP, ZIPKIN} else f"MFN_{'__'.join(path).upper()}"
    if item["type"] == "extra_forbidden":
        return unknown(name, Settings.model_fields)
    if path[0] == "rate_limits" and "[key]" in item["loc"]:
        return f"{name} ({variable}): unknown endpoint class {path[1]!r}; {message}"
    source = secret_file(directory, variable)
    if source is not None:  # what a file of secrets holds is not shown, whatever its name
        return f"{name} (the secret file {source}): {message}"
    return f"{name} ({variable}): {message}; got {_shown_value(path[0], item['input'])!r}"


def _limits_complaint(directory: str | Path | None) -> str:
    value, source = os.environ.get(LIMITS), secret_file(directory, LIMITS)
    got = f"; got {value!r}" if value is not None else ""
    classes = ", ".join(DEFAULT_LIMITS)
    where = LIMITS if source is None else f"the secret file {source}"
    return f'rate_limits ({where}): must be JSON as {{"simulate": 100}}, of the classes {classes}{got}'


def shown(settings: Settings) -> dict[str, Any]:
    """Return the settings as JSON, secrets as ``***``.

    Examples
    --------
    >>> shown(load_settings(env="dev", api_key="hidden"))["api_key"]
    '***'
    """
    return {name: _shown_value(name, getattr(settings, name)) for name in type(settings).model_fields}


def _shown_value(name: str, value: Any) -> Any:
    if name in {"api_key", "api_keys", "api_key_pepper"}:
        return ["***"] * len(value) if isinstance(value, list) else None if value is None else "***"
    if name == "events_publisher" and value is not None:
        if not isinstance(value, dict):
            return "***"  # text that is no JSON may hold a password all the same
        return {inner: text if inner == "kind" or is_reference(text) else "***" for inner, text in value.items()}
    if name in URLS and isinstance(value, str | list):
        return without_secrets(value) if isinstance(value, str) else [without_secrets(str(url)) for url in value]
    return str(value) if isinstance(value, Path) else value


def without_secrets(url: str) -> str:
    """Return a URL as it may be shown: without user, password and query.

    Examples
    --------
    >>> without_secrets("redis://user:hidden@cache:6379/1?password=hidden")
    'redis://***@cache:6379/1?***'
    """
    scheme, mark, rest = url.partition("://") if "://" in url else ("", "", url)
    query, userinfo = _QUERY.search(rest), rest.rfind("@")
    if query is not None and query.start() < userinfo:
        return f"{scheme}{mark}***"  # which of the two it is cannot be told
    if query is not None:
        rest = f"{rest[: query.end()]}***"
    return f"{scheme}{mark}***{rest[userinfo:]}" if userinfo >= 0 else f"{scheme}{mark}{rest}"
