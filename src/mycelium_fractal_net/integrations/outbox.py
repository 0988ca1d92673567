"""The outbox: events are on disk before anybody is told of them, and ``sent`` only after the sink has confirmed."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import Any

from mycelium_fractal_net.integrations.link import Link, Waits
from mycelium_fractal_net.integrations.protocols import ConnectionFailedError, Publisher, PublishRefusedError
from mycelium_fractal_net.integrations.store import EventStore, StoredEvent

__all__ = ["Relay"]

_AT_ONCE = 64
_LOOK_EVERY_S = 0.5
_FORGET_EVERY_S = 600.0


class Relay:
    """Send what waits in a store, in order for each key, as often as it takes.

    Parameters
    ----------
    store : EventStore
        Where events wait.
    open_publisher : callable
        Makes a connection; called again when one is lost.
    tell : callable
        ``tell(what, **facts)`` notes ``published``, ``retried`` and ``dead``.
    keep_sent_s : float
        How long sent events are kept, in s.
    first_wait_s : float
        Wait before the second attempt; it doubles, with jitter, up to 15 s.

    Notes
    -----
    Memory is flat while the sink is away: 64 events are read at a time. One relay a store.
    """

    def __init__(
        self,
        store: EventStore,
        open_publisher: Callable[[], Publisher],
        tell: Callable[..., object],
        *,
        keep_sent_s: float = 86_400.0,
        first_wait_s: float = 0.1,
    ) -> None:
        self._store, self._link, self._tell = store, Link(open_publisher), tell
        self._keep_sent_s, self._waits = keep_sent_s, Waits(first_wait_s)
        self._woken = asyncio.Event()
        self._forgot = -_FORGET_EVERY_S

    def wake(self) -> None:
        """Say that there is something to send; from the event loop's thread."""
        self._woken.set()

    def reopen(self) -> None:
        """Open a new connection for the next event, with the credentials that are in force then."""
        self._link.stale = True

    async def run(self) -> None:
        """Send until cancelled."""
        while True:
            self._woken.clear()
            if not await self.flush():
                await asyncio.sleep(self._waits.next())
                continue
            self._waits.reset()
            try:
                await asyncio.wait_for(self._woken.wait(), _LOOK_EVERY_S)
            except TimeoutError:
                await self._forget()

    async def flush(self) -> bool:
        """Send what waits; return whether all of it was taken."""
        while batch := await asyncio.to_thread(self._store.select, "pending", 0, _AT_ONCE):
            chains: dict[str, list[StoredEvent]] = {}
            for item in batch:
                chains.setdefault(item.event.key or item.event.id, []).append(item)
            if not all(await asyncio.gather(*map(self._send_in_order, chains.values()))):
                return False
        return True

    async def _send_in_order(self, items: list[StoredEvent]) -> bool:
        for item in items:
            state: Any = "sent"
            reason = ""
            try:
                await self._link.publish(item.event)
            except PublishRefusedError as error:
                state, reason = "dead", error.message
                self._tell("dead", id=item.event.id, reason=reason)
            except ConnectionFailedError as error:
                self._tell("retried", side="outbox", reason=error.message)
                return False
            else:
                self._tell("published", type=item.event.type, id=item.event.id)
            await asyncio.to_thread(self._store.mark, item.number, state, reason)
        return True

    async def _forget(self) -> None:
        now = time.monotonic()
        if now - self._forgot >= _FORGET_EVERY_S:
            self._forgot = now
            await asyncio.to_thread(self._store.forget, time.time() - self._keep_sent_s)

    async def close(self) -> None:
        """Let go of the connection."""
        await self._link.close()
