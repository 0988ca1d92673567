"""gRPC: one channel for calls and streams."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Iterator, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mycelium_fractal_net.client._problems import RemoteError, error_of
from mycelium_fractal_net.client._stream import Link
from mycelium_fractal_net.errors import MFNError, MissingExtraError

__all__ = ["GrpcTransport"]

_SERVICE = "/mfn.v1.MyceliumFractalNet/"
_DETAILS = "grpc-status-details-bin"
_CHUNK = 64 * 2**10
_STATISTICS = {name: name.replace("_mv", "_mV") for name in ("pot_min_mv", "pot_max_mv", "pot_mean_mv", "pot_std_mv")}


class GrpcTransport:
    """Speak gRPC.

    Parameters
    ----------
    target : str
        Host and port.
    key : str or None
        Sent as x-api-key.
    timeout_s : float
        Seconds for one answer; streams have no such limit.
    credentials : grpc.ChannelCredentials, optional
        TLS; without it nothing is encrypted.
    """

    def __init__(self, target: str, key: str | None, timeout_s: float, credentials: Any = None) -> None:
        try:
            import grpc
            from google.protobuf import json_format
        except ImportError as error:
            raise MissingExtraError.for_extra("client", str(error.name)) from None
        from mycelium_fractal_net._proto import mfn_pb2

        self._wire, self._json, self._failure = mfn_pb2, json_format, grpc.aio.AioRpcError
        self._unreachable = grpc.StatusCode.UNAVAILABLE
        self._metadata = () if key is None else (("x-api-key", key),)
        self._timeout_s = timeout_s
        options = [("grpc.max_receive_message_length", -1)]
        self._channel = (
            grpc.aio.insecure_channel(target, options)
            if credentials is None
            else grpc.aio.secure_channel(target, credentials, options)
        )

    async def stream(
        self,
        start: Mapping[str, Any],
        link: Link,  # noqa: ARG002 # a call takes one request
    ) -> AsyncGenerator[tuple[dict[str, Any], bytes | None]]:
        """Yield the events of one call as the messages that a WebSocket would bring."""
        request = self._json.ParseDict(_without_none(start), self._wire.SimulateRequest())
        call = self._rpc("unary_stream", "Simulate", self._wire.SimulateResponse)(request, metadata=self._metadata)
        try:
            async for event in call:
                if event.WhichOneof("event") != "heartbeat":
                    yield self._message(event)
        except self._failure as error:
            raise self._refusal(error) from None
        finally:
            call.cancel()

    async def features(self, array: NDArray[Any], periodic: bool) -> dict[str, Any]:
        """Return the features of a field or a history."""
        values = np.ascontiguousarray(array, dtype="<f8")
        request = self._wire.ExtractFeaturesRequest(
            array={"shape": values.shape, "dtype": "float64", "data": values.tobytes()}, periodic=periodic
        )
        return dict((await self._unary("ExtractFeatures", request, self._wire.ExtractFeaturesResponse)).features)

    async def nernst(self, members: Mapping[str, Any]) -> float:
        """Return the potential of an ion in mV."""
        request = self._json.ParseDict(_without_none(members), self._wire.NernstRequest())
        return float((await self._unary("Nernst", request, self._wire.NernstResponse)).potential_mv)

    async def aggregate(self, gradients: NDArray[Any], members: Mapping[str, Any]) -> dict[str, Any]:
        """Send updates in chunks, return what came of them."""
        call = self._rpc("stream_stream", "Aggregate", self._wire.AggregateResponse)(
            self._updates(np.ascontiguousarray(gradients, dtype="<f8"), members),
            metadata=self._metadata,
            timeout=self._timeout_s,
        )
        parts, result = [], None
        try:
            async for response in call:
                if response.WhichOneof("part") == "chunk":
                    parts.append(response.chunk.values)
                elif response.WhichOneof("part") == "result":
                    result = response.result
        except self._failure as error:
            raise self._refusal(error) from None
        told = self._members(result)
        told["seed"] = result.seed if result is not None and result.HasField("seed") else None
        return {**told, "aggregated_gradient": np.frombuffer(b"".join(parts), "<f8")}

    def _updates(self, gradients: NDArray[np.float64], members: Mapping[str, Any]) -> Iterator[Any]:
        start = {**_without_none(members), "length": gradients.shape[1]}
        yield self._wire.AggregateRequest(start=start)
        for number, row in enumerate(gradients):
            for place in range(0, row.size, _CHUNK):
                last = place + _CHUNK >= row.size
                chunk = {"client": str(number), "values": row[place : place + _CHUNK].tobytes(), "last": last}
                yield self._wire.AggregateRequest(chunk=chunk)

    async def close(self) -> None:
        """Close the channel."""
        await self._channel.close()

    async def _unary(self, rpc: str, request: Any, response: Any) -> Any:
        call = self._rpc("unary_unary", rpc, response)
        try:
            return await call(request, metadata=self._metadata, timeout=self._timeout_s)
        except self._failure as error:
            raise self._refusal(error) from None

    def _rpc(self, kind: str, rpc: str, response: Any) -> Any:
        return getattr(self._channel, kind)(
            _SERVICE + rpc,
            request_serializer=lambda message: message.SerializeToString(),
            response_deserializer=response.FromString,
        )

    def _members(self, message: Any) -> dict[str, Any]:
        told: dict[str, Any] = self._json.MessageToDict(
            message, preserving_proto_field_name=True, always_print_fields_with_no_presence=True
        )
        return told

    def _message(self, event: Any) -> tuple[dict[str, Any], bytes | None]:
        kind = event.WhichOneof("event")
        head = {"type": kind, "stream": event.stream, "sequence": event.sequence}
        if kind == "started":
            return {
                **head,
                "total_steps": event.started.total_steps,
                "config": self._config(event.started.config),
            }, None
        if kind == "completed":
            done = event.completed
            result = {name: getattr(done.result, name) for name in done.result.DESCRIPTOR.fields_by_name}
            receipt = {field.name: value for field, value in done.receipt.ListFields()}
            receipt.setdefault("seed", 0)
            return {**head, "result": result, "receipt": receipt, "config": self._config(done.config)}, None
        frame = event.frame
        message = {
            **head,
            "step": frame.step,
            "statistics": {told: getattr(frame.statistics, name) for name, told in _STATISTICS.items()},
            "growth_events": [(one.step, one.row, one.column, one.jump_mv) for one in frame.growth_events],
            "features": dict(frame.features) or None,
        }
        if not frame.HasField("field"):
            return message, None
        return {**message, "field": {"dtype": frame.field.dtype, "shape": list(frame.field.shape)}}, frame.field.data

    def _config(self, config: Any) -> dict[str, Any]:
        members = self._json.MessageToDict(config, preserving_proto_field_name=True)
        return {**members, "seed": config.seed}  # MessageToDict writes 64 bits as text

    def _refusal(self, error: Any) -> MFNError:
        trailing = dict(error.trailing_metadata() or ())
        found = _problem(trailing.get(_DETAILS, b""), self._wire, self._json)
        if found is None:
            unreachable = error.code() is self._unreachable
            return RemoteError(f"the call failed: {error.code().name}: {error.details()}", unreachable=unreachable)
        refusal = error_of(found)
        if "retry-after" in trailing:
            refusal.details["retry_after_s"] = int(trailing["retry-after"])
        return refusal


def _problem(content: bytes, wire: Any, json_format: Any) -> dict[str, Any] | None:
    """Return the problem in the details of a status."""
    from google.rpc import status_pb2

    problem = wire.Problem()
    for detail in status_pb2.Status.FromString(content).details:
        if detail.Unpack(problem):
            told: dict[str, Any] = json_format.MessageToDict(problem, preserving_proto_field_name=True)
            return told
    return None


def _without_none(members: Mapping[str, Any]) -> dict[str, Any]:
    found = {name: value for name, value in members.items() if value is not None and value != {}}
    return {name: _without_none(value) if isinstance(value, Mapping) else value for name, value in found.items()}
