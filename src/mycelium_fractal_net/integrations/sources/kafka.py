"""Kafka as a source: a consumer group whose offsets move on when the work is done."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from functools import partial
from typing import Any

from confluent_kafka import Consumer, KafkaError, KafkaException, TopicPartition
from pydantic import Field, PrivateAttr, SecretStr

from mycelium_fractal_net.integrations._kafka import DOWN
from mycelium_fractal_net.integrations.messages import LONGEST_MESSAGE, Delivery
from mycelium_fractal_net.integrations.protocols import ConnectionFailedError, Connector

__all__ = ["KafkaSource"]

_POLL_S = 0.5


class KafkaSource(Connector):
    """Consume a topic as a member of a group, with cooperative rebalancing.

    The offset of a partition moves past a job only when it and all before it are done, so that a failed one is never
    skipped by a later commit. Jobs of one Kafka key are done in order.
    """

    servers: str = Field(min_length=1, description="bootstrap.servers, as HOST:PORT,HOST:PORT.")
    topic: str = Field("mfn.jobs", min_length=1, description="Topic of the jobs.")
    group: str = Field("mfn", min_length=1, description="Consumer group.")
    options: dict[str, SecretStr] = Field({}, description="More settings of librdkafka, such as security.protocol.")
    batch: int = Field(16, ge=1, le=1000, description="Messages fetched at a time.")
    _consumer: Any = PrivateAttr(None)
    _fault: KafkaError | None = PrivateAttr(None)
    _offsets: dict[int, _Offsets] = PrivateAttr(default_factory=dict)

    async def deliveries(self) -> AsyncIterator[Delivery]:
        """Yield messages; see :class:`Source`."""
        fixed = {
            "bootstrap.servers": self.servers,
            "group.id": self.group,
            "enable.auto.offset.store": False,
            "fetch.message.max.bytes": LONGEST_MESSAGE,
            "auto.commit.interval.ms": 500,
            "auto.offset.reset": "earliest",
            "partition.assignment.strategy": "cooperative-sticky",
        }
        given = {name: value.get_secret_value() for name, value in self.options.items()}
        try:
            self._consumer = Consumer(given | fixed, logger=None, error_cb=self._warned)
            self._consumer.subscribe([self.topic], on_revoke=self._revoked, on_lost=self._revoked)
            while True:
                for message in await asyncio.to_thread(self._consumer.consume, self.batch, _POLL_S):
                    if (fault := message.error()) is None:
                        yield self._delivery(message)
                    else:
                        self._warned(fault)
                if self._fault is not None:
                    raise ConnectionFailedError(f"Kafka: {self._fault.str()}")
        except KafkaException as error:
            raise ConnectionFailedError(f"Kafka: {error.args[0]}") from None

    def _warned(self, fault: KafkaError) -> None:
        """Keep a fault after which nothing comes any more; of the others the client recovers."""
        if fault.code() in DOWN or fault.fatal():
            self._fault = self._fault or fault

    def _revoked(self, _consumer: Any, partitions: list[TopicPartition]) -> None:
        for partition in partitions:
            self._offsets.pop(partition.partition, None)

    def _delivery(self, message: Any) -> Delivery:
        offsets = self._offsets.setdefault(message.partition(), _Offsets())
        offsets.begin(message.offset())
        headers = {name.lower(): (value or b"").decode("utf-8", "replace") for name, value in message.headers() or []}
        key = (message.key() or b"").decode("utf-8", "replace")
        ack = partial(self._acknowledge, message.partition(), offsets, message.offset())
        return Delivery(message.value() or b"", headers, key, ack=ack)

    async def _acknowledge(self, partition: int, offsets: _Offsets, offset: int) -> None:
        following = offsets.done(offset)
        if following is not None and self._offsets.get(partition) is offsets:
            self._consumer.store_offsets(offsets=[TopicPartition(self.topic, partition, following)])

    async def close(self) -> None:
        """Commit what is done, and leave the group."""
        if self._consumer is not None:
            await asyncio.to_thread(self._consumer.close)


class _Offsets:
    """Which offsets of a partition are under way."""

    def __init__(self) -> None:
        self._open: dict[int, bool] = {}

    def begin(self, offset: int) -> None:
        self._open[offset] = False

    def done(self, offset: int) -> int | None:
        """Return the offset to go on from, if it has moved."""
        self._open[offset] = True
        following = None
        for first in list(self._open):
            if not self._open[first]:
                break
            del self._open[first]
            following = first + 1
        return following
