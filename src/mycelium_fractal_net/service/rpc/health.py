"""gRPC's health service, whose watchers do not depend on each other."""

from __future__ import annotations

import asyncio
from typing import Any

from grpc_health.v1 import health, health_pb2

__all__ = ["Health"]


class Health(health.aio.HealthServicer):  # type: ignore[misc] # grpc carries no types
    """Tell whether calls should come here.

    Notes
    -----
    In grpcio-health-checking 1.81 the first watcher of a name that leaves takes along the condition that all others
    wait for: they never hear of a change, nor that the service drains.
    """

    def __init__(self) -> None:
        super().__init__()
        self._changed = asyncio.Event()

    async def Watch(self, request: Any, context: Any) -> None:  # noqa: N802 # gRPC's name
        """Tell the status of a name, and each that follows."""
        told = None
        while True:
            changed = self._changed
            status = self._server_status.get(request.service, health_pb2.HealthCheckResponse.SERVICE_UNKNOWN)
            if status != told:
                await context.write(health_pb2.HealthCheckResponse(status=status))
                told = status
            await changed.wait()

    async def _set(self, service: str, status: Any) -> None:
        self._server_status[service] = status
        changed, self._changed = self._changed, asyncio.Event()
        changed.set()
