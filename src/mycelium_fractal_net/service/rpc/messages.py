"""Between the messages of the wire and the members that operations read and tell."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, TypeVar

import numpy as np
from google.protobuf import json_format
from google.protobuf.message import Message as Wire
from numpy.typing import NDArray
from pydantic import BaseModel

from mycelium_fractal_net._proto import mfn_pb2
from mycelium_fractal_net.service.core.errors import ServiceError
from mycelium_fractal_net.service.operations.stream_messages import Message

__all__ = ["array_of", "as_event", "members_of", "told", "values_of"]

_DTYPES = {"float64": "<f8", "float32": "<f4"}
T = TypeVar("T", bound=Wire)


def members_of(message: Wire) -> dict[str, Any]:
    """Return what is set in a message, as JSON would have it.

    Examples
    --------
    >>> members_of(mfn_pb2.SimulateRequest(every=4, config={"grid_size": 16, "clamp_mv": [-90, 30]}))
    {'config': {'grid_size': 16, 'clamp_mv': [-90.0, 30.0]}, 'every': 4}
    """
    return {field.name: _value(field, value) for field, value in message.ListFields()}


def _value(field: Any, value: Any) -> Any:
    if field.message_type is None:
        return list(value) if field.is_repeated else value
    if field.message_type.GetOptions().map_entry:
        return dict(value)
    return [members_of(one) for one in value] if field.is_repeated else members_of(value)


def told(answer: BaseModel, message: T) -> T:
    """Fill a message with an answer; what is null or not finite stays unset."""
    filled: T = json_format.ParseDict(_told(answer), message, ignore_unknown_fields=True)
    return filled


def _told(value: Any) -> Any:
    if isinstance(value, BaseModel):
        value = {_wire_name(name): value.__dict__[name] for name in value.model_fields_set}
    if isinstance(value, Mapping):
        found = {name: _told(inner) for name, inner in value.items()}
        return {name: inner for name, inner in found.items() if inner is not None}
    if isinstance(value, np.ndarray | np.generic):
        value = value.tolist()
    if isinstance(value, list | tuple):
        return [_told(inner) for inner in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _wire_name(name: str) -> str:
    """Return a member's name in the wire's spelling, which has no capitals."""
    return name.lower()


def values_of(data: bytes, dtype: str) -> NDArray[np.float64]:
    """Return the numbers in bytes.

    Raises
    ------
    ServiceError
        INVALID_INPUT for another dtype, and for bytes that are none.
    """
    if dtype not in _DTYPES:
        raise _unusable("dtype", f"dtype must be float64 or float32; got {dtype!r}", dtype)
    if len(data) % np.dtype(_DTYPES[dtype]).itemsize:
        raise _unusable("data", f"{len(data)} bytes are not a whole number of {dtype} values", None)
    return np.frombuffer(data, _DTYPES[dtype]).astype(np.float64)


def array_of(array: mfn_pb2.Array) -> NDArray[np.float64]:
    """Return an array that came.

    Raises
    ------
    ServiceError
        INVALID_INPUT where dtype, shape and data do not fit.
    """
    values = values_of(array.data, array.dtype or "float64")
    shape = list(array.shape)
    if math.prod(shape) != values.size:
        raise _unusable("shape", f"the shape {shape} does not match {values.size} values", shape)
    return values.reshape(shape)


def _unusable(field: str, message: str, value: Any) -> ServiceError:
    return ServiceError("INVALID_INPUT", message, details=[{"field": field, "message": message, "value": value}])


def as_event(kind: str, stream: str, sequence: int | None, members: dict[str, Any], field: bytes | None) -> Message:
    """Write a message of a stream down as an event of the wire; its field, if it has one, stands in it."""
    event = mfn_pb2.SimulateResponse(stream=stream, sequence=sequence)
    _FILL[kind](event, members, field)
    return Message(kind, sequence, event.SerializeToString())


def _started(event: mfn_pb2.SimulateResponse, members: dict[str, Any], _field: bytes | None) -> None:
    event.started.total_steps = members["total_steps"]
    _parse(members["config"], event.started.config)


def _framed(event: mfn_pb2.SimulateResponse, members: dict[str, Any], field: bytes | None) -> None:
    frame = event.frame
    frame.step = members["step"]
    _parse(_lowered(members["statistics"]), frame.statistics)
    frame.features.update(_told(members.get("features", {})))
    for step, row, column, jump_mv in members["growth_events"]:
        frame.growth_events.add(step=step, row=row, column=column, jump_mv=jump_mv)
    if field is not None:
        described = members["field"]
        frame.field.MergeFrom(mfn_pb2.Array(shape=described["shape"], dtype=described["dtype"], data=field))
        frame.range.extend(described.get("range", ()))


def _completed(event: mfn_pb2.SimulateResponse, members: dict[str, Any], _field: bytes | None) -> None:
    result = {name: value for name, value in members["result"].items() if name != "receipt"}
    _parse(_lowered(result), event.completed.result)
    _parse(members["receipt"], event.completed.receipt)
    _parse(members["config"], event.completed.config)


def _lives(event: mfn_pb2.SimulateResponse, _members: dict[str, Any], _field: bytes | None) -> None:
    event.heartbeat.SetInParent()


_FILL = {"started": _started, "frame": _framed, "completed": _completed, "heartbeat": _lives}


def _parse(members: Any, message: Wire) -> None:
    json_format.ParseDict(_told(members), message, ignore_unknown_fields=True)


def _lowered(members: Mapping[str, Any]) -> dict[str, Any]:
    return {_wire_name(name): value for name, value in members.items()}
