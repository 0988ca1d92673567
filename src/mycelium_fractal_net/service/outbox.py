"""Events of what the service computes, through an outbox: never in a request's way."""

from __future__ import annotations

import asyncio
import hashlib
import queue
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from typing import Any

from mycelium_fractal_net.integrations.messages import EVENT_TYPES, Event, event_id
from mycelium_fractal_net.integrations.outbox import Relay
from mycelium_fractal_net.integrations.registry import make_publisher
from mycelium_fractal_net.integrations.secrets.references import SECRETS
from mycelium_fractal_net.integrations.store import EventStore
from mycelium_fractal_net.service.core.record import RequestRecord
from mycelium_fractal_net.service.services import Services
from mycelium_fractal_net.service.telemetry.work import WorkMetrics

__all__ = ["Outbox", "outbox"]

_MOST_WAITING = 1000
_END: Any = None


class Outbox:
    """Write events to the store in a thread, and let a relay send them.

    An event that finds a thousand others unwritten is dropped and counted: the disk is slower than the requests.
    """

    def __init__(self, store: EventStore, metrics: WorkMetrics, relay: Relay | None) -> None:
        self._store, self._metrics, self._relay = store, metrics, relay
        self._waiting: queue.Queue[Event] = queue.Queue(_MOST_WAITING)
        self._loop = asyncio.get_running_loop()
        self._thread = threading.Thread(target=self._write, name="mfn-outbox", daemon=True)
        self._thread.start()

    def note(self, operation: str, record: RequestRecord, content: bytes, receipt: bytes) -> None:
        """Keep the event of an answer, whose subject is the request's id; returns at once."""
        kind = EVENT_TYPES.get(operation)
        if kind is None:
            return
        subject = record.call.request_id
        identity = event_id(subject, kind, receipt or hashlib.sha256(content).digest())
        try:
            self._waiting.put_nowait(Event(identity, kind, subject, content, "", record.traceparent or ""))
        except queue.Full:
            self._metrics.happened(
                "dead",
                code="OUTBOX_FULL",
                reason="the queue of events to store is full: the disk is slower than the requests",
            )

    def _write(self) -> None:
        while (event := self._waiting.get()) is not _END:
            try:
                self._store.add(event)
            except Exception as error:  # noqa: BLE001 # a full disk must not end the thread
                self._metrics.happened("dead", code="OUTBOX_FAILED", reason=f"{type(error).__name__}: {error}")
            if self._relay is not None:
                self._loop.call_soon_threadsafe(self._relay.wake)

    def finish(self) -> None:
        """Write what is left."""
        self._waiting.put(_END)
        self._thread.join()


@asynccontextmanager
async def outbox(services: Services) -> AsyncIterator[None]:
    """Run the outbox beside an application, if the settings ask for one."""
    settings = services.settings
    if settings.events_store is None:
        yield
        return
    store = EventStore(settings.events_store, durable=False)
    metrics = WorkMetrics(services.metrics.registry, services.logger)
    services.metrics.watch_store(store)
    options = settings.events_publisher
    relay = None if options is None else Relay(store, partial(_publisher, options, settings.env), metrics.happened)
    sending = None if relay is None else asyncio.create_task(relay.run())
    services.outbox = box = Outbox(store, metrics, relay)
    try:
        yield
    finally:
        await asyncio.to_thread(box.finish)
        if relay is not None and sending is not None:
            sending.cancel()
            await asyncio.gather(sending, return_exceptions=True)
            await relay.close()
        services.metrics.watch_store(None)
        store.close()


def _publisher(options: dict[str, Any], env: str) -> Any:
    resolved = SECRETS.resolved(options)
    if resolved.get("kind") in {"webhook", "http"}:
        resolved = {"dev": env == "dev", **resolved}
    return make_publisher(resolved)
