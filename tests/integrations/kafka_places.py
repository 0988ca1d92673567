"""Two brokers that speak Kafka's protocol: one from a wheel that keeps messages on disk, and the mock of librdkafka."""

from __future__ import annotations

import asyncio
import atexit
import importlib.util
import json
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import ClassVar

import pytest

from tests.integrations.place import Place, free_port, wait_for


def noida_command(directory: Path, port: int) -> list[str]:
    """Return what starts a broker of Noida that keeps its messages in a directory."""
    specification = importlib.util.find_spec("noida_db")
    if specification is None or specification.origin is None:
        pytest.skip("noida-db is not installed")
    program = Path(specification.origin).parent / "noida-db"
    return [str(program), "start", "--data-dir", str(directory), "--only", "kafka", "--kafka-port", str(port)]


class Noida:
    """A broker that speaks Kafka's protocol, from a wheel; one for all tests of a process."""

    process: ClassVar[subprocess.Popen[bytes] | None] = None
    servers: ClassVar[str] = ""

    @classmethod
    def start(cls) -> str:
        if cls.process is not None:
            return cls.servers
        directory = tempfile.mkdtemp(prefix="mfn-kafka-")
        port = free_port()
        command = noida_command(Path(directory), port)
        cls.process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        cls.servers = f"127.0.0.1:{port}"
        atexit.register(cls.stop, directory)
        wait_for(port)
        return cls.servers

    @classmethod
    def stop(cls, directory: str) -> None:
        if cls.process is not None:
            cls.process.kill()
            cls.process.wait()
            cls.process = None
        shutil.rmtree(directory, ignore_errors=True)


_MOCK = """
import sys
from confluent_kafka import Producer
producer = Producer({"bootstrap.servers": "mock", "test.mock.num.brokers": 3})
print(",".join(f"{one.host}:{one.port}" for one in producer.list_topics(timeout=60).brokers.values()), flush=True)
sys.stdin.read()
"""


class MockCluster:
    """The mock cluster of librdkafka, in a process that outlives those that are killed; one for all tests."""

    process: ClassVar[subprocess.Popen[str] | None] = None
    servers: ClassVar[str] = ""

    @classmethod
    def start(cls) -> str:
        if cls.process is None:
            command = [sys.executable, "-c", _MOCK]
            pipe = subprocess.PIPE
            cls.process = subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=subprocess.DEVNULL, text=True)
            assert cls.process.stdout is not None
            cls.servers = cls.process.stdout.readline().strip()
            atexit.register(cls.process.kill)
        return cls.servers


class KafkaPlace(Place):
    kind = "kafka"
    start_broker: ClassVar[Callable[[], str]] = Noida.start

    def __init__(self, directory: Path, servers: str | None = None) -> None:
        super().__init__(directory)
        self.servers = servers or type(self).start_broker()
        self.source |= {"servers": self.servers, "topic": f"{self.name}.jobs", "group": self.name}
        self.sink |= {"servers": self.servers, "topic": f"{self.name}.results"}
        self.found: list[bytes] = []

    async def start(self) -> None:
        from confluent_kafka import Consumer

        self.reader = Consumer({"bootstrap.servers": self.servers, "group.id": f"{self.name}-reader"}, logger=None)

    async def put(self, bodies: list[bytes], key: str = "") -> None:
        from confluent_kafka import Producer

        producer = Producer({"bootstrap.servers": self.servers, "message.max.bytes": 8 * 2**20}, logger=None)
        for body in bodies:
            producer.produce(self.source["topic"], body, key or _key_of(body))
        assert await asyncio.to_thread(producer.flush, 60) == 0

    async def events(self) -> list[bytes]:
        from confluent_kafka import OFFSET_BEGINNING, TopicPartition

        topic = self.sink["topic"]
        if not self.reader.assignment():
            there = (await asyncio.to_thread(self.reader.list_topics, topic, 10)).topics[topic].partitions
            self.reader.assign([TopicPartition(topic, number, OFFSET_BEGINNING) for number in there])
        for message in await asyncio.to_thread(self.reader.consume, 1000, 0.2):
            if message.error() is None:
                self.found.append(message.value() or b"")
        return self.found

    async def close(self) -> None:
        await asyncio.to_thread(self.reader.close)


def _key_of(body: bytes) -> str | None:
    """Return the key that a job carries: Kafka keeps the order of messages of one key only."""
    try:
        found = json.loads(body)
    except ValueError:
        return None
    return found.get("key") if isinstance(found, dict) else None


class MockKafkaPlace(KafkaPlace):
    """A cluster that forgets a member of a group that has died, as Kafka does."""

    start_broker: ClassVar[Callable[[], str]] = MockCluster.start

    def __init__(self, directory: Path) -> None:
        super().__init__(directory)
        self.source["options"] = {"session.timeout.ms": "6000"}
