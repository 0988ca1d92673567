"""What source and publisher of RabbitMQ share."""

from __future__ import annotations

from typing import Any

import aio_pika
from aio_pika.exceptions import AMQPError, ChannelNotFoundEntity
from pydantic import SecretStr

from mycelium_fractal_net.integrations.protocols import ConnectionFailedError

__all__ = ["connect", "declared"]

_CONNECT_S = 10


async def connect(url: SecretStr) -> Any:
    """Return a connection that does not hide a lost broker: whoever uses it opens a new one.

    Raises
    ------
    ConnectionFailedError
        When there is no broker, or it does not let this client in.
    """
    try:
        return await aio_pika.connect(url.get_secret_value(), timeout=_CONNECT_S)
    except (AMQPError, OSError, TimeoutError) as error:
        raise ConnectionFailedError(f"RabbitMQ: {type(error).__name__}: {error}") from error


async def declared(connection: Any, name: str) -> Any:
    """Return a queue, as it is declared already, or as a new durable quorum queue."""
    try:
        async with connection.channel() as probe:
            return await probe.declare_queue(name, passive=True)
    except ChannelNotFoundEntity:
        async with connection.channel() as channel:
            return await channel.declare_queue(name, durable=True, arguments={"x-queue-type": "quorum"})
