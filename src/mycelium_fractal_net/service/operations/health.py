"""``health``, ``live``, ``ready`` and ``metrics``: for load balancers and monitoring."""

from __future__ import annotations

import time
from typing import Literal

from pydantic import BaseModel, Field

from mycelium_fractal_net._version import __version__
from mycelium_fractal_net.service.core.access import OPEN, Access
from mycelium_fractal_net.service.core.errors import ServiceError
from mycelium_fractal_net.service.operations.operation import Answer, Context, Operation

__all__ = ["HEALTH", "LIVE", "METRICS", "READY", "HealthResponse"]


class HealthResponse(BaseModel):
    """How the service is."""

    status: Literal["healthy"] = Field(default="healthy", description="The service responds.")
    version: str = Field(default=__version__, description="Version of the package.")
    env: str = Field(description="dev, staging or prod.")
    uptime_s: float = Field(description="Seconds since the service started.")
    ready: bool = Field(description="Whether the service is ready for new requests.")


def health(request: None, context: Context) -> Answer:  # noqa: ARG001 # every operation's form
    """Tell version and state.

    Answers in milliseconds while every thread computes.
    """
    services = context.services
    uptime_s = round(time.monotonic() - services.began, 3)
    return Answer(
        HealthResponse(
            status="healthy",
            version=__version__,
            env=services.settings.env,
            uptime_s=uptime_s,
            ready=services.ready,
        )
    )


def live(request: None, context: Context) -> Answer:
    """Answer 200 as long as the process lives.

    While it drains too. Never limited.
    """
    return health(request, context)


def ready(request: None, context: Context) -> Answer:
    """Answer 200 when requests should come here.

    503 with the reason before the kernels are compiled, when that failed, and from SIGTERM on. Never limited.
    """
    if not context.services.ready:
        raise ServiceError("SERVICE_UNAVAILABLE", context.services.unready_because, retry_after_s=1)
    return health(request, context)


def metrics(request: None, context: Context) -> Answer:  # noqa: ARG001 # every operation's form
    """Return the metrics in Prometheus's text format.

    Needs a key with the scope ``metrics`` unless MFN_METRICS_PUBLIC is set.
    """
    return Answer(context.services.metrics.text())


HEALTH = Operation(
    name="health",
    tag="health",
    run=health,
    access=Access("health", public=True),
    response=HealthResponse,
    inline=True,
)
LIVE = Operation(name="live", tag="health", run=live, access=OPEN, response=HealthResponse, inline=True)
READY = Operation(
    name="ready",
    tag="health",
    run=ready,
    access=OPEN,
    response=HealthResponse,
    inline=True,
    codes=("SERVICE_UNAVAILABLE",),
)
METRICS = Operation(
    name="metrics",
    tag="health",
    run=metrics,
    access=Access("metrics", "metrics"),
    media="text/plain; version=0.0.4; charset=utf-8",
    inline=True,
)
