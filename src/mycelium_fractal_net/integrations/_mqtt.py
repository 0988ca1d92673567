"""What source and publisher of MQTT share."""

from __future__ import annotations

import ssl
from typing import Any
from urllib.parse import unquote, urlsplit

import aiomqtt
from aiomqtt import MqttError
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from pydantic import SecretStr

from mycelium_fractal_net.errors import ConfigurationError
from mycelium_fractal_net.integrations.protocols import ConnectionFailedError

__all__ = ["connected", "properties_of"]

_PORTS = {"mqtt": 1883, "mqtts": 8883}


async def connected(url: SecretStr, identifier: str | None, session_s: int, *, manual: bool = False) -> Any:
    """Return a client of MQTT 5 that has connected, with a session that outlives it.

    Raises
    ------
    ConnectionFailedError
        When there is no broker, or it does not let this client in.
    """
    parts = urlsplit(url.get_secret_value())
    if parts.scheme not in _PORTS or not parts.hostname:
        raise ConfigurationError("url must be mqtt://HOST:PORT or mqtts://HOST:PORT")
    properties = Properties(PacketTypes.CONNECT)  # type: ignore[no-untyped-call]
    properties.SessionExpiryInterval = session_s
    client = aiomqtt.Client(
        parts.hostname,
        parts.port or _PORTS[parts.scheme],
        username=unquote(parts.username) if parts.username else None,
        password=unquote(parts.password) if parts.password else None,
        identifier=identifier,
        protocol=aiomqtt.ProtocolVersion.V5,
        clean_start=identifier is None,
        properties=properties,
        timeout=10,
        tls_context=ssl.create_default_context() if parts.scheme == "mqtts" else None,
    )
    if manual:
        client._client.manual_ack_set(True)  # noqa: SLF001 # aiomqtt offers no way to acknowledge after the work
    try:
        await client.__aenter__()
    except MqttError as error:
        raise ConnectionFailedError(f"MQTT: {error}") from None
    return client


def properties_of(user: dict[str, str], content_type: str) -> Properties:
    """Return the properties of a message."""
    properties = Properties(PacketTypes.PUBLISH)  # type: ignore[no-untyped-call]
    properties.UserProperty = list(user.items())
    properties.ContentType = content_type
    return properties
