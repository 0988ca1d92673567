"""Redis Streams as a sink: XADD, trimmed to a length."""

from __future__ import annotations

from typing import Any

from pydantic import Field, PrivateAttr, SecretStr
from redis.asyncio import Redis
from redis.exceptions import RedisError

from mycelium_fractal_net.integrations.messages import Event
from mycelium_fractal_net.integrations.protocols import ConnectionFailedError, Connector

__all__ = ["RedisPublisher"]


class RedisPublisher(Connector):
    """Add events to a stream; ``data`` is the structured CloudEvent, beside it are ``ce-id``, ``ce-type`` and the key.

    As durable as the server is told to be: with ``appendfsync everysec``, Redis's default with an append-only file, a
    crash of the machine may lose a second.
    """

    url: SecretStr = Field(description="redis:// or rediss://, with user and password if there are any.")
    stream: str = Field("mfn.results", min_length=1, description="Key of the stream.")
    max_length: int = Field(1_000_000, ge=1, description="Entries that are kept, approximately.")
    _client: Any = PrivateAttr(None)

    async def publish(self, event: Event) -> None:
        """Return when the server has answered with the entry's id."""
        if self._client is None:
            url = self.url.get_secret_value()
            self._client = Redis.from_url(url, protocol=2, socket_connect_timeout=5, socket_timeout=10)
        beside = event.headers() | ({"key": event.key} if event.key else {})
        fields: dict[Any, Any] = {"data": event.structured(), **beside}
        try:
            await self._client.xadd(self.stream, fields, maxlen=self.max_length, approximate=True)
        except RedisError as error:
            raise ConnectionFailedError(f"Redis: {error}") from error

    async def close(self) -> None:
        """Let go of the connection."""
        if self._client is not None:
            await self._client.aclose()
