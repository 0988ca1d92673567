"""The application factory."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager, nullcontext
from typing import Any

from fastapi import FastAPI
from starlette.routing import Route

from mycelium_fractal_net._version import __version__
from mycelium_fractal_net.service.core.errors import ServiceError
from mycelium_fractal_net.service.http.endpoint import OperationEndpoint
from mycelium_fractal_net.service.http.entry import Entry
from mycelium_fractal_net.service.http.openapi import describe
from mycelium_fractal_net.service.http.pages import docs_pages, lab_pages
from mycelium_fractal_net.service.http.routes import PAGES, PATHS, RouteTable
from mycelium_fractal_net.service.http.sse import STREAM_ACCESS, STREAM_PATH, EventStream
from mycelium_fractal_net.service.operations import OPERATIONS
from mycelium_fractal_net.service.operations.operation import check_table
from mycelium_fractal_net.service.services import Services
from mycelium_fractal_net.service.settings import Settings, load_settings, risks
from mycelium_fractal_net.service.warmup import compile_kernels

__all__ = ["Companion", "create_app"]

Companion = Callable[[Services], AbstractAsyncContextManager[object]]
"""Makes what runs beside an application; it has the application's services."""

_TELEMETRY_OF_OUR_OWN: Any = {"tracing": False, "metrics": False, "logs": False, "auto_configure": False}


class _Application(FastAPI):
    """FastAPI behind the entry, which stands before all else; of its own it has the pages that show the description."""

    def build_middleware_stack(self) -> Any:
        """Return what every request goes through."""
        return self.state.entry


def create_app(
    settings: Settings | None = None,
    *,
    log_stream: Any = None,
    span_exporter: Any = None,
    paths: Mapping[tuple[str, str], str] = PATHS,
    companion: Companion | None = None,
) -> FastAPI:
    """Make an application; each has its own keys, limits, threads, metrics and logs.

    Parameters
    ----------
    settings : Settings, optional
        By default those of the environment, see :func:`load_settings`.
    log_stream : binary file, optional
        Where log lines go; standard output by default.
    span_exporter : opentelemetry.sdk.trace.export.SpanExporter, optional
        Where spans go in place of the collector, if tracing is enabled.
    paths : mapping
        What is served; streams too if it is everything.
    companion : callable, optional
        Makes what runs beside the application, from its start to its end.

    Raises
    ------
    ConfigurationError
        When settings or key file are not usable, or something that can be called does not say who may call it.
    """
    check_table(OPERATIONS)
    services = Services(load_settings() if settings is None else settings, log_stream, span_exporter)
    shows_docs = services.settings.docs_enabled
    app = _Application(
        title="MyceliumFractalNet",
        version=__version__,
        lifespan=_lifespan,
        docs_url=None,
        redoc_url=None,
        openapi_url="/openapi.json" if shows_docs else None,
        redirect_slashes=False,
        telemetry=_TELEMETRY_OF_OUR_OWN,
    )
    app.state.services = services
    app.state.companion = companion
    accesses = dict(PAGES)
    for (method, path), name in paths.items():
        operation = OPERATIONS[name]
        if name != "metrics" or services.settings.metrics_enabled:
            app.router.routes.append(Route(path, OperationEndpoint(operation, services), methods=[method]))
            accesses[path] = operation.access
    if paths is PATHS:
        stream = Route(STREAM_PATH, EventStream(services), methods=["GET", "POST"])
        stream.methods = {"GET", "POST"}  # a head of it would compute all of it
        app.router.routes.append(stream)
        accesses[STREAM_PATH] = STREAM_ACCESS
        for page, access in (*lab_pages(services.settings), *(docs_pages() if shows_docs else ())):
            app.router.routes.append(page)
            accesses[page.path] = access
    app.openapi = describe  # type: ignore[method-assign] # FastAPI documents this way
    app.state.entry = Entry(app.router, RouteTable(app.routes, accesses), services)
    return app


@asynccontextmanager
async def _lifespan(app: FastAPI) -> AsyncIterator[None]:
    services: Services = app.state.services
    services.warm = not services.settings.warmup
    warming = asyncio.create_task(_warm_up(services)) if services.settings.warmup else None
    services.compute.start()
    for line in risks(services.settings):
        services.logger.warning(line)
    services.follow_secrets()
    services.logger.info("started", threads=services.compute.threads)
    companion: Companion | None = app.state.companion
    try:
        async with nullcontext() if companion is None else companion(services):
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
        await services.compute.run(compile_kernels, key="warm-up", bounded=False)
    except ServiceError:
        return  # the service ends before it was ready
    except Exception as error:  # nobody waits for this task: what went wrong would never be told
        services.failure = f"warm-up failed: {type(error).__name__}: {error}"
        services.logger.exception("warm-up failed, shutting down")
        return
    services.warm = True
