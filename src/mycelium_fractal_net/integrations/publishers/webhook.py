"""Webhooks: a signed POST for each event, to public addresses only."""

from __future__ import annotations

import asyncio
import ipaddress
from typing import Any, Self
from urllib.parse import urlsplit

import httpx
from pydantic import Field, PrivateAttr, SecretStr, field_validator, model_validator

from mycelium_fractal_net.integrations.addresses import Network, resolve_public
from mycelium_fractal_net.integrations.messages import Event
from mycelium_fractal_net.integrations.protocols import ConnectionFailedError, Connector, PublishRefusedError
from mycelium_fractal_net.integrations.signatures import signed_headers, signing_key

__all__ = ["WebhookPublisher"]

_WHOLE_S = 5.0
_LONGEST_ANSWER = 64 * 2**10
_FINAL = frozenset({400, 404, 405, 410, 413, 415, 422})
_EVERYTHING = (ipaddress.ip_network("0.0.0.0/0"), ipaddress.ip_network("::/0"))


class WebhookPublisher(Connector):
    """POST each event as a structured CloudEvent, with ``webhook-id``, ``-timestamp`` and ``-signature``.

    The receiver's 2xx is the confirmation. 400, 404, 405, 410, 413, 415 and 422 are final; anything else, redirects
    included, is tried again. The name is resolved for every attempt, all of its addresses must be public, and the
    address that was checked is the one that is connected to.
    """

    url: SecretStr = Field(description="URL of the receiver, https://...")
    secrets: list[SecretStr] = Field(
        [], max_length=4, description="Signing secrets (whsec_...); during a rotation the new one and the old one."
    )
    headers: dict[str, SecretStr] = Field({}, description="Headers to send, such as Authorization.")
    allow_networks: list[str] = Field([], description="Private networks that may be reached, such as 10.1.0.0/16.")
    dev: bool = Field(False, description="Whether http and every address are allowed; only where MFN_ENV is dev.")
    _client: Any = PrivateAttr(None)

    @field_validator("allow_networks")
    @classmethod
    def _networks(cls, value: list[str]) -> list[str]:
        for text in value:
            ipaddress.ip_network(text)
        return value

    @model_validator(mode="after")
    def _safe(self) -> Self:
        parts = urlsplit(self.url.get_secret_value())
        if not parts.hostname or parts.scheme not in ({"http", "https"} if self.dev else {"https"}):
            raise ValueError("url must be https://HOST/...; http is allowed in dev only")
        if parts.username is not None or parts.password is not None:
            raise ValueError("url must not hold user and password; use headers")
        _ = parts.port
        for secret in self.secrets:
            signing_key(secret.get_secret_value())
        return self

    async def publish(self, event: Event) -> None:
        """Return when the receiver has answered with 2xx."""
        body = event.structured()
        keys = [signing_key(secret.get_secret_value()) for secret in self.secrets]
        headers = {"content-type": "application/cloudevents+json; charset=utf-8", "user-agent": "mfn-webhook"}
        headers |= {name: value.get_secret_value() for name, value in self.headers.items()}
        headers |= signed_headers(keys, event.id, body) if keys else {"webhook-id": event.id}
        if event.traceparent:
            headers["traceparent"] = event.traceparent
        try:
            async with asyncio.timeout(_WHOLE_S):
                status = await self._post(body, headers)
        except TimeoutError:
            raise ConnectionFailedError(f"the receiver did not answer within {_WHOLE_S:g} s") from None
        except httpx.HTTPError as error:
            raise ConnectionFailedError(f"the receiver cannot be reached: {type(error).__name__}") from None
        if 200 <= status < 300:
            return
        refused = PublishRefusedError if status in _FINAL else ConnectionFailedError
        raise refused(f"the receiver answered {status}")

    async def _post(self, body: bytes, headers: dict[str, str]) -> int:
        """Send one request to the address that was checked, and read a little of the answer."""
        url = httpx.URL(self.url.get_secret_value())
        port = url.port or (443 if url.scheme == "https" else 80)
        networks: list[Network] = [ipaddress.ip_network(text) for text in self.allow_networks]
        address = await resolve_public(url.host, port, _EVERYTHING if self.dev else networks)
        if self._client is None:
            self._client = httpx.AsyncClient(
                timeout=_WHOLE_S, follow_redirects=False, trust_env=False, limits=httpx.Limits(max_connections=64)
            )
        target = url.copy_with(host=address)
        host = url.netloc.decode("ascii")
        request = self._client.build_request(
            "POST", target, content=body, headers={**headers, "host": host}, extensions={"sni_hostname": url.host}
        )
        answer = await self._client.send(request, stream=True)
        try:
            read = 0
            async for piece in answer.aiter_raw():
                read += len(piece)
                if read > _LONGEST_ANSWER:
                    break
        finally:
            await answer.aclose()
        return int(answer.status_code)

    async def close(self) -> None:
        """Let go of connections."""
        if self._client is not None:
            await self._client.aclose()
