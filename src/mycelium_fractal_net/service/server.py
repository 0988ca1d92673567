"""The process: uvicorn around the application, and an end that loses nothing that was accepted."""

from __future__ import annotations

import asyncio
import gc
import os
import resource
import signal
import socket
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import partial
from types import FrameType
from typing import Any

import uvicorn
from fastapi import FastAPI

from mycelium_fractal_net._gil import TURN_S
from mycelium_fractal_net.errors import ConfigurationError, MissingExtraError
from mycelium_fractal_net.service.http.app import create_app
from mycelium_fractal_net.service.http.connections import Bounds, Connections
from mycelium_fractal_net.service.http.protocol import BoundedProtocol
from mycelium_fractal_net.service.http.websocket_protocol import LONGEST_MESSAGE, WebSocketProtocol
from mycelium_fractal_net.service.outbox import outbox
from mycelium_fractal_net.service.services import Services
from mycelium_fractal_net.service.settings import Settings
from mycelium_fractal_net.service.settings.machine import return_large_blocks
from mycelium_fractal_net.service.telemetry.logging import adopt_standard_logging, make_logger
from mycelium_fractal_net.service.telemetry.sink import Sink

__all__ = ["DrainingServer", "run_application", "serve"]

_BACKLOG = 2048
_TICKS_A_LOOK = 5
_FAILED_SECONDS = 10.0  # for a probe to read why
_LOOK_EVERY_S = 0.1
_OTHER_FILES = 320


class DrainingServer(uvicorn.Server):
    """Drop clients that stall, and finish what was accepted before it ends.

    The first SIGTERM or SIGINT turns readiness off and refuses new computations; running and queued ones finish.
    Then, and not before ``drain_seconds`` have passed, so that a load balancer can look away, it closes. A second
    signal, or computations that go on for longer than ``shutdown_seconds``, end it at once: computations are
    cancelled, their callers get 503, and no exporter is waited for.

    A service that failed to warm up says so to those who ask whether it is ready, for some seconds, and ends.

    Attributes
    ----------
    forced_by : int or None
        The signal that ended it at once.
    """

    def __init__(self, config: uvicorn.Config, services: Services, connections: Connections) -> None:
        super().__init__(config)
        self._services = services
        self._connections = connections
        self._drain_since: float | None = None
        self._signal: int | None = None
        self._told = False
        self.forced_by: int | None = None
        self._settled = False
        self._failed_since: float | None = None
        self._hung_up = False
        self._rpc: Any = None

    def handle_exit(self, sig: int, _frame: FrameType | None) -> None:
        """Begin to drain, or, asked again, end; nothing is logged here, the line it interrupts may hold the lock."""
        if self._drain_since is not None:
            self._force(sig)
            return
        self._drain_since, self._signal = time.monotonic(), sig
        self._services.compute.draining = self._connections.draining = True

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Handle SIGHUP too, which would end the process: it makes the service read its keys again."""
        with super().capture_signals():
            if threading.current_thread() is not threading.main_thread():
                yield
                return
            before = signal.signal(signal.SIGHUP, self._hang_up)
            try:
                yield
            finally:
                signal.signal(signal.SIGHUP, before)

    def _hang_up(self, _sig: int, _frame: FrameType | None) -> None:
        self._hung_up = True

    def _force(self, sig: int) -> None:
        self.forced_by = sig
        self.should_exit = self.force_exit = self._services.at_once = True

    async def on_tick(self, counter: int) -> bool:
        """Say whether the time to close has come; asked ten times a second."""
        if counter % _TICKS_A_LOOK == 0:
            self._drop_stalled()
            self._settle_heap()
        if self._hung_up:
            self._hung_up = False
            await asyncio.to_thread(self._services.reload)
        if self._signal is not None and not self._told:
            self._services.logger.info("draining", signal=self._signal)
            self._told = True
        await self._look_at_rpc()
        if self._drains_too_long():
            self._services.logger.warning("computations are still running after MFN_SHUTDOWN_SECONDS; stopping them")
            self._force(self._signal or signal.SIGTERM)
        if self.forced_by is not None:
            self._services.compute.abandon()
        if await super().on_tick(counter) or self._failed_long_enough() or self._services.finished:
            return True
        if self._drain_since is None:
            return False
        waited = time.monotonic() - self._drain_since
        return (
            self._services.compute.idle
            and not self._services.streams.open
            and waited >= self._services.settings.drain_seconds
        )

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Begin to listen.

        Raises
        ------
        ConfigurationError
            When host and port cannot be listened at; uvicorn would log it and exit without a word to the terminal.
        """
        await self._start_rpc()  # before a probe can hear that this instance is ready
        try:
            await super().startup(sockets)
        except (SystemExit, UnicodeError) as end:
            cause = end.__context__ if isinstance(end, SystemExit) else end
            if not isinstance(cause, OSError | UnicodeError):
                raise
            if self._rpc is not None:
                await self._rpc.stop()
            if not self.lifespan.shutdown_event.is_set():
                await self.lifespan.shutdown()
            raise ConfigurationError(
                f"cannot listen at {self.config.host}:{self.config.port}: {_reason(cause)}"
            ) from None

    async def _start_rpc(self) -> None:
        """Listen for gRPC too; a port that nobody asked for may be in use."""
        settings, logger = self._services.settings, self._services.logger
        if not settings.grpc_enabled:
            return
        wanted = "grpc_port" in settings.model_fields_set
        try:
            rpc = _rpc_server(self._services, self._connections.bounds.connections)
            await rpc.start()
        except (ConfigurationError, MissingExtraError) as error:
            if wanted:
                raise
            logger.info("gRPC is not served", reason=error.message)
            return
        self._rpc = rpc
        logger.info("gRPC is served", host=settings.host, port=rpc.port, tls=settings.grpc_tls_cert_file is not None)

    async def _look_at_rpc(self) -> None:
        if self._rpc is None:
            return
        await self._rpc.look()
        if self._drain_since is not None:
            await self._rpc.drain()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Close; the application closes too where uvicorn would not wait for it, which takes no time then."""
        self._connections.draining = True
        if self._rpc is not None:
            await self._rpc.drain()
        await self._take_backlog()
        looks = asyncio.create_task(self._keep_dropping())
        try:
            if self._rpc is not None:
                await self._rpc.stop()
            await super().shutdown(sockets)
        finally:
            looks.cancel()
        if self.force_exit and not self.lifespan.shutdown_event.is_set():
            await self.lifespan.shutdown()

    async def _take_backlog(self) -> None:
        """Stop to listen, and take in those whom the kernel has already let in: closing would reset them."""
        waiting = []
        for server in self.servers:
            listening = [socket.socket(fileno=os.dup(one.fileno())) for one in server.sockets]
            server.close()
            for one in listening:
                with one, suppress(OSError):  # no more of them
                    one.setblocking(False)
                    while True:
                        waiting.append(one.accept()[0])
        loop = asyncio.get_running_loop()
        make: Any = self.config.http_protocol_class
        for connection in waiting:
            with suppress(OSError):
                await loop.connect_accepted_socket(
                    lambda: make(
                        config=self.config, server_state=self.server_state, app_state=self.lifespan.state, _loop=loop
                    ),
                    connection,
                )

    async def _keep_dropping(self) -> None:
        while True:
            self._drop_stalled()
            await asyncio.sleep(_LOOK_EVERY_S)

    def _drains_too_long(self) -> bool:
        if self._drain_since is None or self.forced_by is not None or self._services.compute.idle:
            return False
        return time.monotonic() - self._drain_since >= self._services.settings.shutdown_seconds

    def _failed_long_enough(self) -> bool:
        if self._services.failure is None:
            return False
        self._failed_since = self._failed_since or time.monotonic()
        return time.monotonic() - self._failed_since >= _FAILED_SECONDS

    def _settle_heap(self) -> None:
        """Leave what was there from the start out of the collector's walks: nobody is served while one lasts."""
        if not self._settled and self._services.ready:
            self._settled = True
            gc.collect()
            gc.freeze()

    def _drop_stalled(self) -> None:
        now = asyncio.get_running_loop().time()
        for connection in list(self.server_state.connections):
            if isinstance(connection, BoundedProtocol | WebSocketProtocol):
                connection.drop_if_stalled(now)


def _rpc_server(services: Services, connections: int) -> Any:
    """Make the server of gRPC.

    Raises
    ------
    MissingExtraError
        Where the extra grpc is not installed.
    """
    try:
        from mycelium_fractal_net.service.rpc.server import RpcServer
    except ImportError as error:
        raise MissingExtraError.for_extra("grpc", str(error.name)) from None
    return RpcServer(services, connections)


def _reason(error: OSError | UnicodeError) -> str:
    """Say in the system's words why an address cannot be listened at; asyncio's repeat the address."""
    number = getattr(error, "errno", None) or 0
    return os.strerror(number) if number > 0 else str(getattr(error, "strerror", None) or error)


def _bounds(settings: Settings) -> Bounds:
    """Return what a client may hold open; each connection is an open file, of which a process may have so many."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    doors = 2 if settings.grpc_enabled else 1
    wanted = doors * settings.max_connections + _OTHER_FILES
    if soft < wanted:
        soft = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    return Bounds(
        stall_s=settings.stall_seconds,
        idle_s=settings.idle_seconds,
        answer_s=settings.answer_seconds,
        connections=max(1, min(settings.max_connections, (soft - _OTHER_FILES) // doors)),
        per_address=settings.max_connections_per_address,
    )


def serve(settings: Settings, log_stream: Any = None) -> None:
    """Serve until a signal ends it.

    Parameters
    ----------
    settings : Settings
        All there is to say.
    log_stream : binary file, optional
        Where log lines go; standard output by default.

    Raises
    ------
    RuntimeError
        After the end, when the kernels could not be warmed up, so that the process does not exit with 0.
    """
    return_large_blocks()
    sink = Sink(sys.stdout.buffer if log_stream is None else log_stream)
    adopt_standard_logging(make_logger(settings, sink), settings.log_level)
    run_application(create_app(settings, log_stream=sink, companion=outbox), settings, sink)


def run_application(app: FastAPI, settings: Settings, sink: Sink) -> None:
    """Serve an application until a signal ends it; see :func:`serve`."""
    sys.setswitchinterval(TURN_S)
    services: Services = app.state.services
    sink.tell = partial(services.logger.warning, "log lines were dropped: their reader is too slow")
    services.metrics.watch_log(lambda: sink.dropped)
    connections = Connections(_bounds(settings), settings.trusted_proxies)
    config = uvicorn.Config(
        app,
        host=settings.host,
        port=settings.port,
        http=partial(BoundedProtocol, connections=connections),  # type: ignore[arg-type] # it is only ever called
        ws=WebSocketProtocol,
        ws_max_size=LONGEST_MESSAGE,
        ws_per_message_deflate=False,  # it costs the event loop a hundred times what it saves
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        timeout_graceful_shutdown=settings.shutdown_seconds,
        backlog=_BACKLOG,
    )
    server = DrainingServer(config, services, connections)
    try:
        server.run()
    finally:
        sink.drain()
    if server.forced_by is not None:
        services.logger.warning("forced to exit", signal=server.forced_by)
        sink.drain()
        os._exit(128 + server.forced_by)  # a thread that does not look whether it is cancelled would be waited for
    if services.failure is not None:
        raise RuntimeError(services.failure)
