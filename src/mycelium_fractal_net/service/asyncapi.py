"""The AsyncAPI description of jobs, events and streams, made of the same models as the OpenAPI one."""

from __future__ import annotations

import inspect
import json
from collections.abc import Iterable
from typing import Any

from pydantic import BaseModel

from mycelium_fractal_net._version import __version__
from mycelium_fractal_net.integrations.messages import EVENT_TYPES, FAILED_TYPE, LONGEST_ID, SIGNAL_TYPE
from mycelium_fractal_net.service.http.openapi import describe, schemas_of
from mycelium_fractal_net.service.http.sse import STREAM_PATH
from mycelium_fractal_net.service.http.websocket import SUBPROTOCOL, WEBSOCKET_PATH
from mycelium_fractal_net.service.jobs import JOB_OPERATIONS
from mycelium_fractal_net.service.operations import OPERATIONS
from mycelium_fractal_net.service.operations.stream_messages import CLIENT_MESSAGES, SERVER_MESSAGES

__all__ = ["asyncapi_text", "describe_messages"]

_ID = {"type": "string", "minLength": 1, "maxLength": LONGEST_ID}
_FAILURE: dict[str, Any] = {
    "type": "object",
    "required": ["reason", "attempts", "deliveries", "headers"],
    "properties": {
        "reason": {
            "type": "object",
            "required": ["code", "message"],
            "properties": {"code": {"type": "string"}, "message": {"type": "string"}},
        },
        "attempts": {"type": "integer", "minimum": 0},
        "deliveries": {"type": "integer", "minimum": 1},
        "headers": {"type": "object"},
        "body": {"type": "string", "description": "The message as received, if it is UTF-8."},
        "body_base64": {
            "type": "string",
            "contentEncoding": "base64",
            "description": "The message as received, otherwise.",
        },
    },
}
_SIGNAL: dict[str, Any] = {
    "type": "object",
    "required": ["signal", "series", "statistic", "value", "trend", "p_value", "window", "step", "severity", "receipt"],
    "properties": {
        "signal": {"type": "string"},
        "series": {"type": "string"},
        "statistic": {"type": "string"},
        "value": {"type": "number"},
        "trend": {"type": "number", "minimum": -1, "maximum": 1},
        "p_value": {"type": "number", "exclusiveMinimum": 0, "maximum": 1},
        "window": {"type": "integer", "minimum": 8},
        "step": {"type": "integer", "minimum": 0},
        "severity": {"enum": ["none", "notable", "strong"]},
        "receipt": {"type": "string"},
    },
}

_ALL = (*CLIENT_MESSAGES, *SERVER_MESSAGES)
_OF_EVENTS = tuple(model for model in SERVER_MESSAGES if model.__name__ not in {"HeartbeatMessage", "PongMessage"})
_BYTES = "stream.bytes"
_WEBSOCKET = (
    f"A WebSocket (subprotocol {SUBPROTOCOL}); a key in X-API-Key or Authorization, in the first message, or a ticket "
    "in the query string. Several streams on one connection."
)
_EVENT_STREAM = (
    "Server-Sent Events: GET with the parameters in the query string, or POST with the members of start. The type is "
    "the event, stream and sequence are its id; heartbeats are comments; a field stands in field.data."
)


def describe_messages() -> dict[str, Any]:
    """Return the description, AsyncAPI 3.0."""
    schemas: dict[str, Any] = _stream_schemas() | describe()["components"]["schemas"]
    messages = _stream_messages()
    for name in JOB_OPERATIONS:
        operation = OPERATIONS[name]
        request, response = operation.request, operation.response
        assert request is not None  # noqa: S101 # each has both
        assert response is not None  # noqa: S101 # as above
        schemas[f"{name}.job"] = _job(name, request.__name__)
        schemas[f"{name}.event"] = _event(EVENT_TYPES[name], {"$ref": f"#/components/schemas/{response.__name__}"})
        messages[f"{name}.job"] = _message(f"{name}.job", operation.summary)
        messages[f"{name}.event"] = _message(f"{name}.event", f"Result of {name}", "cloud")
    for name, kind, data in (("failure", FAILED_TYPE, _FAILURE), ("signal", SIGNAL_TYPE, _SIGNAL)):
        schemas[f"{name}.event"] = _event(kind, data)
        messages[f"{name}.event"] = _message(f"{name}.event", f"A {name}", "cloud")
    messages_of_streams = tuple(_stream_messages())
    jobs = [f"{name}.job" for name in JOB_OPERATIONS]
    events = [f"{name}.event" for name in (*JOB_OPERATIONS, "signal")]
    return {
        "asyncapi": "3.0.0",
        "info": {"title": "MyceliumFractalNet", "version": __version__, "license": {"name": "MIT"}},
        "defaultContentType": "application/json",
        "channels": {
            "jobs": _channel("mfn.jobs", jobs, "What a worker accepts."),
            "results": _channel("mfn.results", events, "What it publishes."),
            "deadLetters": _channel("mfn.dead", ["failure.event"], "Jobs that failed for good."),
            "stream": _channel(WEBSOCKET_PATH, list(messages_of_streams), _WEBSOCKET),
            "eventStream": _channel(STREAM_PATH, _named(_OF_EVENTS), _EVENT_STREAM),
        },
        "operations": {
            "takeJob": _operation("receive", "jobs", jobs),
            "publishResult": _operation("send", "results", events),
            "giveUp": _operation("send", "deadLetters", ["failure.event"]),
            "hear": _operation("receive", "stream", _named(CLIENT_MESSAGES)),
            "say": _operation("send", "stream", [*_named(SERVER_MESSAGES), _BYTES]),
            "tell": _operation("send", "eventStream", _named(_OF_EVENTS)),
        },
        "components": {"messages": messages, "schemas": schemas},
    }


def asyncapi_text() -> str:
    """Return the description as JSON, sorted by name."""
    return json.dumps(describe_messages(), indent=2, sort_keys=True, ensure_ascii=False) + "\n"


def _named(models: Iterable[type[BaseModel]]) -> list[str]:
    """Return what the messages of streams are called: stream.start, stream.frame."""
    return [f"stream.{model.__name__.removesuffix('Message').lower()}" for model in models]


def _stream_schemas() -> dict[str, Any]:
    schemas = schemas_of((*CLIENT_MESSAGES, *SERVER_MESSAGES))
    schemas["ErrorMessage"]["properties"]["problem"] = {"$ref": "#/components/schemas/Problem"}
    for model, name in zip(_ALL, _named(_ALL), strict=True):
        schemas[name] = {"$ref": f"#/components/schemas/{model.__name__}"}
    return schemas


def _stream_messages() -> dict[str, Any]:
    messages = {
        name: _message(name, inspect.cleandoc(model.__doc__ or ""))
        for model, name in zip(_ALL, _named(_ALL), strict=True)
    }
    field = {"type": "string", "description": "The bytes of a field: rows, little-endian, as the frame before says."}
    return {**messages, _BYTES: {"name": _BYTES, "contentType": "application/octet-stream", "payload": field}}


def _job(name: str, request: str) -> dict[str, Any]:
    return {
        "type": "object",
        "required": ["id", "operation"],
        "additionalProperties": False,
        "properties": {
            "id": _ID,
            "operation": {"const": name},
            "request": {"$ref": f"#/components/schemas/{request}"},
            "key": {"type": "string", "maxLength": LONGEST_ID, "description": "Jobs of one key keep their order."},
        },
    }


def _event(kind: str, data: dict[str, Any]) -> dict[str, Any]:
    return {
        "type": "object",
        "required": ["specversion", "id", "source", "type", "subject", "datacontenttype", "data"],
        "properties": {
            "specversion": {"const": "1.0"},
            "id": {"type": "string", "description": "The same for every redelivery."},
            "source": {"type": "string", "format": "uri-reference"},
            "type": {"const": kind},
            "subject": {"type": "string", "description": "The job's id."},
            "datacontenttype": {"const": "application/json"},
            "partitionkey": {"type": "string"},
            "data": data,
        },
    }


def _message(name: str, summary: str, form: str = "") -> dict[str, Any]:
    media = "application/cloudevents+json" if form else "application/json"
    payload = {"$ref": f"#/components/schemas/{name}"}
    return {"name": name, "summary": summary, "contentType": media, "payload": payload}


def _channel(address: str, names: list[str], text: str) -> dict[str, Any]:
    messages = {name: {"$ref": f"#/components/messages/{name}"} for name in names}
    return {"address": address, "description": text, "messages": messages}


def _operation(action: str, channel: str, names: list[str]) -> dict[str, Any]:
    return {
        "action": action,
        "channel": {"$ref": f"#/channels/{channel}"},
        "messages": [{"$ref": f"#/channels/{channel}/messages/{name}"} for name in names],
    }
