"""Tickets: what stands for a key where no header can be sent, for a moment and one purpose."""

from __future__ import annotations

import base64
import hmac
import json
import secrets
import time
from collections.abc import Awaitable, Callable
from typing import Any

from mycelium_fractal_net.service.core.errors import ServiceError
from mycelium_fractal_net.service.core.keys import Key, KeyRing

__all__ = ["TICKET_S", "Tickets"]

TICKET_S = 30
"""Seconds in which a ticket that is used once has to be used."""

_LONGEST = 1_000
_MARK_BYTES = 32

Once = Callable[[str], Awaitable[bool]]
"""``once(name)`` tells whether nobody has asked for that name within the last minute."""


class Tickets:
    """Signed tickets: every process that has the same keys can check them, and none has to remember them.

    Parameters
    ----------
    keys : callable
        Returns the keys in force, whose secret signs.
    once : callable
        See :data:`Once`; where it is shared between processes, so is the knowledge which tickets are used.
    stream_s : float
        Seconds for which a ticket that is bound to a stream can be shown again, by a browser that reconnects.
    clock : callable
        Seconds since the epoch.
    """

    def __init__(
        self, keys: Callable[[], KeyRing], once: Once, stream_s: float = 3600.0, clock: Callable[[], float] = time.time
    ) -> None:
        self._keys, self._once, self._stream_s, self._clock = keys, once, stream_s, clock

    def issue(self, key: Key | None, operation: str, stream: str | None = None) -> str:
        """Return a ticket that nobody can guess or change."""
        lasts_s = TICKET_S if stream is None else self._stream_s
        facts = {
            "key": None if key is None else key.id,
            "operation": operation,
            "stream": stream,
            "ends": int(self._clock() + lasts_s),
            "mark": secrets.token_hex(16),
        }
        text = json.dumps(facts, separators=(",", ":")).encode()
        return base64.urlsafe_b64encode(self._signature(text) + text).decode()

    async def redeem(self, ticket: str, operation: str, stream: str | None = None) -> Key | None:
        """Return the key that a ticket stands for; one that is bound to a stream can be shown again for that.

        Raises
        ------
        ServiceError
            INVALID_API_KEY for one that is forged, used, too old, or for something else, and where its key is revoked.
        """
        facts = self._read(ticket)
        fits = facts is not None and facts["operation"] == operation and facts["stream"] in {None, stream}
        if facts is None or not fits or facts["ends"] < self._clock():
            raise _refusal()
        key = None if facts["key"] is None else self._keys().named(facts["key"])
        if (facts["key"] is not None and key is None) or (
            facts["stream"] is None and not await self._once(f"ticket:{facts['mark']}")
        ):
            raise _refusal()
        return key

    def _read(self, ticket: str) -> dict[str, Any] | None:
        """Return what a ticket says, None where this deployment did not sign it."""
        try:
            content = base64.b64decode(ticket[:_LONGEST].encode(), altchars=b"-_", validate=True)
        except ValueError:
            return None
        signature, text = content[:_MARK_BYTES], content[_MARK_BYTES:]
        if not hmac.compare_digest(signature, self._signature(text)):
            return None
        facts: dict[str, Any] = json.loads(text)
        return facts

    def _signature(self, text: bytes) -> bytes:
        return hmac.digest(self._keys().signing_secret, text, "sha256")


def _refusal() -> ServiceError:
    return ServiceError(
        "INVALID_API_KEY",
        "the ticket has been used, has expired, or is for something else; get a new one from POST /tickets",
    )
