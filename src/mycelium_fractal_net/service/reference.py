"""What the documentation says of settings, errors and the HTTP interface, made from the code."""

from __future__ import annotations

import json
from typing import Any, get_args

from pydantic.fields import FieldInfo

from mycelium_fractal_net.service.core.errors import CATALOGUE
from mycelium_fractal_net.service.settings import Environment, Settings, config_directory

__all__ = ["environments_reference", "error_reference", "openapi_text", "settings_reference"]

_DEPENDS = {
    "api_key_required": "false in dev, else true",
    "rate_limit_enabled": "false in dev, else true",
    "compute_threads": "number of cores",
    "cost_limit": "twice MFN_MAX_CELL_STEPS",
    "max_memory_bytes": "a third of the available memory",
    "log_format": "console in dev, else json",
    "docs_enabled": "false in prod, else true",
}


def settings_reference() -> str:
    """Return a Markdown table: variable, type, default, meaning.

    Examples
    --------
    >>> settings_reference().splitlines()[2]
    '| `MFN_ENV` | dev, staging or prod | dev | Environment, which selects configs/NAME.json. |'
    """
    rows = ["| variable | type | default | meaning |", "|---|---|---|---|"]
    properties = Settings.model_json_schema(by_alias=False)["properties"]
    for name, field in Settings.model_fields.items():
        default = _DEPENDS.get(name) or _default(field.get_default())
        rows.append(f"| `{_variable(name, field)}` | {_kind(properties[name])} | {default} | {field.description} |")
    return "\n".join(rows)


def environments_reference() -> str:
    """Return a Markdown table of the settings in which the environments differ, from their files and the defaults.

    Examples
    --------
    >>> environments_reference().splitlines()[2]
    '| `MFN_HOST` | 127.0.0.1 | 0.0.0.0 | 0.0.0.0 |'
    """
    files = {env: json.loads((config_directory() / f"{env}.json").read_text()) for env in get_args(Environment)}
    rows = [f"| variable | {' | '.join(files)} |", "|---" * (1 + len(files)) + "|"]
    for name, field in Settings.model_fields.items():
        if name == "env":
            continue
        values = [_default(content.get(name, _default_in(env, field))) for env, content in files.items()]
        if len(set(values)) > 1:
            rows.append(f"| `{_variable(name, field)}` | {' | '.join(values)} |")
    return "\n".join(rows)


def _default_in(env: str, field: FieldInfo) -> Any:
    return field.get_default(call_default_factory=True, validated_data={"env": env})


def _variable(name: str, field: FieldInfo) -> str:
    return str(field.validation_alias or f"MFN_{name.upper()}")


def _default(value: Any) -> str:
    if value in (None, []):
        return "none"
    if isinstance(value, list):
        return ", ".join(map(str, value))
    if isinstance(value, dict):
        return f"`{json.dumps(value)}`"
    if isinstance(value, float):
        return f"{value:g}"
    return str(value).lower() if isinstance(value, bool) else str(value)


def _kind(schema: dict[str, Any]) -> str:
    if "anyOf" in schema:
        return _kind(next(item for item in schema["anyOf"] if item.get("type") != "null"))
    if "enum" in schema:
        *first, last = schema["enum"]
        return f"{', '.join(first)} or {last}"
    names = {"string": "text", "array": "list: comma-separated or JSON", "object": "JSON", "boolean": "true or false"}
    kind = names.get(schema.get("type", ""), schema.get("type", ""))
    secret = schema.get("writeOnly") or schema.get("items", {}).get("writeOnly")
    return f"secret {kind}" if secret else _bounds(kind, schema)


def _bounds(kind: str, schema: dict[str, Any]) -> str:
    low, high = schema.get("minimum"), schema.get("maximum")
    if low is None or kind not in {"integer", "number"}:
        return "path" if schema.get("format") in {"path", "file-path"} else kind
    return f"{kind}, {low} to {high}" if high is not None else f"{kind} from {low}"


def error_reference() -> str:
    """Return a Markdown table of all error codes.

    Examples
    --------
    >>> error_reference().splitlines()[2]
    '| `BAD_REQUEST` | 400 | INVALID_ARGUMENT | 4400 | The request is malformed. |'
    """
    rows = ["| code | HTTP | gRPC | WebSocket | text |", "|---|---|---|---|---|"]
    rows += [
        f"| `{code}` | {entry.status} | {entry.grpc} | {entry.close} | {entry.text} |"
        for code, entry in CATALOGUE.items()
    ]
    return "\n".join(rows)


def openapi_text() -> str:
    r"""Return the OpenAPI description as JSON, sorted by name; what is set where it runs does not change it.

    Examples
    --------
    >>> openapi_text().splitlines()[0], openapi_text().endswith("}\n")
    ('{', True)
    """
    from mycelium_fractal_net.service.http.openapi import describe

    return json.dumps(describe(), indent=2, sort_keys=True, ensure_ascii=False) + "\n"
