"""NATS JetStream as a source: a durable pull consumer."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

from nats.errors import Error as NatsError
from nats.errors import TimeoutError as NatsTimeoutError
from nats.js.api import AckPolicy, ConsumerConfig
from pydantic import Field, PrivateAttr, SecretStr

from mycelium_fractal_net.integrations._jetstream import connect, stream_of
from mycelium_fractal_net.integrations.messages import Delivery
from mycelium_fractal_net.integrations.protocols import ConnectionFailedError, Connector

__all__ = ["NatsSource"]

_FETCH_S = 1.0


class NatsSource(Connector):
    """Pull jobs of a subject; several workers share one durable consumer.

    What is not acknowledged within ``ack_wait_seconds`` is delivered again, after others that came later: where the
    order of a key must survive a crash, set ``ordered``, which lets one message at a time be under way.
    """

    url: SecretStr = Field(description="nats:// or tls://, with user and password or token if there are any.")
    subject: str = Field("mfn.jobs", min_length=1, description="Subject of the jobs.")
    stream: str | None = Field(None, description="Stream; by default the one that keeps the subject, or a new one.")
    durable: str = Field("mfn", min_length=1, description="Name of the consumer.")
    credentials_file: str | None = Field(None, description="File of NATS credentials (.creds).")
    ack_wait_seconds: float = Field(
        60.0, gt=0, description="Time without an acknowledgement after which a job is delivered again, in s."
    )
    batch: int = Field(8, ge=1, le=256, description="Messages fetched at a time.")
    ordered: bool = Field(False, description="Whether only one message is delivered at a time.")
    _client: Any = PrivateAttr(None)

    async def deliveries(self) -> AsyncIterator[Delivery]:
        """Yield messages; see :class:`Source`."""
        self._client = await connect(self.url, self.credentials_file)
        try:
            subscription = await self._subscribe()
            while True:
                try:
                    messages = await subscription.fetch(1 if self.ordered else self.batch, timeout=_FETCH_S)
                except NatsTimeoutError:
                    if not self._client.is_connected:
                        raise ConnectionFailedError("NATS: the server is gone") from None
                    continue
                for message in messages:
                    yield self._delivery(message)
        except NatsError as error:
            raise ConnectionFailedError(f"NATS: {type(error).__name__}: {error}") from error

    async def _subscribe(self) -> Any:
        jetstream = self._client.jetstream()
        stream = await stream_of(jetstream, self.subject, self.stream)
        config = ConsumerConfig(
            durable_name=self.durable,
            ack_policy=AckPolicy.EXPLICIT,
            ack_wait=self.ack_wait_seconds,
            filter_subject=self.subject,
            max_ack_pending=1 if self.ordered else None,
        )
        return await jetstream.pull_subscribe(self.subject, self.durable, stream=stream, config=config)

    def _delivery(self, message: Any) -> Delivery:
        headers = {name.lower(): value for name, value in (message.headers or {}).items()}

        async def ack() -> None:
            await message.ack_sync()

        async def nack() -> None:
            await message.nak()

        return Delivery(message.data, headers, headers.get("mfn-key", ""), message.metadata.num_delivered, ack, nack)

    async def close(self) -> None:
        """Let go of the connection."""
        if self._client is not None:
            await self._client.close()
