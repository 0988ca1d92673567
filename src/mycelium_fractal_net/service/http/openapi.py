"""The OpenAPI description: FastAPI's of paths and models, with keys, headers and every error that can be answered."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi

from mycelium_fractal_net.service.core.access import Access
from mycelium_fractal_net.service.core.errors import CATALOGUE

__all__ = ["DESCRIPTION", "describe"]

DESCRIPTION = """\
Seeded Turing fields, their features, robust aggregation. One set of parameters gives the same bits everywhere.

- Every error is a `Problem` (RFC 9457). Program against `code`; texts may change. Besides the errors listed with each
  operation, a path that is not listed answers 404 `NOT_FOUND`, and a method that is not listed 405
  `METHOD_NOT_ALLOWED` with the header `Allow`. What answers GET answers HEAD.
- Send a key as `X-API-Key` or as `Authorization: Bearer`. Every counted answer says in `X-RateLimit-*` what is left.
- Every answer has an `X-Request-ID`; one of your own is kept if it is 1 to 128 characters of `[A-Za-z0-9._-]`.
- JSON is taken strictly: UTF-8, no NaN or Infinity, no name twice, no unknown name, no text or truth value for a
  number. Parameters stand in the body, never behind the path.
- What a schema cannot say is checked too, and answered with 422: `UNSTABLE_PARAMETERS`, `COST_LIMIT_EXCEEDED`,
  `INVALID_INPUT`, `AGGREGATION_FAILED`, `NUMERICAL_DIVERGENCE`.
"""

_TAGS = [
    {"name": "simulation", "description": "Fields, features, and the self-check."},
    {"name": "biophysics", "description": "Membrane potentials."},
    {"name": "federated", "description": "Aggregation that hostile clients cannot steer."},
    {"name": "health", "description": "For load balancers and monitoring."},
]
_SECURITY = {
    "ApiKey": {"type": "apiKey", "in": "header", "name": "X-API-Key", "description": "The key as it is."},
    "Bearer": {"type": "http", "scheme": "bearer", "description": "The same key."},
}

_ANY = (400, 408, 414, 429, 431, 500)
_WITH_KEY = (401, 403)
_WITH_BODY = (413, 415, 422)
_MORE = {
    "/health/ready": (503,),
    "/simulate": (406, 501, 503),
    "/features": (503,),
    "/validate": (501, 503),
    "/federated/aggregate": (503,),
}


def _header(description: str, kind: str = "string") -> dict[str, Any]:
    return {"description": description, "schema": {"type": kind}}


_LIMITS = {
    "X-RateLimit-Limit": _header("Requests a minute; on counted answers.", "integer"),
    "X-RateLimit-Remaining": _header("Requests left in the window.", "integer"),
    "X-RateLimit-Reset": _header("Seconds until the oldest request of the window no longer counts.", "integer"),
}
_ID = {"X-Request-ID": {**_header("The request's id, as in logs and errors."), "required": True}}
_RECEIPT = {
    "ETag": _header("Digest of the result, as a weak tag."),
    "X-MFN-Receipt": _header("The receipt as JSON."),
    "Vary": _header("Accept: the answer has several forms."),
}
_EXTRA: dict[int, dict[str, Any]] = {
    401: {"WWW-Authenticate": _header("How to authenticate.")},
    406: {"Vary": _header("Accept: another one is answered.")},
    415: {"Accept-Encoding": _header("identity, where the body was compressed.")},
    429: {"Retry-After": _header("Seconds to wait.", "integer")},
    503: {"Retry-After": _header("Seconds to wait.", "integer")},
}
_PROBLEM = {
    "title": "Problem",
    "description": "What went wrong (RFC 9457); `code` is stable, texts are not.",
    "type": "object",
    "required": ["type", "title", "status", "code", "message", "details", "request_id"],
    "properties": {
        "type": {"type": "string", "format": "uri", "description": "The code as a name: urn:mfn:error:not-found."},
        "title": {"type": "string", "description": "What the code means."},
        "status": {"type": "integer", "description": "The HTTP status."},
        "code": {"type": "string", "enum": sorted(CATALOGUE), "description": "What to program against."},
        "message": {"type": "string", "description": "What was wrong with this request."},
        "details": {
            "type": "array",
            "description": "Every field at fault, the first twenty of them.",
            "items": {
                "type": "object",
                "required": ["field", "message", "value"],
                "properties": {
                    "field": {"type": "string", "description": "Path of the field, with dots."},
                    "message": {"type": "string", "description": "What was expected."},
                    "value": {"description": "What came, shortened; null where it is missing or the whole body."},
                },
            },
        },
        "request_id": {
            "type": "string",
            "pattern": "^[A-Za-z0-9._-]{1,128}$",
            "description": "The id in X-Request-ID and in the logs.",
        },
    },
}

_BOUNDS = {"ge": "minimum", "gt": "exclusiveMinimum", "le": "maximum", "lt": "exclusiveMaximum"}


def describe(app: FastAPI) -> dict[str, Any]:
    """Return the description, made once."""
    if app.openapi_schema is None:
        schema = get_openapi(
            title=app.title,
            version=app.version,
            description=app.description,
            routes=app.routes,
            tags=_TAGS,
            license_info={"name": "MIT", "identifier": "MIT"},
            servers=[{"url": "/", "description": "Where the service answers."}],
        )
        _complete(schema, app)
        app.openapi_schema = schema
    return app.openapi_schema


def _complete(schema: dict[str, Any], app: FastAPI) -> None:
    components = schema.setdefault("components", {})
    for unused in ("HTTPValidationError", "ValidationError"):
        components["schemas"].pop(unused, None)
    for model in components["schemas"].values():
        _tidy(model)
    accesses = {getattr(route, "path", ""): getattr(route.endpoint, "__access__", None) for route in _endpoints(app)}
    used: set[int] = set()
    for path, operations in schema["paths"].items():
        for operation in operations.values():
            used.update(_complete_operation(path, operation, accesses[path]))
    components["schemas"]["Problem"] = _PROBLEM
    components["securitySchemes"] = _SECURITY
    components["responses"] = {f"Problem{status}": _problem(status) for status in sorted(used)}


def _endpoints(app: FastAPI) -> list[Any]:
    return [route for route in app.routes if hasattr(route, "endpoint")]


def _complete_operation(path: str, operation: dict[str, Any], access: Access | None) -> Iterable[int]:
    """Add security, headers and errors to an operation; return the errors."""
    public = access is None or access.public
    if not public:
        operation["security"] = [{name: []} for name in _SECURITY]
    responses = operation["responses"]
    responses.pop("422", None)
    for answer in responses.values():
        answer["headers"] = {**_ID, **_LIMITS, **(_RECEIPT if path == "/simulate" else {})}
    statuses = sorted(
        {
            *_ANY,
            *(() if public else _WITH_KEY),
            *(_WITH_BODY if "requestBody" in operation else ()),
            *_MORE.get(path, ()),
        }
    )
    responses |= {str(status): {"$ref": f"#/components/responses/Problem{status}"} for status in statuses}
    return statuses


def _problem(status: int) -> dict[str, Any]:
    codes = [code for code, entry in CATALOGUE.items() if entry.status == status]
    own = {"status": {"const": status}, "code": {"enum": codes}}
    problem = {"allOf": [{"$ref": "#/components/schemas/Problem"}, {"type": "object", "properties": own}]}
    return {
        "description": " ".join(f"`{code}`: {CATALOGUE[code].text}" for code in codes),
        "headers": {**_ID, **_LIMITS, **_EXTRA.get(status, {})},
        "content": {"application/problem+json": {"schema": problem}},
    }


def _tidy(model: dict[str, Any]) -> None:
    """Drop the titles that pydantic makes of names; say bounds as JSON Schema does, those of integers whole."""
    for schema in _subschemas(model):
        if schema is not model:
            schema.pop("title", None)
        for theirs, ours in _BOUNDS.items():
            if theirs in schema:
                schema[ours] = schema.pop(theirs)
        if schema.get("type") == "integer":
            schema.update({name: int(bound) for name, bound in schema.items() if isinstance(bound, float)})
            if "exclusiveMaximum" in schema:
                schema["maximum"] = schema.pop("exclusiveMaximum") - 1


def _subschemas(schema: Any) -> Iterator[dict[str, Any]]:
    """Yield a schema and all that are inside it."""
    if not isinstance(schema, dict):
        return
    yield schema
    inner = [schema.get("items"), schema.get("additionalProperties"), *schema.get("properties", {}).values()]
    inner += [item for name in ("anyOf", "oneOf", "allOf", "prefixItems") for item in schema.get(name, ())]
    for item in inner:
        yield from _subschemas(item)
