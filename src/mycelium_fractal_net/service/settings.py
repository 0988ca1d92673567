"""Settings of the service: where they come from, what they may be, how they are shown."""

from __future__ import annotations

import ipaddress
import json
import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, Self, get_args
from urllib.parse import urlsplit

from pydantic import BeforeValidator, Field, SecretStr, ValidationError, field_validator, model_validator
from pydantic_settings import (
    BaseSettings,
    NoDecode,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    SettingsError,
)

from mycelium_fractal_net._checks import available_cores
from mycelium_fractal_net.errors import ConfigurationError
from mycelium_fractal_net.service.sources import (
    LIMITS,
    FileSource,
    check_secrets,
    check_variables,
    config_directory,
    unknown,
)

__all__ = [
    "DEFAULT_LIMITS",
    "EndpointClass",
    "Environment",
    "Settings",
    "config_directory",
    "load_settings",
    "shown",
    "without_secrets",
]

Environment = Literal["dev", "staging", "prod"]
EndpointClass = Literal["simulate", "features", "validate", "nernst", "aggregate", "health", "metrics", "failed_auth"]

DEFAULT_LIMITS: Mapping[EndpointClass, int] = {
    "simulate": 100,
    "features": 100,
    "validate": 100,
    "nernst": 1000,
    "aggregate": 100,
    "health": 1000,
    "metrics": 1000,
    "failed_auth": 100,
}
"""Requests a minute."""

_OTLP = "OTEL_EXPORTER_OTLP_ENDPOINT"
_ZIPKIN = "OTEL_EXPORTER_ZIPKIN_ENDPOINT"
_URLS = frozenset({"cors_origins", "rate_limit_storage_url", _OTLP, "otlp_endpoint", _ZIPKIN, "zipkin_endpoint"})
_QUERY = re.compile(r"[?#]")
_ORIGIN = re.compile(r"([a-z][a-z0-9+.-]*)://(?:\[[0-9a-f:.]+\]|[a-z0-9_.-]+)(?::([0-9]{1,5}))?/?")
_USUAL_PORTS = {"http": "80", "https": "443"}


def _split(value: Any) -> Any:
    """Read ``a,b`` or ``["a", "b"]`` from the environment."""
    if not isinstance(value, str):
        return value
    text = value.strip()
    if text.startswith(("[", "{")):
        return _json_list(text)
    return [part.strip() for part in text.split(",") if part.strip()]


def _json_list(text: str) -> Any:
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        value = None
    if not isinstance(value, list):
        raise ValueError('must be a list, as a,b or as JSON: ["a", "b"]')  # noqa: TRY004 # pydantic reports ValueErrors
    return value


def _with_default_limits(value: Any) -> Any:
    return {**DEFAULT_LIMITS, **value} if isinstance(value, Mapping) else value


def _outside_dev(data: dict[str, Any]) -> bool:
    return bool(data["env"] != "dev")


Texts = Annotated[list[str], NoDecode, BeforeValidator(_split)]
Secrets = Annotated[list[SecretStr], NoDecode, BeforeValidator(_split)]
Count = Annotated[int, Field(ge=1)]


class Settings(BaseSettings):
    """Every setting, its default and its meaning; ``mfn config reference`` prints them."""

    model_config = SettingsConfigDict(
        env_prefix="MFN_", env_nested_delimiter="__", extra="forbid", frozen=True, populate_by_name=True
    )

    env: Environment = Field("dev", description="Which configs/NAME.json applies.")
    config_dir: Path | None = Field(None, description="Directory of the configuration files; those of the package.")
    secrets_dir: Path | None = Field(None, description="Directory of files named like variables, holding secrets.")

    host: str = Field("127.0.0.1", description="Address to listen at.")
    port: int = Field(8000, ge=0, le=65535, description="Port to listen at; 0 takes a free one.")
    trusted_proxies: Texts = Field([], description="Addresses or networks whose X-Forwarded-For is believed.")
    cors_origins: Texts = Field([], description='Origins that browsers may call from; "*" for all, in dev only.')
    max_body_bytes: Count = Field(16 * 2**20, description="Longest request body.")
    stall_seconds: float = Field(
        30.0, ge=0.5, le=3600, description="Longest time for a request's head, or without progress of a transfer, in s."
    )

    api_key_required: bool = Field(
        default_factory=_outside_dev, description="Whether requests need a key; true unless in dev."
    )
    api_key: SecretStr | None = Field(None, description="A key with every scope.")
    api_keys: Secrets = Field([], description="More keys with every scope, separated by commas.")
    api_key_file: Path | None = Field(None, description="File of hashed keys that mfn keys create makes.")
    api_key_pepper: SecretStr | None = Field(None, description="Secret that the hashes of the key file need.")

    rate_limit_enabled: bool = Field(default_factory=_outside_dev, description="Whether requests are limited.")
    rate_limit_storage_url: str = Field("memory://", description="memory:// or redis://HOST:PORT/DB, shared.")
    rate_limit_prefix: str = Field("mfn", min_length=1, description="Prefix of the keys in Redis.")
    rate_limits: Annotated[dict[EndpointClass, Count], BeforeValidator(_with_default_limits)] = Field(
        dict(DEFAULT_LIMITS), description="Requests a minute by class of endpoint; JSON, or __CLASS for one of them."
    )

    compute_threads: Count = Field(
        default_factory=available_cores, description="Computations at a time; the cores there are."
    )
    compute_queue: int = Field(32, ge=0, description="Computations that may wait for a thread.")
    max_cell_steps: Count = Field(
        2_000_000_000, description="Most cells times steps, or the like in aggregation, in one request."
    )
    warmup: bool = Field(True, description="Whether kernels are compiled before the service says it is ready.")
    drain_seconds: float = Field(0.0, ge=0, le=3600, description="Shortest time from SIGTERM to the end, in s.")
    shutdown_seconds: int = Field(120, ge=1, le=86400, description="Longest time that open requests get to end, in s.")

    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = Field("INFO", description="Least level that is logged.")
    log_format: Literal["console", "json"] = Field(
        default_factory=lambda data: "console" if data["env"] == "dev" else "json", description="console in dev."
    )
    metrics_enabled: bool = Field(True, description="Whether GET /metrics exists.")
    metrics_public: bool = Field(False, description="Whether GET /metrics needs no key.")
    docs_enabled: bool = Field(
        default_factory=lambda data: bool(data["env"] != "prod"), description="Whether /docs and /redoc exist."
    )
    tracing_enabled: bool = Field(False, description="Whether spans are exported.")
    tracing_exporter: Literal["otlp", "zipkin"] = Field("otlp", description="Protocol that spans are exported in.")
    otlp_endpoint: str | None = Field(None, validation_alias=_OTLP, description="Base URL of the OTLP/HTTP collector.")
    zipkin_endpoint: str | None = Field(
        None, validation_alias=_ZIPKIN, description="URL that takes Zipkin's JSON, version 2."
    )

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,  # noqa: ARG003 # pydantic's interface; no .env files here
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Put the configuration file below the secrets and the environment."""
        given = getattr(init_settings, "init_kwargs", {})
        return (
            init_settings,
            env_settings,
            file_secret_settings,
            FileSource(settings_cls, given, get_args(Environment)),
        )

    @field_validator("log_level", mode="before")
    @classmethod
    def _level(cls, value: Any) -> Any:
        name = value.upper() if isinstance(value, str) else value
        return "WARNING" if name == "WARN" else name

    @field_validator("host")
    @classmethod
    def _address(cls, value: str) -> str:
        if not value.strip():
            raise ValueError("must not be empty, which would mean every address; say 0.0.0.0 or :: for that")
        return value

    @field_validator("api_key", "api_key_pepper")
    @classmethod
    def _secret(cls, value: SecretStr | None) -> SecretStr | None:
        if value is not None and not value.get_secret_value().strip():
            raise ValueError("must not be empty; leave it out")
        return value

    @field_validator("cors_origins")
    @classmethod
    def _origins(cls, value: list[str]) -> list[str]:
        for text in value:
            match = _ORIGIN.fullmatch(text)
            if text != "*" and (match is None or _USUAL_PORTS.get(match[1]) == match[2]):
                raise ValueError(
                    "an Origin that browsers send is scheme://host or scheme://host:port, in small letters, "
                    "without a usual port, without a path"
                )
        return value

    @field_validator("otlp_endpoint")
    @classmethod
    def _base(cls, value: str | None) -> str | None:
        if value is not None and _QUERY.search(value):
            raise ValueError(
                "must be a base URL without a query; a collector's key goes into OTEL_EXPORTER_OTLP_HEADERS"
            )
        return value

    @field_validator("trusted_proxies")
    @classmethod
    def _networks(cls, value: list[str]) -> list[str]:
        for text in value:
            ipaddress.ip_network(text, strict=False)
        return value

    @field_validator("rate_limit_storage_url")
    @classmethod
    def _storage(cls, value: str) -> str:
        if not value.startswith(("memory://", "redis://", "rediss://", "unix://")):
            raise ValueError("must start with memory://, redis://, rediss:// or unix://")
        try:
            _ = urlsplit(value).port
        except ValueError:
            raise ValueError("host and port cannot be read; write / : @ ? # in a password as %2F %3A ...") from None
        return value

    @model_validator(mode="after")
    def _agree(self) -> Self:
        if "*" in self.cors_origins and self.env != "dev":
            raise ValueError(f"cors_origins: '*' is for dev only; list the origins that may call {self.env}")
        if self.api_key_file is not None and self.api_key_pepper is None:
            raise ValueError("api_key_pepper: the hashes in api_key_file need it; set MFN_API_KEY_PEPPER")
        if self.api_key_required and not (self.api_key or self.api_keys or self.api_key_file):
            raise ValueError(
                "api_key: a key is required (MFN_API_KEY_REQUIRED) and none is set; set MFN_API_KEY, MFN_API_KEYS "
                "or MFN_API_KEY_FILE"
            )
        if any(not key.get_secret_value().strip() for key in self.api_keys):
            raise ValueError("api_keys: a key must not be empty")
        return self


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
        raise ConfigurationError(f"the settings are wrong: {'; '.join(_complaints(error))}") from None
    except SettingsError:  # only the limits are read as JSON by pydantic
        raise ConfigurationError(f"the settings are wrong: {_limits_complaint()}") from None
    except (ValueError, OSError) as error:
        if isinstance(error, ConfigurationError):
            raise
        raise ConfigurationError(f"the settings are wrong: {error}") from None


def _complaints(error: ValidationError) -> list[str]:
    return [
        _complaint(item) for item in error.errors(include_url=False) if item["type"] != "default_factory_not_called"
    ]


def _complaint(item: Any) -> str:
    path = [str(part) for part in item["loc"] if part != "[key]"]
    message = str(item["msg"]).removeprefix("Value error, ")
    if not path:
        return message
    name = ".".join(path)
    variable = name if name in {_OTLP, _ZIPKIN} else f"MFN_{'__'.join(path).upper()}"
    if item["type"] == "extra_forbidden":
        return unknown(name, Settings.model_fields)
    if path[0] == "rate_limits" and "[key]" in item["loc"]:
        return f"{name} ({variable}): there is no class of endpoints {path[1]!r}; {message}"
    return f"{name} ({variable}): {message}; got {_shown_value(path[0], item['input'])!r}"


def _limits_complaint() -> str:
    value = os.environ.get(LIMITS)
    got = f"; got {value!r}" if value is not None else ""
    classes = ", ".join(DEFAULT_LIMITS)
    return f'rate_limits ({LIMITS}): must be JSON as {{"simulate": 100}}, of the classes {classes}{got}'


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
    if name in _URLS and isinstance(value, str | list):
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
