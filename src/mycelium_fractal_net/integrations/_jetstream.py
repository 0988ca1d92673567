"""What source and publisher of NATS JetStream share."""

from __future__ import annotations

from typing import Any

from nats.aio.client import Client
from nats.errors import Error as NatsError
from nats.js.api import StreamConfig
from nats.js.errors import NotFoundError
from pydantic import SecretStr

from mycelium_fractal_net.integrations.protocols import ConnectionFailedError

__all__ = ["connect", "stream_of"]

_CONNECT_S = 5


async def connect(url: SecretStr, credentials: str | None) -> Any:
    """Return a connection that does not hide a lost server: whoever uses it opens a new one.

    Raises
    ------
    ConnectionFailedError
        When there is no server, or it does not let this client in.
    """

    async def quiet(_error: Exception) -> None:
        return  # who waits for an answer is told

    client = Client()
    try:
        await client.connect(
            url.get_secret_value(),
            connect_timeout=_CONNECT_S,
            allow_reconnect=False,
            error_cb=quiet,
            user_credentials=credentials,
        )
    except (NatsError, OSError, TimeoutError) as error:
        await client.close()
        raise ConnectionFailedError(f"NATS: {type(error).__name__}: {error}") from error
    return client


async def stream_of(jetstream: Any, subject: str, stream: str | None) -> str:
    """Return the name of the stream that keeps a subject; make one, on disk, where there is none."""
    if stream is not None:
        try:
            await jetstream.stream_info(stream)
        except NotFoundError:
            await jetstream.add_stream(StreamConfig(name=stream, subjects=[subject]))
        return stream
    try:
        return str(await jetstream.find_stream_name_by_subject(subject))
    except NotFoundError:
        name = "".join(character if character.isalnum() else "_" for character in subject)
        await jetstream.add_stream(StreamConfig(name=name, subjects=[subject]))
        return name
