"""REST and WebSocket: one connection pool, and a connection for each stream."""

from __future__ import annotations

import io
import json
from collections.abc import AsyncGenerator, Mapping
from contextlib import suppress
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mycelium_fractal_net.client._problems import RemoteError, error_of
from mycelium_fractal_net.client._stream import Link
from mycelium_fractal_net.errors import MFNError, MissingExtraError

__all__ = ["HttpTransport"]


class HttpTransport:
    """Speak REST and WebSocket.

    Parameters
    ----------
    url : str
        ``http://`` or ``https://``, host and port.
    key : str or None
        Sent as X-API-Key.
    timeout_s : float
        Seconds for one answer.
    """

    def __init__(self, url: str, key: str | None, timeout_s: float) -> None:
        try:
            import httpx
        except ImportError:
            raise MissingExtraError.for_extra("client", "httpx") from None
        self._failure = httpx.TransportError
        self._headers = {} if key is None else {"X-API-Key": key}
        self._streams = "ws" + url.removeprefix("http").rstrip("/") + "/ws/simulate"
        self._client = httpx.AsyncClient(base_url=url, headers=self._headers, timeout=timeout_s)

    async def call(self, path: str, members: Mapping[str, Any]) -> dict[str, Any]:
        """Post members, return what was answered."""
        body = json.dumps(members).encode()
        return await self._answer(path, {}, body, "application/json")

    async def call_with_array(self, path: str, query: Mapping[str, Any], array: NDArray[Any]) -> dict[str, Any]:
        """Post an array, its parameters in the query string."""
        stream = io.BytesIO()
        np.save(stream, np.ascontiguousarray(array), allow_pickle=False)
        told = {name: json.dumps(value).strip('"') for name, value in query.items() if value is not None}
        return await self._answer(path, told, stream.getvalue(), "application/x-npy")

    async def _answer(self, path: str, query: Mapping[str, str], body: bytes, media: str) -> dict[str, Any]:
        try:
            answer = await self._client.post(path, params=query, content=body, headers={"Content-Type": media})
        except self._failure as error:
            raise RemoteError(f"the service cannot be reached: {error!r}", unreachable=True) from error
        if answer.status_code == 200:
            told: dict[str, Any] = answer.json()
            return told
        raise _refusal(answer.content, answer.status_code, answer.headers.get("retry-after"))

    async def stream(self, start: Mapping[str, Any], link: Link) -> AsyncGenerator[tuple[dict[str, Any], bytes | None]]:
        """Yield the messages of one connection, with the bytes of their fields; acknowledge each when it is taken."""
        try:
            from websockets.asyncio.client import connect
            from websockets.exceptions import ConnectionClosed, InvalidStatus, WebSocketException
        except ImportError:
            raise MissingExtraError.for_extra("client", "websockets") from None
        options: dict[str, Any] = {"additional_headers": self._headers, "subprotocols": ["mfn.v1"], "max_size": None}
        try:
            async with connect(self._streams, compression=None, **options) as socket:
                await socket.send(json.dumps({"type": "start", **start}))

                async def say(message: Mapping[str, Any]) -> None:
                    with suppress(ConnectionClosed):  # the next connection is told all of it at its start
                        await socket.send(json.dumps(message))

                link.say = say
                async for text in socket:
                    message = json.loads(text)
                    field = await socket.recv(decode=False) if "field" in message else None
                    yield message, field
                    if message["type"] in {"completed", "error"}:
                        return
                    if field is not None:
                        told = {"type": "ack", "stream": message["stream"], "sequence": message["sequence"]}
                        await socket.send(json.dumps(told))
            raise RemoteError("the service closed the stream", unreachable=True)
        except InvalidStatus as error:
            retry = error.response.headers.get("Retry-After")
            raise _refusal(bytes(error.response.body or b""), error.response.status_code, retry) from None
        except ConnectionClosed as error:
            code = error.rcvd.code if error.rcvd is not None else 1006
            final = 4400 <= code < 4500 and code not in {4408, 4429}
            raise RemoteError(f"the stream was interrupted: {error}", unreachable=not final) from None
        except (OSError, WebSocketException) as error:
            raise RemoteError(f"the service cannot be reached: {error!r}", unreachable=True) from error

    async def close(self) -> None:
        """Close the connections."""
        await self._client.aclose()


def _refusal(body: bytes, status: int, retry_after: str | None) -> MFNError:
    try:
        problem = json.loads(body)
    except ValueError:
        problem = {}
    if not isinstance(problem, dict) or "code" not in problem:  # a proxy's, then
        message = f"the service, or a proxy in front of it, answered {status}"
        error: MFNError = RemoteError(message, unreachable=status in {429, 502, 503, 504})
    else:
        error = error_of(problem)
    if retry_after is not None and retry_after.isdigit():
        error.details["retry_after_s"] = int(retry_after)
    return error
