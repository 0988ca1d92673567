"""Redis Streams as a source: a consumer group, and messages of consumers that died."""

from __future__ import annotations

import socket
import uuid
from collections.abc import AsyncIterator
from functools import partial
from typing import Any

from pydantic import Field, PrivateAttr, SecretStr
from redis.asyncio import Redis
from redis.exceptions import RedisError, ResponseError

from mycelium_fractal_net.integrations.messages import Delivery
from mycelium_fractal_net.integrations.protocols import ConnectionFailedError, Connector

__all__ = ["RedisSource"]

_BODY = b"data"
_BLOCK_MS = 1000


class RedisSource(Connector):
    """Read a stream as a member of a consumer group.

    What this consumer had fetched before it died comes first, in order; what another consumer left unacknowledged for
    ``claim_after_seconds`` comes when there is nothing new.
    """

    url: SecretStr = Field(description="redis:// or rediss://, with user and password if there are any.")
    stream: str = Field("mfn.jobs", min_length=1, description="Key of the stream.")
    group: str = Field("mfn", min_length=1, description="Consumer group; created if it does not exist.")
    consumer: str = Field(
        default_factory=lambda: f"{socket.gethostname()}-{uuid.uuid4().hex[:8]}",
        description="Name in the group; with a fixed one a worker finds its own messages again at once.",
    )
    claim_after_seconds: float = Field(
        60.0, gt=0, description="Time after which messages of other consumers are taken over, in s."
    )
    batch: int = Field(16, ge=1, le=1000, description="Messages fetched at a time.")
    _client: Any = PrivateAttr(None)

    async def deliveries(self) -> AsyncIterator[Delivery]:
        """Yield messages; see :class:`Source`."""
        url = self.url.get_secret_value()
        self._client = Redis.from_url(url, protocol=2, socket_connect_timeout=5, socket_timeout=_BLOCK_MS / 1000 + 10)
        try:
            await self._make_group()
            async for identity, fields, attempt in self._messages():
                yield self._delivery(identity, fields, attempt)
        except RedisError as error:
            raise ConnectionFailedError(f"Redis: {error}") from error

    async def _make_group(self) -> None:
        try:
            await self._client.xgroup_create(self.stream, self.group, id="0", mkstream=True)
        except ResponseError as error:
            if "BUSYGROUP" not in str(error):
                raise

    async def _messages(self) -> AsyncIterator[tuple[bytes, dict[bytes, bytes], int]]:
        """Yield what is left of an earlier life, then what is new, and what others left when there is nothing new."""
        last: bytes | str = "0"
        while batch := await self._read(last, block=None):
            last = batch[-1][0]
            for identity, fields in batch:
                yield identity, fields, await self._attempts(identity)
        while True:
            batch = await self._read(">", block=_BLOCK_MS)
            for identity, fields in batch:
                yield identity, fields, 1
            if not batch:
                for identity, fields in await self._orphans():
                    yield identity, fields, await self._attempts(identity)

    async def _read(self, last: bytes | str, block: int | None) -> list[Any]:
        found = await self._client.xreadgroup(
            self.group, self.consumer, {self.stream: last}, count=self.batch, block=block
        )
        return [(identity, fields) for identity, fields in (found[0][1] if found else ()) if fields]

    async def _orphans(self) -> list[Any]:
        idle_ms = int(self.claim_after_seconds * 1000)
        answer = await self._client.xautoclaim(self.stream, self.group, self.consumer, idle_ms, "0-0", count=self.batch)
        return [(identity, fields) for identity, fields in answer[1] if fields]

    async def _attempts(self, identity: bytes) -> int:
        found = await self._client.xpending_range(self.stream, self.group, identity, identity, 1)
        return int(found[0]["times_delivered"]) if found else 1

    def _delivery(self, identity: bytes, fields: dict[bytes, bytes], attempt: int) -> Delivery:
        headers = {
            name.decode("utf-8", "replace").lower(): value.decode("utf-8", "replace")
            for name, value in fields.items()
            if name != _BODY
        }
        ack = partial(self._acknowledge, identity)
        return Delivery(fields.get(_BODY, b""), headers, headers.get("key", ""), attempt, ack)

    async def _acknowledge(self, identity: bytes) -> None:
        await self._client.xack(self.stream, self.group, identity)

    async def close(self) -> None:
        """Let go of the connection."""
        if self._client is not None:
            await self._client.aclose()
