"""The OpenAPI description, made of the table of operations: paths, models, keys, headers, every error."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import cache
from typing import Any

from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from mycelium_fractal_net._version import __version__
from mycelium_fractal_net.service.core.errors import CATALOGUE
from mycelium_fractal_net.service.http.representations import ARROW, JSON, NPY
from mycelium_fractal_net.service.http.routes import PATHS
from mycelium_fractal_net.service.operations import OPERATIONS, Operation

__all__ = ["describe", "schemas_of"]

_DESCRIPTION = """\
Seeded Turing fields, their features, robust aggregation. One set of parameters gives the same bits everywhere.

- Every error is a `Problem` (RFC 9457). Program against `code`; texts may change. Besides the errors listed with each
  operation, a path that is not listed answers 404 `NOT_FOUND`, and a method that is not listed 405
  `METHOD_NOT_ALLOWED` with the header `Allow`. A path that supports GET supports HEAD too.
- Send a key as `X-API-Key` or as `Authorization: Bearer`. Every rate-limited response says in `X-RateLimit-*` what is
  left.
- Every response has an `X-Request-ID`; one of your own is kept if it is 1 to 128 characters of `[A-Za-z0-9._-]`.
- JSON is parsed strictly: UTF-8, no NaN or Infinity, no duplicate key, no unknown name, no string or boolean
  for a number. Parameters go in the body; beside an array sent as `application/x-npy` they go in the query string.
- What a schema cannot express is checked too, and answered with 422: `UNSTABLE_PARAMETERS`, `COST_LIMIT_EXCEEDED`,
  `INVALID_INPUT`, `AGGREGATION_FAILED`, `NUMERICAL_DIVERGENCE`.
"""

_TAGS = [
    {"name": "simulation", "description": "Fields, features, and the self-check."},
    {"name": "biophysics", "description": "Membrane potentials."},
    {"name": "federated", "description": "Aggregation that resists hostile clients."},
    {"name": "health", "description": "For load balancers and monitoring."},
]
_SECURITY = {
    "ApiKey": {"type": "apiKey", "in": "header", "name": "X-API-Key", "description": "The API key."},
    "Bearer": {"type": "http", "scheme": "bearer", "description": "The same API key, as a bearer token."},
}

_ALWAYS = (
    "BAD_REQUEST",
    "REQUEST_TIMEOUT",
    "URI_TOO_LONG",
    "RATE_LIMIT_EXCEEDED",
    "HEADERS_TOO_LARGE",
    "INTERNAL_ERROR",
)
_WITH_KEY = ("AUTHENTICATION_REQUIRED", "INSUFFICIENT_SCOPE")
_WITH_BODY = ("PAYLOAD_TOO_LARGE", "UNSUPPORTED_MEDIA_TYPE", "VALIDATION_ERROR")
_WITH_ARRAY = ("NOT_ACCEPTABLE", "MISSING_EXTRA")
_BINARY = {"schema": {"type": "string", "format": "binary"}}


def _header(description: str, kind: str = "string") -> dict[str, Any]:
    return {"description": description, "schema": {"type": kind}}


_LIMITS = {
    "X-RateLimit-Limit": _header("Requests allowed per minute; on rate-limited responses.", "integer"),
    "X-RateLimit-Remaining": _header("Requests left in the window.", "integer"),
    "X-RateLimit-Reset": _header("Seconds until the oldest request of the window no longer counts.", "integer"),
}
_ID = {"X-Request-ID": {**_header("The id of the request, as in logs and errors."), "required": True}}
_RECEIPT = {
    "ETag": _header("Digest of the result, as a weak entity tag."),
    "X-MFN-Receipt": _header("The receipt as JSON."),
}
_KNOWN = {
    "description": "The result matches If-None-Match: the client has these bits already, so they are not sent again."
}
_EXTRA: dict[int, dict[str, Any]] = {
    401: {"WWW-Authenticate": _header("How to authenticate.")},
    406: {"Vary": _header("Accept: other media types are available.")},
    415: {"Accept-Encoding": _header("identity, if the request's body was compressed.")},
    429: {"Retry-After": _header("Seconds to wait before trying again.", "integer")},
    503: {"Retry-After": _header("Seconds to wait before trying again.", "integer")},
}
_PROBLEM = {
    "title": "Problem",
    "description": "What went wrong (RFC 9457); `code` is stable, texts are not.",
    "type": "object",
    "required": ["type", "title", "status", "code", "message", "details", "request_id"],
    "properties": {
        "type": {
            "type": "string",
            "format": "uri",
            "description": "The code as a URN, such as urn:mfn:error:not-found.",
        },
        "title": {"type": "string", "description": "What the code means."},
        "status": {"type": "integer", "description": "The HTTP status."},
        "code": {
            "type": "string",
            "enum": sorted(CATALOGUE),
            "description": "Stable identifier of the error, to program against.",
        },
        "message": {"type": "string", "description": "What was wrong with this request."},
        "details": {
            "type": "array",
            "description": "The fields at fault, at most twenty.",
            "items": {
                "type": "object",
                "required": ["field", "message", "value"],
                "properties": {
                    "field": {"type": "string", "description": "Path of the field, separated by dots."},
                    "message": {"type": "string", "description": "What was expected."},
                    "value": {"description": "The value received, shortened; null if it is missing or the whole body."},
                },
            },
        },
        "request_id": {
            "type": "string",
            "pattern": "^[A-Za-z0-9._-]{1,128}$",
            "description": "The id of the request, as in X-Request-ID and in the logs.",
        },
    },
}

_BOUNDS = {"ge": "minimum", "gt": "exclusiveMinimum", "le": "maximum", "lt": "exclusiveMaximum"}


@cache
def describe() -> dict[str, Any]:
    """Return the description, made once."""
    models, schemas = _schemas()
    paths: dict[str, Any] = {}
    statuses: set[int] = set()
    for (method, path), name in PATHS.items():
        operation = OPERATIONS[name]
        refused = _statuses(operation)
        statuses.update(refused)
        paths.setdefault(path, {})[method.lower()] = _operation(operation, models, refused)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "MyceliumFractalNet",
            "description": _DESCRIPTION,
            "license": {"name": "MIT", "identifier": "MIT"},
            "version": __version__,
        },
        "servers": [{"url": "/", "description": "Where the service answers."}],
        "paths": paths,
        "components": {
            "schemas": {**schemas, "Problem": _PROBLEM},
            "securitySchemes": _SECURITY,
            "responses": {f"Problem{status}": _problem(status) for status in sorted(statuses)},
        },
        "tags": _TAGS,
    }


def _schemas() -> tuple[dict[Any, Any], dict[str, Any]]:
    """Return the reference of every model of the operations, and the schemas that they lead to."""
    asked = {(o.request, "validation"): 0 for o in OPERATIONS.values() if o.request is not None}
    told = {(o.response, "serialization"): 0 for o in OPERATIONS.values() if o.response is not None}
    models: Any = [*asked, *told]
    references, definitions = models_json_schema(models, ref_template="#/components/schemas/{model}")
    schemas = definitions["$defs"]
    for schema in schemas.values():
        _tidy(schema)
    return {model: reference for (model, _), reference in references.items()}, schemas


def schemas_of(models: Iterable[type[BaseModel]]) -> dict[str, Any]:
    """Return the JSON Schemas of models that come in, and of what they lead to, by their names."""
    asked: Any = [(model, "validation") for model in models]
    _, definitions = models_json_schema(asked, ref_template="#/components/schemas/{model}")
    schemas: dict[str, Any] = definitions["$defs"]
    for schema in schemas.values():
        _tidy(schema)
    return schemas


def _operation(operation: Operation, models: dict[Any, Any], refused: list[int]) -> dict[str, Any]:
    """Describe an operation: what goes in, what comes out, what it refuses with."""
    told: dict[str, Any] = {
        "tags": [operation.tag],
        "summary": operation.summary,
        "description": operation.description,
        "operationId": operation.name,
    }
    if operation.request is not None:
        content = {JSON: {"schema": models[operation.request]}} | ({NPY: _BINARY} if operation.arrays else {})
        told["requestBody"] = {"content": content, "required": True}
        if operation.arrays:
            told["requestBody"]["description"] = _of_arrays(operation)
    answers: dict[str, Any] = {}
    if operation.media is not None:
        media = operation.media.partition(";")[0]
        answers = {media: {"schema": {"type": "string"}} if media == "text/plain" else _BINARY}
    if operation.response is not None:
        answers = {JSON: {"schema": models[operation.response]}}
    headers = {**_ID, **_LIMITS}
    if operation.array_answer is not None:
        answers |= {NPY: _BINARY, ARROW: _BINARY}
        headers["Vary"] = _header("Accept: the response has several media types.")
    if operation.response is not None and "receipt" in operation.response.model_fields:
        headers |= _RECEIPT
    done = {"description": "Done.", "content": answers, "headers": headers}
    known = {"304": {**_KNOWN, "headers": {**_ID, **_LIMITS, **_RECEIPT}}} if "ETag" in headers else {}
    problems = {str(status): {"$ref": f"#/components/responses/Problem{status}"} for status in refused}
    told["responses"] = {"200": done, **known, **problems}
    if not operation.access.public:
        told["security"] = [{name: []} for name in _SECURITY]
    return told


def _of_arrays(operation: Operation) -> str:
    """Say what an array in place of JSON means."""
    members = " or ".join(f"`{name}` of {axes} axes" for axes, name in operation.arrays.items())
    return (
        f"JSON of at most 4 MiB, or as `{NPY}` of at most 64 MiB the array alone ({members}): real numbers, in "
        f"row-major or column-major order. The other members then go in the query string, as text or JSON."
    )


def _statuses(operation: Operation) -> list[int]:
    codes = [*_ALWAYS, *operation.codes]
    codes += () if operation.access.public else _WITH_KEY
    codes += () if operation.request is None else _WITH_BODY
    codes += () if operation.array_answer is None else _WITH_ARRAY
    return sorted({CATALOGUE[code].status for code in codes})


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
        if schema.get("default", "") is None:
            del schema["default"]
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
