"""Kafka as a sink: an idempotent producer, confirmed by the delivery report."""

from __future__ import annotations

import asyncio
import threading
from typing import Any

from confluent_kafka import KafkaError, KafkaException, Producer
from pydantic import Field, PrivateAttr, SecretStr

from mycelium_fractal_net.integrations._kafka import DOWN
from mycelium_fractal_net.integrations.messages import LONGEST_MESSAGE, Event
from mycelium_fractal_net.integrations.protocols import ConnectionFailedError, Connector, PublishRefusedError

__all__ = ["KafkaPublisher"]

_CONFIRM_MS = 30_000
_POLL_S = 0.1
_FINAL = frozenset({KafkaError.MSG_SIZE_TOO_LARGE, KafkaError.INVALID_MSG_SIZE})


class KafkaPublisher(Connector):
    """Produce to a topic; events of one key, or of one job, go to one partition."""

    servers: str = Field(min_length=1, description="bootstrap.servers, as HOST:PORT,HOST:PORT.")
    topic: str = Field("mfn.results", min_length=1, description="Topic of the events.")
    options: dict[str, SecretStr] = Field({}, description="More settings of librdkafka, such as security.protocol.")
    _producer: Any = PrivateAttr(None)
    _closing: threading.Event = PrivateAttr(default_factory=threading.Event)
    _thread: threading.Thread | None = PrivateAttr(None)
    _waiting: set[asyncio.Future[None]] = PrivateAttr(default_factory=set)

    async def publish(self, event: Event) -> None:
        """Return when the brokers' delivery report has come."""
        loop = asyncio.get_running_loop()
        done: asyncio.Future[None] = loop.create_future()
        self._waiting.add(done)
        done.add_done_callback(self._waiting.discard)

        def reported(fault: KafkaError | None, _message: Any) -> None:
            loop.call_soon_threadsafe(_settle, done, fault)

        headers = [("ce_id", event.id), ("ce_type", event.type), ("content-type", "application/cloudevents+json")]
        if event.traceparent:
            headers.append(("traceparent", event.traceparent))
        try:
            self._open()
            key = (event.key or event.subject).encode()
            self._producer.produce(self.topic, event.structured(), key, headers=headers, on_delivery=reported)
        except (KafkaException, BufferError) as error:
            fault = error.args[0] if error.args else error
            if isinstance(fault, KafkaError) and fault.code() in _FINAL:
                raise PublishRefusedError(f"Kafka: {fault.str()}") from None
            raise ConnectionFailedError(f"Kafka: {fault}") from None
        await done

    def _open(self) -> None:
        if self._producer is not None:
            return
        fixed = {
            "bootstrap.servers": self.servers,
            "enable.idempotence": True,
            "message.max.bytes": LONGEST_MESSAGE,
            "delivery.timeout.ms": _CONFIRM_MS,
            "linger.ms": 2,
        }
        given = {name: value.get_secret_value() for name, value in self.options.items()}
        loop = asyncio.get_running_loop()

        def warned(fault: KafkaError) -> None:
            if fault.code() in DOWN:
                loop.call_soon_threadsafe(self._fail, fault)

        self._producer = Producer(given | fixed, logger=None, error_cb=warned)
        self._thread = threading.Thread(target=self._poll, args=(self._producer, loop), name="mfn-kafka", daemon=True)
        self._thread.start()

    def _poll(self, producer: Any, loop: asyncio.AbstractEventLoop) -> None:
        """Call the delivery reports, until a fault that the producer does not survive ends every wait."""
        try:
            while not self._closing.is_set():
                producer.poll(_POLL_S)
        except KafkaException as error:
            loop.call_soon_threadsafe(self._fail, error.args[0])

    def _fail(self, fault: KafkaError) -> None:
        for done in list(self._waiting):
            _settle(done, fault)

    async def close(self) -> None:
        """Let go of the connection; what was not confirmed is dropped, so that it cannot overtake its repeat."""
        self._closing.set()
        if self._thread is None:
            return
        await asyncio.to_thread(self._thread.join)
        self._producer.purge()
        self._producer = None
        self._fail(KafkaError(KafkaError._DESTROY))  # noqa: SLF001 # a name with a bar, and public


def _settle(done: asyncio.Future[None], fault: KafkaError | None) -> None:
    if done.done():
        return
    if fault is None:
        done.set_result(None)
    elif fault.code() in _FINAL:
        done.set_exception(PublishRefusedError(f"Kafka: {fault.str()}"))
    else:
        done.set_exception(ConnectionFailedError(f"Kafka: {fault.str()}"))
