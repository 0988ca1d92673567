"""Kafka alone: what the other brokers have no counterpart of."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from confluent_kafka import KafkaError, KafkaException, Producer

from mycelium_fractal_net.integrations import ConnectionFailedError, Event
from mycelium_fractal_net.integrations.publishers.kafka import KafkaPublisher
from tests.integrations.kafka_places import MockCluster

EVENT = Event("i", "net.mycelium.t.v1", "job-1", b"{}")


class Desynchronised:
    """A producer after a fault that ends it, as when a broker has forgotten the producer's sequence."""

    def __init__(self, real: Any) -> None:
        self._real, self.produced = real, False

    def produce(self, *_arguments: Any, **_options: Any) -> None:
        self.produced = True

    def poll(self, seconds: float) -> None:
        if self.produced:
            raise KafkaException(KafkaError(KafkaError.OUT_OF_ORDER_SEQUENCE_NUMBER, "desynchronised", fatal=True))
        self._real.poll(seconds)


def test_a_producer_that_ends_leaves_nobody_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    place = "mycelium_fractal_net.integrations.publishers.kafka.Producer"
    monkeypatch.setattr(place, lambda *given, **options: Desynchronised(Producer(*given, **options)))
    publisher = KafkaPublisher(servers=MockCluster.start(), topic="t")

    async def publish() -> None:
        async with asyncio.timeout(60):
            await publisher.publish(EVENT)

    with pytest.raises(ConnectionFailedError, match="desynchronised"):
        asyncio.run(publish())
