"""Every setting: its type, its default, what it may be beside the others."""

from __future__ import annotations

import ipaddress
import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, Self, get_args
from urllib.parse import urlsplit

from pydantic import (
    BeforeValidator,
    Field,
    SecretStr,
    ValidationError,
    ValidationInfo,
    field_validator,
    model_validator,
)
from pydantic_settings import BaseSettings, NoDecode, PydanticBaseSettingsSource, SettingsConfigDict

from mycelium_fractal_net._checks import available_cores
from mycelium_fractal_net.errors import ConfigurationError
from mycelium_fractal_net.integrations.secrets.references import PREFIX, SECRETS, is_reference
from mycelium_fractal_net.service.settings.machine import default_budget
from mycelium_fractal_net.service.settings.sources import file_source, unknown, without_service_links

__all__ = ["DEFAULT_LIMITS", "OTLP", "URLS", "ZIPKIN", "EndpointClass", "Environment", "Settings", "is_wide"]

Environment = Literal["dev", "staging", "prod"]
EndpointClass = Literal[
    "simulate", "features", "validate", "nernst", "aggregate", "health", "metrics", "failed_auth", "stray"
]

DEFAULT_LIMITS: Mapping[EndpointClass, int] = {
    "simulate": 100,
    "features": 100,
    "validate": 100,
    "nernst": 1000,
    "aggregate": 100,
    "health": 1000,
    "metrics": 1000,
    "failed_auth": 100,
    "stray": 1000,
}
"""Requests a minute."""

OTLP = "OTEL_EXPORTER_OTLP_ENDPOINT"
ZIPKIN = "OTEL_EXPORTER_ZIPKIN_ENDPOINT"
URLS = frozenset({"cors_origins", "rate_limit_storage_url", OTLP, "otlp_endpoint", ZIPKIN, "zipkin_endpoint"})
_QUERY = re.compile(r"[?#]")
_ORIGIN = re.compile(r"([a-z][a-z0-9+.-]*)://(?:\[[0-9a-f:.]+\]|[a-z0-9_.-]+)(?::([0-9]{1,5}))?/?")
_USUAL_PORTS = {"http": "80", "https": "443"}
_WIDEST_PRIVATE = {4: 8, 6: 7}  # 10.0.0.0/8 and fc00::/7
_MOST_CELL_STEPS = 2_000_000_000
_SHORTEST_KEY = 20
_FEWEST_CHARACTERS = 6


def _of_references(value: Any) -> Any:
    if isinstance(value, str) and PREFIX in value and not is_reference(value):
        return ",".join(str(SECRETS.resolved(part.strip())) for part in value.split(","))
    return SECRETS.resolved(value) if isinstance(value, str | list) else value


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


def _no_flag(value: Any) -> Any:
    """Refuse true where a number belongs, which pydantic takes for 1."""
    if isinstance(value, bool):
        raise ValueError("must be a number, not true or false")  # noqa: TRY004 # pydantic reports ValueErrors
    return value


def is_wide(network: str) -> bool:
    """Tell whether a network is wider than any that is private.

    Examples
    --------
    >>> is_wide("0.0.0.0/0"), is_wide("10.0.0.0/8"), is_wide("::/1")
    (True, False, True)
    """
    parsed = ipaddress.ip_network(network, strict=False)
    return parsed.prefixlen < _WIDEST_PRIVATE[parsed.version]


Texts = Annotated[list[str], NoDecode, BeforeValidator(_split)]
Secrets = Annotated[list[SecretStr], NoDecode, BeforeValidator(_split)]
Count = Annotated[int, BeforeValidator(_no_flag), Field(ge=1)]


class Settings(BaseSettings):
    """Every setting, its default and its meaning; ``mfn config reference`` prints them."""

    model_config = SettingsConfigDict(
        env_prefix="MFN_", env_nested_delimiter="__", extra="forbid", frozen=True, populate_by_name=True
    )

    env: Environment = Field(default="dev", description="Environment, which selects configs/NAME.json.")
    config_dir: Path | None = Field(
        default=None, description="Directory of the configuration files; by default the package's own."
    )
    secrets_dir: Path | None = Field(
        default=None, description="Directory of secrets, one file each, named like its variable."
    )

    host: str = Field(default="127.0.0.1", description="Address to listen on.")
    port: int = Field(default=8000, ge=0, le=65535, description="Port to listen on; 0 takes a free one.")
    trusted_proxies: Texts = Field(
        default=[], description="Addresses or networks of proxies whose X-Forwarded-For is trusted."
    )
    cors_origins: Texts = Field(
        default=[], description='Origins that browsers may call from; "*" for all, in dev only.'
    )
    max_body_bytes: Count = Field(
        default=64 * 2**20, description="Largest request body in bytes; JSON is also limited to 4 MiB."
    )
    stall_seconds: float = Field(
        default=30.0,
        ge=0.5,
        le=3600,
        description="Timeout for a request's head, and for a transfer without progress, in s.",
    )

    max_connections: Count = Field(
        default=2048,
        description="Connections to each port; one more waits for an idle one to be closed, or gets 503.",
    )
    max_connections_per_address: Count = Field(
        default=1280, description="Connections to each port from one address, those of trusted proxies excepted."
    )
    idle_seconds: float = Field(
        default=5.0, ge=0.5, le=3600, description="Time for which an idle connection is kept open, in s."
    )
    answer_seconds: float = Field(
        default=300.0, ge=1, le=86400, description="Timeout for a client to read a response, in s."
    )
    streams: Count = Field(default=2048, description="Maximum number of streams; one caller may have half of them.")
    stream_idle_seconds: float = Field(
        default=60.0, ge=0.5, le=3600, description="Time for which a stream waits for its reader before it ends, in s."
    )
    stream_heartbeat_seconds: float = Field(
        default=15.0, ge=0.1, le=3600, description="Silence after which a stream sends a heartbeat, in s."
    )
    stream_seconds: float = Field(default=3600.0, ge=1, le=86400, description="Maximum duration of a stream, in s.")

    grpc_enabled: bool = Field(default=True, description="Whether to serve gRPC too, if the extra grpc is installed.")
    grpc_port: int = Field(
        default=50051,
        ge=0,
        le=65535,
        description="Port of gRPC; 0 takes a free one. If it is left out, a port in use is not an error.",
    )
    grpc_max_message_bytes: Count = Field(default=4 * 2**20, description="Largest gRPC message in bytes.")
    grpc_reflection: bool = Field(
        default_factory=lambda data: bool(data["env"] != "prod"), description="Whether gRPC server reflection is on."
    )
    grpc_tls_cert_file: Path | None = Field(
        default=None, description="TLS certificates of gRPC (PEM), read at each handshake."
    )
    grpc_tls_key_file: Path | None = Field(default=None, description="Private key of the certificates (PEM).")
    grpc_tls_client_ca_file: Path | None = Field(
        default=None, description="CA certificates (PEM); gRPC clients must present a certificate from one of these."
    )

    api_key_required: bool = Field(
        default_factory=_outside_dev, description="Whether requests need a key; by default true except in dev."
    )
    api_key: SecretStr | None = Field(default=None, description="A key with every scope.")
    api_keys: Secrets = Field(default=[], description="More keys with every scope, separated by commas.")
    api_key_file: Path | None = Field(default=None, description="File of hashed keys, made by mfn keys create.")
    api_key_pepper: SecretStr | None = Field(default=None, description="Secret for the hashes in the key file.")

    secret_grace_seconds: float = Field(
        default=60.0,
        ge=0,
        le=86400,
        description="Time for which an old key still works after its secret was rotated, in s.",
    )

    events_store: Path | None = Field(
        default=None, description="SQLite file of the outbox; if set, results are published as events."
    )
    events_publisher: dict[str, Any] | None = Field(
        default=None,
        description='Publisher of events in JSON, such as {"kind": "nats", "url": "secret:env:NATS_URL"}; '
        "without one, events stay in the outbox.",
    )

    rate_limit_enabled: bool = Field(default_factory=_outside_dev, description="Whether requests are rate-limited.")
    rate_limit_storage_url: str = Field(
        default="memory://", description="Storage of the rate limits: memory://, or redis://HOST:PORT/DB to share them."
    )
    rate_limit_prefix: str = Field(default="mfn", min_length=1, description="Prefix of the keys in Redis.")
    rate_limits: Annotated[dict[EndpointClass, Count], BeforeValidator(_with_default_limits)] = Field(
        default=dict(DEFAULT_LIMITS),
        description="Requests per minute for each endpoint class; JSON, or __CLASS for one of them.",
    )

    compute_threads: Count = Field(
        default_factory=available_cores, description="Computations at a time; by default the number of cores."
    )
    compute_queue: int = Field(
        default=32, ge=0, description="Computations that may wait for a thread; one key may use half of the places."
    )
    max_compute_seconds: float = Field(
        default=300.0, gt=0, le=86400, description="Maximum time for which one request may use a compute thread, in s."
    )
    max_memory_bytes: Count = Field(
        default_factory=default_budget,
        description="Bytes of memory for bodies, arrays and responses of all requests; by default a third of what "
        "the control group or the machine has beside the program.",
    )
    max_cell_steps: Count = Field(
        default=_MOST_CELL_STEPS,
        description="Maximum cost of one request: cells times steps, or the equivalent in aggregation.",
    )
    cost_limit: Count = Field(
        default_factory=lambda data: 2 * data.get("max_cell_steps", _MOST_CELL_STEPS),
        description="Cell steps per minute for one key, or for one address without a key; by default twice "
        "MFN_MAX_CELL_STEPS.",
    )
    warmup: bool = Field(
        default=True, description="Whether kernels are compiled before the service reports that it is ready."
    )
    drain_seconds: float = Field(default=0.0, ge=0, le=3600, description="Minimum time from SIGTERM to the exit, in s.")
    shutdown_seconds: int = Field(
        default=120, ge=1, le=86400, description="Maximum time for open requests to end at shutdown, in s."
    )

    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = Field(
        default="INFO", description="Minimum level of log lines."
    )
    log_format: Literal["console", "json"] = Field(
        default_factory=lambda data: "console" if data["env"] == "dev" else "json",
        description="console or json; by default console in dev, else json.",
    )
    metrics_enabled: bool = Field(default=True, description="Whether GET /metrics exists.")
    metrics_public: bool = Field(default=False, description="Whether GET /metrics needs no key.")
    docs_enabled: bool = Field(
        default_factory=lambda data: bool(data["env"] != "prod"), description="Whether /docs and /redoc exist."
    )
    tracing_enabled: bool = Field(default=False, description="Whether to export spans.")
    tracing_exporter: Literal["otlp", "zipkin"] = Field(default="otlp", description="Protocol of the export of spans.")
    otlp_endpoint: str | None = Field(
        default=None, validation_alias=OTLP, description="Base URL of the OTLP/HTTP collector."
    )
    zipkin_endpoint: str | None = Field(
        default=None, validation_alias=ZIPKIN, description="URL of a collector that accepts Zipkin's JSON, version 2."
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
        file = file_source(settings_cls, given, get_args(Environment))
        return (init_settings, without_service_links(env_settings), file_secret_settings, *file)

    def model_copy(self, *, update: Mapping[str, Any] | None = None, deep: bool = False) -> Self:  # noqa: ARG002 # frozen
        """Return a copy with some settings replaced, checked as new ones are.

        Raises
        ------
        ConfigurationError
            As :func:`load_settings`.
        """
        given = {name: getattr(self, name) for name in type(self).model_fields} | dict(update or {})
        aliases = {"otlp_endpoint": OTLP, "zipkin_endpoint": ZIPKIN}  # above what the environment says
        try:
            return type(self)(**{aliases.get(name, name): value for name, value in given.items()})
        except ValidationError as error:  # without values, which may be secrets
            faults = [
                unknown(str(item["loc"][0]), type(self).model_fields)
                if item["type"] == "extra_forbidden"
                else f"{'.'.join(map(str, item['loc']))}: {item['msg']}".removeprefix(": ")
                for item in error.errors(include_url=False)
            ]
            raise ConfigurationError(f"the settings are wrong: {'; '.join(faults)}") from None

    @model_validator(mode="before")
    @classmethod
    def _dereferenced(cls, values: Any) -> Any:
        """Read what ``secret:KIND:NAME`` names, of each member of a list too."""
        if not isinstance(values, dict):
            return values
        return {name: _of_references(value) for name, value in values.items()}

    @field_validator("*", mode="before")
    @classmethod
    def _number(cls, value: Any, info: ValidationInfo) -> Any:
        kind = cls.model_fields[str(info.field_name)].annotation
        return value if bool in (kind, *get_args(kind)) else _no_flag(value)

    @field_validator("log_level", mode="before")
    @classmethod
    def _level(cls, value: Any) -> Any:
        name = value.upper() if isinstance(value, str) else value
        return "WARNING" if name == "WARN" else name

    @field_validator("host")
    @classmethod
    def _address(cls, value: str) -> str:
        if not value.strip():
            raise ValueError("must not be empty; use 0.0.0.0 or :: for every address")
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
                    "an origin must be scheme://host or scheme://host:port, in lower case, without a default port "
                    "and without a path"
                )
        return value

    @field_validator("otlp_endpoint")
    @classmethod
    def _base(cls, value: str | None) -> str | None:
        if value is not None and _QUERY.search(value):
            raise ValueError(
                "must be a base URL without a query; a collector's key goes into OTEL_EXPORTEROTLP_HEADERS"
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
            raise ValueError(f"cors_origins: '*' is for dev only; list the allowed origins for {self.env}")
        if self.api_key_file is not None and self.api_key_pepper is None:
            raise ValueError("api_key_pepper: the hashes in api_key_file need it; set MFN_API_KEY_PEPPER")
        if self.api_key_required and not (self.api_key or self.api_keys or self.api_key_file):
            raise ValueError(
                "api_key: a key is required (MFN_API_KEY_REQUIRED) and none is set; set MFN_API_KEY, MFN_API_KEYS "
                "or MFN_API_KEY_FILE"
            )
        if self.max_cell_steps > self.cost_limit:
            raise ValueError(
                f"cost_limit: must be at least max_cell_steps, {self.max_cell_steps:,}, or no request of that cost "
                f"could ever pass; got {self.cost_limit:,}"
            )
        if (self.grpc_tls_cert_file is None) != (self.grpc_tls_key_file is None):
            raise ValueError("grpc_tls_cert_file: TLS needs the certificates and their key; give both files or none")
        if any(not key.get_secret_value().strip() for key in self.api_keys):
            raise ValueError("api_keys: a key must not be empty")
        if self.env != "dev":
            self._check_keys()
        if self.env == "prod" and any(is_wide(network) for network in self.trusted_proxies):
            raise ValueError(
                "trusted_proxies: in prod no network wider than 10.0.0.0/8 or fc00::/7 may be trusted, since "
                "anybody in it can forge a client's address; list the proxies' own networks"
            )
        return self

    def _check_keys(self) -> None:
        """Refuse what strangers would find out within a day."""
        named = [("api_key", self.api_key), *(("api_keys", key) for key in self.api_keys)]
        for name, key in named:
            if key is not None and _is_weak(key.get_secret_value()):
                raise ValueError(
                    f"{name}: in {self.env} a key has at least {_SHORTEST_KEY} characters, {_FEWEST_CHARACTERS} "
                    "different ones; mfn keys create makes one"
                )


def _is_weak(key: str) -> bool:
    """Tell whether a key can be guessed; one that no header can carry is refused for that."""
    if " " in key or not key.isprintable():
        return False
    return len(key) < _SHORTEST_KEY or len(set(key)) < _FEWEST_CHARACTERS
