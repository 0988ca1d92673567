"""MQTT as a source, for devices at the edge: quality of service 1, acknowledged after the work."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import suppress
from typing import Any

from aiomqtt import MqttError
from pydantic import Field, PrivateAttr, SecretStr

from mycelium_fractal_net.integrations._mqtt import connected
from mycelium_fractal_net.integrations.messages import Delivery
from mycelium_fractal_net.integrations.protocols import ConnectionFailedError, Connector

__all__ = ["MqttSource"]


class MqttSource(Connector):
    """Subscribe to a topic with a session that the broker keeps while the worker is away.

    The broker sends what was not acknowledged again when the session is resumed. Several workers share the jobs with a
    topic ``$share/GROUP/TOPIC`` and a client id each.
    """

    url: SecretStr = Field(description="mqtt:// or mqtts://, with user and password if there are any.")
    topic: str = Field("mfn/jobs", min_length=1, description="Topic filter of the jobs.")
    client_id: str = Field("mfn-worker", min_length=1, description="Name of the session; one for each worker.")
    session_seconds: int = Field(7 * 86400, ge=0, description="How long the broker keeps the session, in s.")
    _client: Any = PrivateAttr(None)

    async def deliveries(self) -> AsyncIterator[Delivery]:
        """Yield messages; see :class:`Source`."""
        self._client = await connected(self.url, self.client_id, self.session_seconds, manual=True)
        try:
            await self._client.subscribe(self.topic, qos=1)
            async for message in self._client.messages:
                yield self._delivery(message)
        except MqttError as error:
            raise ConnectionFailedError(f"MQTT: {error}") from error

    def _delivery(self, message: Any) -> Delivery:
        pairs = getattr(message.properties, "UserProperty", None) or []
        headers = {f"ce-{name}" if name in _ATTRIBUTES else name.lower(): value for name, value in pairs}
        client, identity, quality = self._client, message.mid, message.qos

        async def ack() -> None:
            client._client.ack(identity, quality)  # noqa: SLF001 # as in _mqtt

        return Delivery(bytes(message.payload), headers, headers.get("mfn-key", ""), ack=ack)

    async def close(self) -> None:
        """Let go of the connection; the session stays with the broker."""
        if self._client is not None:
            with suppress(MqttError):
                await self._client.__aexit__(None, None, None)


_ATTRIBUTES = frozenset({"id", "source", "type", "specversion", "subject", "partitionkey"})
