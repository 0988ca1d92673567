"""NATS JetStream as a sink: the server confirms, and drops repeats by ``Nats-Msg-Id``."""

from __future__ import annotations

import asyncio
from typing import Any

from nats.errors import Error as NatsError
from nats.errors import MaxPayloadError
from nats.js.errors import NoStreamResponseError
from pydantic import Field, PrivateAttr, SecretStr

from mycelium_fractal_net.integrations._jetstream import connect, stream_of
from mycelium_fractal_net.integrations.messages import Event
from mycelium_fractal_net.integrations.protocols import ConnectionFailedError, Connector, PublishRefusedError

__all__ = ["NatsPublisher"]

_CONFIRM_S = 10.0


class NatsPublisher(Connector):
    """Publish to a subject that a stream keeps; the stream is made, on disk, where there is none."""

    url: SecretStr = Field(description="nats:// or tls://, with user and password or token if there are any.")
    subject: str = Field("mfn.results", min_length=1, description="Subject of the events.")
    stream: str | None = Field(None, description="Stream; by default the one that keeps the subject, or a new one.")
    credentials_file: str | None = Field(None, description="File of NATS credentials (.creds).")
    _client: Any = PrivateAttr(None)
    _jetstream: Any = PrivateAttr(None)
    _opening: asyncio.Lock = PrivateAttr(default_factory=asyncio.Lock)

    async def publish(self, event: Event) -> None:
        """Return when the stream has confirmed."""
        headers = {**event.headers(), "Nats-Msg-Id": event.id, "content-type": "application/cloudevents+json"}
        if event.key:
            headers["mfn-key"] = event.key
        try:
            await self._open()
            await self._confirmed(event, headers)
        except MaxPayloadError:
            text = f"the event has {len(event.structured()):,} bytes, more than this NATS server takes"
            raise PublishRefusedError(text) from None
        except NatsError as error:
            raise ConnectionFailedError(f"NATS: {type(error).__name__}: {error}") from error

    async def _open(self) -> None:
        async with self._opening:
            if self._client is None:
                self._client = await connect(self.url, self.credentials_file)
                self._jetstream = self._client.jetstream()

    async def _confirmed(self, event: Event, headers: dict[str, str]) -> None:
        content = event.structured()
        try:
            await self._jetstream.publish(self.subject, content, timeout=_CONFIRM_S, headers=headers)
        except NoStreamResponseError:
            await stream_of(self._jetstream, self.subject, self.stream)
            await self._jetstream.publish(self.subject, content, timeout=_CONFIRM_S, headers=headers)

    async def close(self) -> None:
        """Let go of the connection."""
        if self._client is not None:
            await self._client.close()
