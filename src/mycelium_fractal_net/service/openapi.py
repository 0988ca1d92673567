"""The OpenAPI description: FastAPI's, with keys, errors and the headers of every answer."""

from __future__ import annotations

from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi

from mycelium_fractal_net.service.errors import CATALOGUE
from mycelium_fractal_net.service.middleware.access import Access

__all__ = ["describe"]

_SECURITY = {
    "ApiKey": {"type": "apiKey", "in": "header", "name": "X-API-Key"},
    "Bearer": {"type": "http", "scheme": "bearer"},
}
_LIMIT_HEADERS = {
    "X-RateLimit-Limit": "Requests a minute.",
    "X-RateLimit-Remaining": "Requests left in the window.",
    "X-RateLimit-Reset": "Seconds until the oldest request of the window no longer counts.",
}
_PROBLEM = {
    "title": "Problem",
    "description": "What went wrong (RFC 9457); `code` is stable, texts are not.",
    "type": "object",
    "required": ["type", "title", "status", "code", "message", "details", "request_id"],
    "properties": {
        "type": {"type": "string", "format": "uri"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "code": {"type": "string", "enum": sorted(CATALOGUE)},
        "message": {"type": "string"},
        "details": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["field", "message", "value"],
                "properties": {"field": {"type": "string"}, "message": {"type": "string"}, "value": {}},
            },
        },
        "request_id": {"type": "string", "pattern": "^[A-Za-z0-9._-]{1,128}$"},
    },
}
_BODY_ERRORS = (406, 413, 415, 422, 499, 501)


def describe(app: FastAPI) -> dict[str, Any]:
    """Return the description, made once."""
    if app.openapi_schema is None:
        schema = get_openapi(
            title=app.title, version=app.version, description=app.description, routes=app.routes, summary=app.summary
        )
        _complete(schema, app)
        app.openapi_schema = schema
    return app.openapi_schema


def _complete(schema: dict[str, Any], app: FastAPI) -> None:
    components = schema.setdefault("components", {})
    components["securitySchemes"] = _SECURITY
    schemas = components.setdefault("schemas", {})
    schemas["Problem"] = _PROBLEM
    for unused in ("HTTPValidationError", "ValidationError"):
        schemas.pop(unused, None)
    accesses = {getattr(route, "path", ""): getattr(route.endpoint, "__access__", None) for route in _endpoints(app)}
    for path, operations in schema["paths"].items():
        for operation in operations.values():
            _complete_operation(operation, accesses[path])


def _endpoints(app: FastAPI) -> list[Any]:
    return [route for route in app.routes if hasattr(route, "endpoint")]


def _complete_operation(operation: dict[str, Any], access: Access | None) -> None:
    public = access is None or access.public
    if not public:
        operation["security"] = [{name: []} for name in _SECURITY]
    responses = operation["responses"]
    responses.pop("422", None)
    statuses = {400, 429, 500, 503, *(() if public else (401, 403))}
    statuses.update(_BODY_ERRORS if "requestBody" in operation else ())
    headers = {"X-Request-ID": _header("The request's id, as in logs and errors.")}
    limited = {name: _header(text) for name, text in _LIMIT_HEADERS.items()}
    for answer in responses.values():
        answer.setdefault("headers", {}).update({**headers, **limited})
    for status in sorted(statuses):
        responses[str(status)] = _problem(status, headers)


def _header(text: str) -> dict[str, Any]:
    return {"description": text, "schema": {"type": "string"}}


def _problem(status: int, headers: dict[str, Any]) -> dict[str, Any]:
    codes = [code for code, entry in CATALOGUE.items() if entry.status == status]
    extra = {"Retry-After": _header("Seconds to wait.")} if status in {429, 503} else {}
    return {
        "description": " ".join(f"`{code}`: {CATALOGUE[code].text}" for code in codes),
        "headers": {**headers, **extra},
        "content": {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}},
    }
