"""The gRPC server: one more port of the same process, in the same event loop."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import grpc
from grpc_health.v1 import health_pb2, health_pb2_grpc

from mycelium_fractal_net._inputs import read_regular
from mycelium_fractal_net._proto import mfn_pb2
from mycelium_fractal_net.errors import ConfigurationError
from mycelium_fractal_net.service.core.access import OPEN, Access
from mycelium_fractal_net.service.operations import OPERATIONS
from mycelium_fractal_net.service.rpc.aggregate import Aggregations
from mycelium_fractal_net.service.rpc.connections import SPARE, trim
from mycelium_fractal_net.service.rpc.door import Door
from mycelium_fractal_net.service.rpc.health import Health
from mycelium_fractal_net.service.rpc.simulate import Simulations
from mycelium_fractal_net.service.rpc.unary import UNARY, unary
from mycelium_fractal_net.service.services import Services
from mycelium_fractal_net.service.settings import Settings

__all__ = ["SERVICE", "RpcServer", "accesses"]

SERVICE = "mfn.v1.MyceliumFractalNet"
"""Full name of the service."""

_HEALTH = "grpc.health.v1.Health"
_REFLECTION = ("grpc.reflection.v1alpha.ServerReflection", "grpc.reflection.v1.ServerReflection")
_METADATA_BYTES = 16 * 2**10
_STREAMS_A_CONNECTION = 128
_PENDING = 16_384  # calls that wait for this process to look at them; beyond, gRPC cancels anybody's
_LAST_S = 1.0
_TRIM_EVERY_S = 1.0
_SILENCE_S, _DEAF_S, _LOOK_EVERY_S = 0.5, 5.0, 0.05
_SERVING = health_pb2.HealthCheckResponse.SERVING
_NOT_SERVING = health_pb2.HealthCheckResponse.NOT_SERVING


def accesses(settings: Settings) -> Mapping[str, Access]:
    """Return what each RPC asks of its caller; what is not in it is refused."""
    streams = {"Simulate": "simulate", "Aggregate": "aggregate"}
    names = {**{name: row.operation for name, row in UNARY.items()}, **streams}
    found = {f"/{SERVICE}/{rpc}": OPERATIONS[name].access for rpc, name in names.items()}
    found |= {f"/{_HEALTH}/{rpc}": OPEN for rpc in ("Check", "Watch", "List")}
    if settings.grpc_reflection:
        found |= {f"/{service}/ServerReflectionInfo": OPEN for service in _REFLECTION}
    return found


class RpcServer:
    """Serve RPCs until told to drain.

    Parameters
    ----------
    services : Services
        Of this application.
    connections : int
        The most there may be.

    Attributes
    ----------
    port : int
        Where it listens, once it has started.
    """

    def __init__(self, services: Services, connections: int) -> None:
        self._services = services
        self._settings = services.settings
        self._most = connections
        self._health = Health()
        self._door = Door(services, accesses(self._settings))
        self._server = self._made()
        self._serving: bool | None = None
        self._draining = False
        self._trimmed = 0.0
        self.port = 0

    def _made(self) -> Any:
        services, settings = self._services, self._settings
        server = grpc.aio.server(
            interceptors=[self._door],
            options=_options(settings, self._most),
        )
        serving: dict[str, Any] = {name: unary(row, services) for name, row in UNARY.items()}
        serving |= {"Simulate": Simulations(services), "Aggregate": Aggregations(services)}
        handlers = {name: grpc.stream_stream_rpc_method_handler(serve) for name, serve in serving.items()}
        server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(SERVICE, handlers),))
        health_pb2_grpc.add_HealthServicer_to_server(self._health, server)
        if settings.grpc_reflection:
            _add_reflection(server)
        return server

    async def start(self) -> None:
        """Begin to listen.

        Raises
        ------
        ConfigurationError
            When host and port cannot be listened at, or the files of TLS cannot be read.
        """
        host = self._settings.host
        address = f"[{host}]" if ":" in host else host
        place = f"{address}:{self._settings.grpc_port}"
        try:
            credentials = _credentials(self._settings)
            if credentials is None:
                self.port = self._server.add_insecure_port(place)
            else:
                self.port = self._server.add_secure_port(place, credentials)
        except RuntimeError as error:
            raise ConfigurationError(f"cannot listen for gRPC at {place} (MFN_GRPC_PORT): {error}") from None
        await self.look()
        await self._server.start()

    async def look(self) -> None:
        """Tell those who watch its health whether calls should come here."""
        ready = self._services.ready
        if ready != self._serving and not self._draining:
            self._serving = ready
            for name in ("", SERVICE):
                await self._health.set(name, _SERVING if ready else _NOT_SERVING)
        await self._trim()

    async def _trim(self) -> None:
        """Look once a second whether too many connections are open."""
        now = asyncio.get_running_loop().time()
        if now - self._trimmed < _TRIM_EVERY_S:
            return
        self._trimmed = now
        most, of_one = self._most, self._settings.max_connections_per_address
        closed = await asyncio.to_thread(trim, self.port, most, of_one, self._services.addresses.trusted)
        if closed:
            self._services.logger.warning("connections of gRPC were closed, there were too many", connections=closed)

    async def drain(self) -> None:
        """Tell those who watch its health, and have new calls refused; those that are open go on."""
        if not self._draining:
            self._draining = True
            await self._health.enter_graceful_shutdown()

    async def stop(self) -> None:
        """End what is still open, in a moment of silence.

        gRPC cancels calls without a word that have come and are not begun when it stops: so it is not stopped while
        callers hear in words that they should go elsewhere, unless they do not listen.
        """
        await self.drain()
        loop = asyncio.get_running_loop()
        end = loop.time() + _DEAF_S
        while not self._services.at_once and loop.time() < end and loop.time() - self._door.latest < _SILENCE_S:
            await asyncio.sleep(_LOOK_EVERY_S)
        await self._server.stop(0 if self._services.at_once else _LAST_S)


def _options(settings: Settings, connections: int) -> list[tuple[str, int]]:
    """Return bounds on what a peer may make the server hold or do."""
    return [
        ("grpc.so_reuseport", 0),
        ("grpc.max_receive_message_length", settings.grpc_max_message_bytes),
        ("grpc.max_metadata_size", _METADATA_BYTES),
        ("grpc.absolute_max_metadata_size", _METADATA_BYTES),
        ("grpc.max_concurrent_streams", _STREAMS_A_CONNECTION),
        ("grpc.max_allowed_incoming_connections", connections + SPARE),
        ("grpc.server_handshake_timeout_ms", int(1e3 * settings.stall_seconds)),
        ("grpc.server.max_pending_requests", _PENDING),
        ("grpc.server.max_pending_requests_hard_limit", _PENDING),
        ("grpc.http2.bdp_probe", 0),  # else a window grows to what a connection can carry, read or not
        ("grpc.keepalive_time_ms", 30_000),
        ("grpc.keepalive_timeout_ms", 20_000),
        ("grpc.http2.max_pings_without_data", 0),
        ("grpc.http2.max_ping_strikes", 2),
        ("grpc.max_connection_idle_ms", 300_000),
    ]


def _add_reflection(server: Any) -> None:
    from grpc_reflection.v1alpha import reflection

    names = (SERVICE, _HEALTH, reflection.SERVICE_NAME)
    reflection.enable_server_reflection(names, server)
    assert mfn_pb2.DESCRIPTOR.services_by_name  # noqa: S101 # importing it put it into the pool that is shown


def _credentials(settings: Settings) -> Any:
    """Return what TLS needs, read again for each handshake, so that certificates can be renewed; None without."""
    certificate, key = settings.grpc_tls_cert_file, settings.grpc_tls_key_file
    if certificate is None or key is None:
        return None
    authority = settings.grpc_tls_client_ca_file

    def read() -> Any:
        pair = [(_content(key), _content(certificate))]
        return grpc.ssl_server_certificate_configuration(pair, None if authority is None else _content(authority))

    def again() -> Any:
        try:
            return read()
        except ConfigurationError:  # in the middle of being renewed: those of before hold
            return None

    return grpc.dynamic_ssl_server_credentials(read(), again, require_client_authentication=authority is not None)


def _content(path: Path) -> bytes:
    try:
        return read_regular(path)
    except OSError as error:
        raise ConfigurationError(f"cannot read the TLS file {path}: {error.strerror}") from None
