"""MQTT as a sink: quality of service 1."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import Any

from aiomqtt import MqttError
from pydantic import Field, PrivateAttr, SecretStr

from mycelium_fractal_net.integrations._mqtt import connected, properties_of
from mycelium_fractal_net.integrations.messages import Event
from mycelium_fractal_net.integrations.protocols import ConnectionFailedError, Connector

__all__ = ["MqttPublisher"]

_CONFIRM_S = 30.0


class MqttPublisher(Connector):
    """Publish to a topic. The broker confirms that it has the event, and keeps it for the sessions that subscribe.

    Where no session subscribes the event is gone, as MQTT has it; ``retain`` keeps the newest one.
    """

    url: SecretStr = Field(description="mqtt:// or mqtts://, with user and password if there are any.")
    topic: str = Field("mfn/results", min_length=1, description="Topic of the events.")
    retain: bool = Field(False, description="Whether the broker keeps the newest event for later subscribers.")
    _client: Any = PrivateAttr(None)
    _opening: asyncio.Lock = PrivateAttr(default_factory=asyncio.Lock)

    async def publish(self, event: Event) -> None:
        """Return when the broker has confirmed."""
        headers = {**event.headers(""), **({"mfn-key": event.key} if event.key else {})}
        properties = properties_of(headers, "application/cloudevents+json")
        async with self._opening:
            if self._client is None:
                self._client = await connected(self.url, None, 0)
        try:
            await self._client.publish(
                self.topic, event.structured(), qos=1, retain=self.retain, properties=properties, timeout=_CONFIRM_S
            )
        except MqttError as error:
            raise ConnectionFailedError(f"MQTT: {error}") from error

    async def close(self) -> None:
        """Let go of the connection."""
        if self._client is not None:
            with suppress(MqttError):
                await self._client.__aexit__(None, None, None)
