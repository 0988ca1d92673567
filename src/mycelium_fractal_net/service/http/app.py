"""The application factory."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from functools import partial
from typing import Any

from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import PlainTextResponse

from mycelium_fractal_net._version import __version__
from mycelium_fractal_net.service.core.access import RouteTable
from mycelium_fractal_net.service.core.errors import ServiceError
from mycelium_fractal_net.service.core.record import Journal
from mycelium_fractal_net.service.http import arrays
from mycelium_fractal_net.service.http.cors import Cors
from mycelium_fractal_net.service.http.entry import Gateway
from mycelium_fractal_net.service.http.openapi import DESCRIPTION, describe
from mycelium_fractal_net.service.http.route import JsonRoute
from mycelium_fractal_net.service.operations import features, federated, health, nernst
from mycelium_fractal_net.service.operations import simulate as simulation
from mycelium_fractal_net.service.operations import validate as validation
from mycelium_fractal_net.service.services import Services
from mycelium_fractal_net.service.settings import Settings, load_settings, risks
from mycelium_fractal_net.service.warmup import compile_kernels

__all__ = ["create_app"]

_TITLE = "MyceliumFractalNet"
_TELEMETRY_OF_OUR_OWN: Any = {"tracing": False, "metrics": False, "logs": False, "auto_configure": False}


class _Application(FastAPI):
    """FastAPI behind the gateway, which stands before all else: nothing reaches an endpoint without passing it."""

    gateway: Callable[[Any], Any]

    def build_middleware_stack(self) -> Any:
        """Return the gateway around what FastAPI builds."""
        return self.gateway(super().build_middleware_stack())


def create_app(settings: Settings | None = None, *, log_stream: Any = None, span_exporter: Any = None) -> FastAPI:
    """Make an application; each has its own keys, limits, threads, metrics and logs.

    Parameters
    ----------
    settings : Settings, optional
        By default those of the environment, see :func:`load_settings`.
    log_stream : binary file, optional
        Where log lines go; standard output by default.
    span_exporter : opentelemetry.sdk.trace.export.SpanExporter, optional
        Where spans go in place of the collector, if tracing is enabled.

    Raises
    ------
    ConfigurationError
        When settings or key file are not usable.
    """
    services = Services(load_settings() if settings is None else settings, log_stream, span_exporter)
    shows_docs = services.settings.docs_enabled
    app = _Application(
        title=_TITLE,
        version=__version__,
        description=DESCRIPTION,
        lifespan=_lifespan,
        docs_url="/docs" if shows_docs else None,
        redoc_url="/redoc" if shows_docs else None,
        openapi_url="/openapi.json" if shows_docs else None,
        redirect_slashes=False,
        telemetry=_TELEMETRY_OF_OUR_OWN,
    )
    app.state.services = services
    _add_routes(app, services.settings)
    app.openapi = lambda: describe(app)  # type: ignore[method-assign] # FastAPI documents this way
    for kind in (HTTPException, RequestValidationError):
        app.add_exception_handler(kind, _raise_again)
    routes = RouteTable(app.routes)
    app.state.journal = Journal(
        routes=routes,
        guard=services.guard,
        metrics=services.metrics,
        logger=services.logger,
        tracing=services.tracing,
    )
    app.gateway = partial(
        Gateway,
        routes=routes,
        guard=services.guard,
        cors=Cors(services.settings.cors_origins),
        metrics=services.metrics,
        journal=app.state.journal,
    )
    return app


def _add_routes(app: FastAPI, settings: Settings) -> None:
    def add(path: str, method: str, endpoint: Callable[..., Any], tag: str, **options: Any) -> None:
        summary, _, more = inspect.cleandoc(endpoint.__doc__ or "").partition("\n\n")
        app.router.add_api_route(
            path,
            endpoint,
            methods=[method],
            tags=[tag],
            summary=summary.rstrip("."),
            description=more or summary,
            response_description="Done.",
            operation_id=f"{tag}_{endpoint.__name__}",
            route_class_override=JsonRoute,
            **options,
        )

    add("/health", "GET", health.health, "health")
    add("/health/live", "GET", health.live, "health")
    add("/health/ready", "GET", health.ready, "health")
    if settings.metrics_enabled:
        text = {200: {"content": {"text/plain": {"schema": {"type": "string"}}}, "description": "Metrics."}}
        add(
            "/metrics",
            "GET",
            health.metrics,
            "health",
            responses=text,
            response_model=None,
            response_class=PlainTextResponse,
        )
    binary = {media: {"schema": {"type": "string", "format": "binary"}} for media in (arrays.NPY, arrays.ARROW)}
    field = {200: {"content": binary, "description": "The result, or its field alone."}}
    add("/simulate", "POST", simulation.run_simulation, "simulation", responses=field)
    add("/features", "POST", features.compute_field_features, "simulation")
    add("/validate", "POST", validation.run_validation, "simulation")
    add("/nernst", "POST", nernst.nernst, "biophysics")
    add("/federated/aggregate", "POST", federated.aggregate, "federated")


async def _raise_again(_request: Request, error: Exception) -> Any:
    """Let the gateway answer: there is one shape for every error."""
    raise error


@asynccontextmanager
async def _lifespan(app: FastAPI) -> AsyncIterator[None]:
    services: Services = app.state.services
    services.warm = not services.settings.warmup
    warming = asyncio.create_task(_warm_up(services)) if services.settings.warmup else None
    services.compute.start()
    for line in risks(services.settings):
        services.logger.warning(line)
    services.logger.info("started", threads=services.compute.threads)
    try:
        yield
    finally:
        services.compute.draining = True
        if warming is not None:
            warming.cancel()
        await services.close()
        services.logger.info("stopped")


async def _warm_up(services: Services) -> None:
    """Compile or load kernels before the service says it is ready."""
    try:
        await services.compute.run(compile_kernels, key="warm-up")
    except ServiceError:
        return  # the service ends before it was ready
    except Exception as error:  # nobody waits for this task: what went wrong would never be told
        services.failure = f"warm-up failed: {type(error).__name__}: {error}"
        services.logger.exception("warm-up failed, the service ends")
        return
    services.warm = True
