"""RabbitMQ as a sink: publisher confirms, and ``mandatory``, so that nothing is routed nowhere."""

from __future__ import annotations

import asyncio
from typing import Any

import aio_pika
from aio_pika.exceptions import AMQPError
from pydantic import Field, PrivateAttr, SecretStr

from mycelium_fractal_net.integrations._amqp import connect, declared
from mycelium_fractal_net.integrations.messages import Event
from mycelium_fractal_net.integrations.protocols import ConnectionFailedError, Connector

__all__ = ["RabbitmqPublisher"]

_CONFIRM_S = 30


class RabbitmqPublisher(Connector):
    """Publish persistent messages to an exchange, or to a queue, which is declared where it is not there."""

    url: SecretStr = Field(description="amqp:// or amqps://, with user and password.")
    queue: str | None = Field(None, min_length=1, description="Queue; by default mfn.results, if no exchange is given.")
    exchange: str = Field("", description="Exchange, which must exist; by default the broker's default exchange.")
    routing_key: str | None = Field(
        None, description="Routing key; by default the queue, or with an exchange the event's type."
    )
    _connection: Any = PrivateAttr(None)
    _exchange: Any = PrivateAttr(None)
    _opening: asyncio.Lock = PrivateAttr(default_factory=asyncio.Lock)

    async def publish(self, event: Event) -> None:
        """Return when the broker has confirmed."""
        message = aio_pika.Message(
            event.structured(),
            headers={**event.headers("cloudEvents_"), **({"mfn-key": event.key} if event.key else {})},
            content_type="application/cloudevents+json",
            message_id=event.id,
            type=event.type,
            correlation_id=event.subject,
            delivery_mode=aio_pika.DeliveryMode.PERSISTENT,
        )
        try:
            await self._open()
            await self._exchange.publish(message, self._route(event), mandatory=True, timeout=_CONFIRM_S)
        except (AMQPError, OSError, TimeoutError, RuntimeError) as error:
            raise ConnectionFailedError(f"RabbitMQ: {type(error).__name__}: {error}") from error

    @property
    def _queue(self) -> str | None:
        return self.queue if self.queue or self.exchange else "mfn.results"

    def _route(self, event: Event) -> str:
        return self.routing_key or self._queue or event.type

    async def _open(self) -> None:
        async with self._opening:
            if self._exchange is not None:
                return
            self._connection = await connect(self.url)
            if self._queue:
                await declared(self._connection, self._queue)
            channel = await self._connection.channel(publisher_confirms=True, on_return_raises=True)
            self._exchange = await channel.get_exchange(self.exchange) if self.exchange else channel.default_exchange

    async def close(self) -> None:
        """Let go of the connection."""
        if self._connection is not None:
            await self._connection.close()
