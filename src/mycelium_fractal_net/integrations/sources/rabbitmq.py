"""RabbitMQ as a source: a queue, with prefetch and acknowledgements."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

from aio_pika.exceptions import AMQPError
from pydantic import Field, PrivateAttr, SecretStr

from mycelium_fractal_net.integrations._amqp import connect, declared
from mycelium_fractal_net.integrations.messages import Delivery
from mycelium_fractal_net.integrations.protocols import ConnectionFailedError, Connector

__all__ = ["RabbitmqSource"]


class RabbitmqSource(Connector):
    """Consume a queue; where there is none, a quorum queue is declared, which is on disk and counts deliveries.

    With ``ordered`` the consumer is exclusive: a second worker waits until the first is gone, and keys keep
    their order.
    """

    url: SecretStr = Field(description="amqp:// or amqps://, with user and password.")
    queue: str = Field("mfn.jobs", min_length=1, description="Queue of the jobs.")
    prefetch: int = Field(16, ge=1, le=65535, description="Messages that the broker sends ahead.")
    ordered: bool = Field(False, description="Whether this worker alone may consume the queue.")
    _connection: Any = PrivateAttr(None)

    async def deliveries(self) -> AsyncIterator[Delivery]:
        """Yield messages; see :class:`Source`."""
        self._connection = await connect(self.url)
        try:
            await declared(self._connection, self.queue)
            channel = await self._connection.channel()
            await channel.set_qos(prefetch_count=self.prefetch)
            queue = await channel.declare_queue(self.queue, passive=True)
            async with queue.iterator(exclusive=self.ordered) as messages:
                async for message in messages:
                    yield self._delivery(message)
        except (AMQPError, OSError, RuntimeError) as error:
            raise ConnectionFailedError(f"RabbitMQ: {type(error).__name__}: {error}") from error
        raise ConnectionFailedError("RabbitMQ: the connection was closed")

    @staticmethod
    def _delivery(message: Any) -> Delivery:
        headers = {name.lower(): str(value) for name, value in (message.headers or {}).items()}
        attempt = 1 + int(headers.get("x-delivery-count", message.redelivered or 0))

        async def nack() -> None:
            await message.nack(requeue=True)

        return Delivery(message.body, headers, headers.get("mfn-key", ""), attempt, message.ack, nack)

    async def close(self) -> None:
        """Let go of the connection."""
        if self._connection is not None:
            await self._connection.close()
