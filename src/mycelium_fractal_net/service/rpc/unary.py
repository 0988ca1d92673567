"""RPCs of one request and one answer: an operation each."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from typing import Any, NamedTuple

from google.protobuf.message import DecodeError
from google.protobuf.message import Message as Wire

from mycelium_fractal_net._proto import mfn_pb2
from mycelium_fractal_net.service.core.errors import ServiceError
from mycelium_fractal_net.service.operations import OPERATIONS, Answer, perform
from mycelium_fractal_net.service.rpc.door import current_record
from mycelium_fractal_net.service.rpc.messages import array_of, members_of, told
from mycelium_fractal_net.service.services import Services

__all__ = ["UNARY", "Unary", "decoded", "first", "unary"]

_LONG = 2**16
_ROOM = 5  # bytes that a byte of a request becomes, as behind REST


class Unary(NamedTuple):
    """What an RPC of one answer is made of."""

    operation: str
    request: type[Wire]
    members: Callable[[Any], dict[str, Any]]
    told: Callable[[Answer], Wire]


def _of_features(request: mfn_pb2.ExtractFeaturesRequest) -> dict[str, Any]:
    members = members_of(request)
    members.pop("array", None)
    if not request.HasField("array"):
        return members
    array = array_of(request.array)
    if array.ndim not in {2, 3}:
        message = f"the array must have 2 axes (field) or 3 axes (history); got shape {array.shape}"
        detail = {"field": "array", "message": message, "value": None}
        raise ServiceError("VALIDATION_ERROR", message, details=[detail])
    return {**members, "field" if array.ndim == 2 else "history": array}


def _told_stability(answer: Answer) -> Wire:
    body: Any = answer.body
    response = mfn_pb2.StabilityResponse(jacobian=[{"values": row} for row in body.jacobian])
    if body.band is not None:
        low, high = body.band
        response.band.MergeFrom(mfn_pb2.Band(low=low, high=high))
    rest = body.model_copy()
    rest.__pydantic_fields_set__.difference_update({"jacobian", "band"})
    return told(rest, response)


UNARY: Mapping[str, Unary] = {
    "Health": Unary(
        "health", mfn_pb2.HealthRequest, members_of, lambda answer: told(_model(answer), mfn_pb2.HealthResponse())
    ),
    "Validate": Unary(
        "validate", mfn_pb2.ValidateRequest, members_of, lambda answer: told(_model(answer), mfn_pb2.ValidateResponse())
    ),
    "Nernst": Unary(
        "nernst", mfn_pb2.NernstRequest, members_of, lambda answer: told(_model(answer), mfn_pb2.NernstResponse())
    ),
    "ExtractFeatures": Unary(
        "features",
        mfn_pb2.ExtractFeaturesRequest,
        _of_features,
        lambda answer: told(_model(answer), mfn_pb2.ExtractFeaturesResponse()),
    ),
    "Stability": Unary("stability", mfn_pb2.StabilityRequest, members_of, _told_stability),
}
"""The RPCs of one answer by name."""


def _model(answer: Answer) -> Any:
    return answer.body


def unary(row: Unary, services: Services) -> Callable[[AsyncIterator[bytes], Any], Awaitable[None]]:
    """Return what serves an RPC, from bytes to bytes."""
    operation = OPERATIONS[row.operation]

    async def serve(requests: AsyncIterator[bytes], context: Any) -> None:
        content = await first(requests)

        def read() -> Any:
            members = row.members(decoded(row.request, content))
            return None if operation.request is None else operation.read(members)

        with services.memory.hold(len(content) * _ROOM):
            request = await services.read_aside(read) if len(content) > _LONG else read()
            response = await perform(
                operation, request, current_record(), services, lambda answer: row.told(answer).SerializeToString()
            )
        await context.write(response)

    return serve


async def first(requests: AsyncIterator[bytes]) -> bytes:
    """Return the first message of a client.

    Raises
    ------
    ServiceError
        BAD_REQUEST where none comes.
    """
    async for content in requests:
        return content
    raise ServiceError("BAD_REQUEST", "the call ended without a message")


def decoded(kind: type[Wire], content: bytes) -> Any:
    """Return the message that bytes are.

    Raises
    ------
    ServiceError
        BAD_REQUEST where they are none.
    """
    try:
        return kind.FromString(content)
    except DecodeError:
        raise ServiceError("BAD_REQUEST", f"these bytes are not a {kind.DESCRIPTOR.full_name}; see mfn.proto") from None
