"""A store of events as a sink: dead letters that ``mfn events list|replay`` shows and sends again."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

from pydantic import Field, PrivateAttr

from mycelium_fractal_net.integrations.messages import FAILED_TYPE, Event
from mycelium_fractal_net.integrations.protocols import Connector
from mycelium_fractal_net.integrations.store import EventStore

__all__ = ["StorePublisher"]


class StorePublisher(Connector):
    """Keep events in a table of SQLite; failed jobs as ``dead``."""

    path: Path = Field(description="SQLite file.")
    _store: Any = PrivateAttr(None)

    async def publish(self, event: Event) -> None:
        """Return when the event is on disk."""
        await asyncio.to_thread(self._add, event)

    def _add(self, event: Event) -> None:
        if self._store is None:
            self._store = EventStore(self.path)
        self._store.add(event, "dead" if event.type == FAILED_TYPE else "pending")

    async def close(self) -> None:
        """Close the file."""
        if self._store is not None:
            self._store.close()
            self._store = None
