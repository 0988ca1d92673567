"""``GET /health``, ``/health/live``, ``/health/ready`` and ``/metrics``."""

from __future__ import annotations

import time
from typing import Literal

from pydantic import BaseModel, Field
from starlette.requests import Request

from mycelium_fractal_net._version import __version__
from mycelium_fractal_net.service.core.access import access
from mycelium_fractal_net.service.core.errors import ServiceError
from mycelium_fractal_net.service.http.route import Answer
from mycelium_fractal_net.service.services import services_of

__all__ = ["HealthResponse", "health", "live", "metrics", "ready"]

_EXPOSITION = b"text/plain; version=0.0.4; charset=utf-8"


class HealthResponse(BaseModel):
    """How the service is."""

    status: Literal["healthy"] = Field("healthy", description="That it answers at all.")
    version: str = Field(__version__, description="Version of the package.")
    env: str = Field(description="dev, staging or prod.")
    uptime_s: float = Field(description="Seconds since the start.")
    ready: bool = Field(description="Whether new requests should come here.")


def _health(request: Request) -> HealthResponse:
    services = services_of(request.scope)
    return HealthResponse(
        env=services.settings.env, uptime_s=round(time.monotonic() - services.began, 3), ready=services.ready
    )


@access("health", public=True)
async def health(request: Request) -> HealthResponse:
    """Tell version and state.

    Answers in milliseconds while every thread computes.
    """
    return _health(request)


@access("health", public=True)
async def live(request: Request) -> HealthResponse:
    """Answer 200 as long as the process lives.

    While it drains too.
    """
    return _health(request)


@access("health", public=True)
async def ready(request: Request) -> HealthResponse:
    """Answer 200 when requests should come here.

    503 with the reason before the kernels are compiled, when that failed, and from SIGTERM on.
    """
    answer = _health(request)
    if not answer.ready:
        reason = services_of(request.scope).unready_because
        raise ServiceError("SERVICE_UNAVAILABLE", reason, headers={"Retry-After": "1"})
    return answer


@access("metrics", "metrics")
async def metrics(request: Request) -> Answer:
    """Return the metrics in Prometheus's text format.

    Needs a key with the scope ``metrics`` unless MFN_METRICS_PUBLIC is set.
    """
    return Answer(services_of(request.scope).metrics.text(), _EXPOSITION)
