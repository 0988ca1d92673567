"""A caller of the gRPC port, as another program would write one."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import grpc
from google.rpc import error_details_pb2, status_pb2

from mycelium_fractal_net._proto import mfn_pb2
from tests.service.helpers import KEY, Server, free_port, running

SERVICE = "mfn.v1.MyceliumFractalNet"
METADATA = (("x-api-key", KEY),)


DETAILS = "grpc-status-details-bin"


class Caller:
    """Calls RPCs over one channel."""

    def __init__(self, place: str, metadata: Any = METADATA, credentials: Any = None) -> None:
        self.metadata = metadata
        self.channel = grpc.insecure_channel(place) if credentials is None else grpc.secure_channel(place, credentials)

    def unary(self, rpc: str, request: Any, response: Any, **options: Any) -> Any:
        return self._made(self.channel.unary_unary, rpc, response)(request, **self._with(options))

    def simulate(self, **options: Any) -> Any:
        metadata = {name: options.pop(name) for name in ("metadata", "timeout") if name in options}
        call = self._made(self.channel.unary_stream, "Simulate", mfn_pb2.SimulateResponse)
        return call(mfn_pb2.SimulateRequest(**options), **self._with(metadata))

    def aggregate(self, requests: Iterable[mfn_pb2.AggregateRequest], **options: Any) -> Any:
        call = self._made(self.channel.stream_stream, "Aggregate", mfn_pb2.AggregateResponse)
        return call(iter(requests), **self._with(options))

    def _made(self, kind: Any, rpc: str, response: Any) -> Any:
        path = rpc if rpc.startswith("/") else f"/{SERVICE}/{rpc}"
        return kind(path, request_serializer=_written, response_deserializer=response.FromString)

    def _with(self, options: Any) -> Any:
        return {"metadata": self.metadata, "timeout": 300, **options}


def _written(message: Any) -> bytes:
    return bytes(message.SerializeToString()) if hasattr(message, "SerializeToString") else message


def details_of(trailing: Any) -> dict[str, Any]:
    """Return the details of an error, by their kind, from its trailing metadata."""
    status = status_pb2.Status.FromString(dict(trailing)[DETAILS])
    kinds = {
        kind.DESCRIPTOR.full_name: kind
        for kind in (
            error_details_pb2.ErrorInfo,
            error_details_pb2.BadRequest,
            error_details_pb2.RetryInfo,
            mfn_pb2.Problem,
        )
    }
    found = {}
    for detail in status.details:
        kind = kinds[detail.TypeName()]
        found[kind.__name__] = kind.FromString(detail.value)
    return found


@contextmanager
def grpc_server(directory: Path, **environment: str) -> Iterator[tuple[Server, str]]:
    """Serve, and say where gRPC is."""
    port = free_port()
    settings = {"WARMUP": "false", "RATE_LIMIT_ENABLED": "false", "GRPC_PORT": str(port), **environment}
    with running(directory, **settings) as server:
        yield server, f"127.0.0.1:{port}"
