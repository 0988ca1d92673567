"""What a worker is told: ``worker.yaml``."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from mycelium_fractal_net._inputs import parse_json, parse_yaml, read_bytes
from mycelium_fractal_net.errors import ConfigurationError

__all__ = ["WorkerConfig", "load_worker_config"]


class WorkerConfig(BaseModel):
    """A worker's configuration; a value ``secret:...`` is read from where it says, whenever a connection is made."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    @field_validator("max_in_flight", "attempts", "max_deliveries", "port", mode="before")
    @classmethod
    def _number(cls, value: Any) -> Any:
        if isinstance(value, bool):
            raise ValueError("must be a number, not true or false")  # noqa: TRY004 # pydantic reports ValueErrors
        return value

    source: dict[str, Any] = Field(description="Where jobs come from: kind and options.")
    publisher: dict[str, Any] = Field(description="Where results go: kind and options.")
    dead_letters: dict[str, Any] = Field(description="Where failed jobs go: kind and options.")
    max_in_flight: int = Field(8, ge=1, le=10_000, description="Most jobs that are fetched and not yet acknowledged.")
    attempts: int = Field(5, ge=1, le=100, description="Attempts at a computation that fails for an internal error.")
    max_deliveries: int = Field(16, ge=1, description="Deliveries after which a job is taken to crash workers.")
    uri_prefixes: list[str] = Field(
        [], description="file:// or https:// prefixes under which a job may name an array by its URI."
    )
    host: str = Field("127.0.0.1", description="Address of /health and /metrics.")
    port: int = Field(8001, ge=0, le=65535, description="Port of /health and /metrics; 0 takes a free one.")


def load_worker_config(path: Path, **given: Any) -> WorkerConfig:
    """Read a worker's configuration from YAML or JSON; what is given here beats it.

    Raises
    ------
    ConfigurationError
        That names what is wrong; values, which may be secrets, are not shown.
    """
    content = read_bytes(path)
    try:
        found = parse_json(content) if path.suffix.lower() == ".json" else parse_yaml(content)[0]
    except ValueError as error:
        raise ConfigurationError(f"{path} cannot be read: {error}") from None
    if not isinstance(found, Mapping):
        raise ConfigurationError(f"{path} must hold source, publisher and dead_letters; got {type(found).__name__}")
    chosen = {name: value for name, value in given.items() if value is not None}
    try:
        return WorkerConfig.model_validate({**found, **chosen})
    except ValidationError as error:
        faults = "; ".join(f"{'.'.join(map(str, item['loc']))}: {item['msg']}" for item in error.errors())
        raise ConfigurationError(f"{path}: {faults}") from None
