"""A place of each kind that jobs come from and events go to; what the tests put and read goes through other clients."""

from __future__ import annotations

import asyncio
import atexit
import importlib.util
import json
import os
import shutil
import socket
import subprocess
import tempfile
import threading
import time
import uuid
from abc import ABC, abstractmethod
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, ClassVar

import pytest

REDIS = "redis://127.0.0.1:6379/9"
NATS = "nats://127.0.0.1:4222"
RABBITMQ = "amqp://guest:guest@127.0.0.1:5672/"
MQTT = "mqtt://127.0.0.1:1883"


def require(port: int, what: str) -> None:
    """Skip where a server is not there; in CI it has to be."""
    with socket.socket() as probe:
        probe.settimeout(2)
        if probe.connect_ex(("127.0.0.1", port)) == 0:
            return
    if os.environ.get("CI"):
        pytest.fail(f"{what} does not answer at 127.0.0.1:{port}")
    pytest.skip(f"{what} does not answer at 127.0.0.1:{port}")


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def wait_for(port: int) -> None:
    """Wait until somebody listens."""
    for _ in range(1200):
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.05)
    raise RuntimeError(f"nobody listens at {port}")


class Place(ABC):
    """Options of a source and of a publisher; how to put messages, and how to read events."""

    kind: ClassVar[str]

    def __init__(self, directory: Path) -> None:
        self.name = f"t{uuid.uuid4().hex[:10]}"
        self.directory = directory
        self.source: dict[str, Any] = {"kind": self.kind}
        self.sink: dict[str, Any] = {"kind": self.kind}

    async def start(self) -> None:
        return

    @abstractmethod
    async def put(self, bodies: list[bytes], key: str = "") -> None:
        """Give jobs to the source, a message each."""

    @abstractmethod
    async def events(self) -> list[bytes]:
        """Return what the publisher has sent."""

    async def close(self) -> None:
        return


class FilePlace(Place):
    kind = "file"

    def __init__(self, directory: Path) -> None:
        super().__init__(directory)
        self.jobs = directory / "jobs"
        self.jobs.mkdir()
        self.out = directory / "results.jsonl"
        self.source |= {"directory": str(self.jobs)}
        self.sink |= {"path": str(self.out)}

    async def put(self, bodies: list[bytes], key: str = "") -> None:
        name = f"{uuid.uuid1().time:020d}"
        beside = self.jobs / f"{name}.part"
        beside.write_bytes(b"\n".join(bodies) + b"\n")
        beside.replace(self.jobs / f"{name}.jsonl")

    async def events(self) -> list[bytes]:
        found = sorted(self.directory.glob("results.jsonl.*"), key=lambda path: int(path.suffix[1:]))
        files = [*found, self.out]
        return [
            line
            for path in files
            if path.exists()
            for line in path.read_bytes().splitlines(keepends=True)
            if line.endswith(b"\n")
        ]


class RedisPlace(Place):
    kind = "redis"

    def __init__(self, directory: Path) -> None:
        require(6379, "Redis")
        super().__init__(directory)
        self.source |= {"url": REDIS, "stream": f"{self.name}.jobs", "consumer": "one", "claim_after_seconds": 0.5}
        self.sink |= {"url": REDIS, "stream": f"{self.name}.results"}

    async def start(self) -> None:
        from redis.asyncio import Redis

        self.client: Any = Redis.from_url(REDIS)

    async def put(self, bodies: list[bytes], key: str = "") -> None:
        pipe = self.client.pipeline(transaction=False)
        for body in bodies:
            pipe.xadd(self.source["stream"], {"data": body} | ({"key": key} if key else {}))
        await pipe.execute()

    async def events(self) -> list[bytes]:
        return [fields[b"data"] for _, fields in await self.client.xrange(self.sink["stream"])]

    async def close(self) -> None:
        await self.client.delete(self.source["stream"], self.sink["stream"])
        await self.client.aclose()


class NatsPlace(Place):
    kind = "nats"

    def __init__(self, directory: Path) -> None:
        require(4222, "NATS")
        super().__init__(directory)
        self.source |= {"url": NATS, "subject": f"{self.name}.jobs", "durable": "w", "ack_wait_seconds": 2}
        self.sink |= {"url": NATS, "subject": f"{self.name}.results"}

    async def start(self) -> None:
        import nats

        self.client = await nats.connect(NATS)
        self.jetstream = self.client.jetstream()
        for what in ("jobs", "results"):
            await self.jetstream.add_stream(name=f"{self.name}_{what}", subjects=[f"{self.name}.{what}"])

    async def put(self, bodies: list[bytes], key: str = "") -> None:
        headers = {"mfn-key": key} if key else None
        for body in bodies:
            await self.jetstream.publish(self.source["subject"], body, headers=headers)

    async def events(self) -> list[bytes]:
        stream = f"{self.name}_results"
        state = (await self.jetstream.stream_info(stream)).state
        found = [await self.jetstream.get_msg(stream, number) for number in range(1, state.last_seq + 1)]
        return [message.data or b"" for message in found]

    async def close(self) -> None:
        for what in ("jobs", "results"):
            await self.jetstream.delete_stream(f"{self.name}_{what}")
        await self.client.close()


class RabbitmqPlace(Place):
    kind = "rabbitmq"

    def __init__(self, directory: Path) -> None:
        require(5672, "RabbitMQ")
        super().__init__(directory)
        self.source |= {"url": RABBITMQ, "queue": f"{self.name}.jobs"}
        self.sink |= {"url": RABBITMQ, "queue": f"{self.name}.results"}
        self.found: list[bytes] = []

    async def start(self) -> None:
        import aio_pika

        self.connection = await aio_pika.connect(RABBITMQ)
        self.channel = await self.connection.channel()
        quorum: Any = {"x-queue-type": "quorum"}
        self.jobs = await self.channel.declare_queue(self.source["queue"], durable=True, arguments=quorum)
        self.results = await self.channel.declare_queue(self.sink["queue"], durable=True, arguments=quorum)

    async def put(self, bodies: list[bytes], key: str = "") -> None:
        import aio_pika

        headers: Any = {"mfn-key": key} if key else {}
        for body in bodies:
            message = aio_pika.Message(body, headers=headers, delivery_mode=aio_pika.DeliveryMode.PERSISTENT)
            await self.channel.default_exchange.publish(message, self.source["queue"])

    async def events(self) -> list[bytes]:
        while (message := await self.results.get(fail=False, no_ack=True)) is not None:
            self.found.append(message.body)
        return self.found

    async def close(self) -> None:
        for queue in (self.jobs, self.results):
            await queue.delete(if_unused=False, if_empty=False)
        await self.connection.close()


class MqttPlace(Place):
    kind = "mqtt"

    def __init__(self, directory: Path) -> None:
        require(1883, "Mosquitto")
        super().__init__(directory)
        self.source |= {"url": MQTT, "topic": f"{self.name}/jobs", "client_id": f"{self.name}-worker"}
        self.sink |= {"url": MQTT, "topic": f"{self.name}/results"}
        self.found: list[bytes] = []

    def _client(self, identifier: str) -> Any:
        from paho.mqtt.client import Client
        from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion

        return Client(CallbackAPIVersion.VERSION2, identifier, protocol=MQTTProtocolVersion.MQTTv5)

    async def start(self) -> None:
        from paho.mqtt.packettypes import PacketTypes
        from paho.mqtt.properties import Properties

        session = Properties(PacketTypes.CONNECT)  # type: ignore[no-untyped-call]
        session.SessionExpiryInterval = 600
        first = self._client(self.source["client_id"])  # the worker's session has to be there before the jobs are
        subscribed = threading.Event()
        first.on_subscribe = lambda *_: subscribed.set()
        first.connect("127.0.0.1", 1883, clean_start=False, properties=session)
        first.loop_start()
        first.subscribe(self.source["topic"], qos=1)
        assert await asyncio.to_thread(subscribed.wait, 30)
        first.disconnect()
        first.loop_stop()
        self.reader = self._client(f"{self.name}-reader")
        ready = threading.Event()
        self.reader.on_subscribe = lambda *_: ready.set()
        self.reader.on_message = lambda _client, _data, message: self.found.append(message.payload)
        self.reader.connect("127.0.0.1", 1883, clean_start=False, properties=session)
        self.reader.loop_start()
        self.reader.subscribe(self.sink["topic"], qos=1)
        assert await asyncio.to_thread(ready.wait, 30)

    async def put(self, bodies: list[bytes], key: str = "") -> None:
        from paho.mqtt.packettypes import PacketTypes
        from paho.mqtt.properties import Properties

        properties = Properties(PacketTypes.PUBLISH)  # type: ignore[no-untyped-call]
        if key:
            properties.UserProperty = [("mfn-key", key)]
        for body in bodies:
            sent = self.reader.publish(self.source["topic"], body, qos=1, properties=properties)
            await asyncio.to_thread(sent.wait_for_publish, 60)

    async def events(self) -> list[bytes]:
        return self.found

    async def close(self) -> None:
        self.reader.disconnect()
        self.reader.loop_stop()


class Noida:
    """A broker that speaks Kafka's protocol, from a wheel; one for all tests of a process."""

    process: ClassVar[subprocess.Popen[bytes] | None] = None
    servers: ClassVar[str] = ""

    @classmethod
    def start(cls) -> str:
        if cls.process is not None:
            return cls.servers
        specification = importlib.util.find_spec("noida_db")
        if specification is None or specification.origin is None:
            pytest.skip("noida-db is not installed")
        directory = tempfile.mkdtemp(prefix="mfn-kafka-")
        port = free_port()
        program = Path(specification.origin).parent / "noida-db"
        command = [str(program), "start", "--data-dir", directory, "--only", "kafka", "--kafka-port", str(port)]
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


class KafkaPlace(Place):
    kind = "kafka"

    def __init__(self, directory: Path) -> None:
        super().__init__(directory)
        self.servers = Noida.start()
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
            producer.produce(self.source["topic"], body, key or None)
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


class HttpPlace(Place):
    """An endpoint that hands out jobs in pages, and a receiver of webhooks."""

    kind = "http"

    def __init__(self, directory: Path) -> None:
        super().__init__(directory)
        self.jobs: list[Any] = []
        self.received: list[tuple[dict[str, str], bytes]] = []
        self.asked: list[tuple[str, str]] = []
        self.status = 200
        place = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                cursor = int(self.path.partition("cursor=")[2] or 0)
                tag = f'"{len(place.jobs)}"'
                place.asked.append((self.path, self.headers.get("if-none-match", "")))
                if self.headers.get("if-none-match") == tag:
                    self.answer(304, b"", tag)
                    return
                page = place.jobs[cursor : cursor + 8]
                body = json.dumps({"jobs": page, "cursor": str(cursor + len(page))}).encode()
                self.answer(200, body, tag)

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["content-length"]))
                place.received.append(({name.lower(): value for name, value in self.headers.items()}, body))
                self.answer(place.status, b"taken")

            def answer(self, status: int, body: bytes, tag: str = "") -> None:
                self.send_response(status)
                self.send_header("content-length", str(len(body)))
                if tag:
                    self.send_header("etag", tag)
                self.end_headers()
                if status != 304:
                    self.wfile.write(body)

            def log_message(self, *_: Any) -> None:
                return

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        url = f"http://127.0.0.1:{self.server.server_port}"
        self.source |= {"url": f"{url}/jobs", "cursor_file": str(directory / "cursor"), "poll_seconds": 0.1}
        self.sink |= {"url": f"{url}/hook", "secrets": ["whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"], "dev": True}

    async def start(self) -> None:
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    async def put(self, bodies: list[bytes], key: str = "") -> None:
        self.jobs += [json.loads(body) if body.startswith(b"{") else body.decode() for body in bodies]

    async def events(self) -> list[bytes]:
        return [body for _, body in self.received]

    async def close(self) -> None:
        await asyncio.to_thread(self.server.shutdown)
        self.server.server_close()


PLACES: dict[str, Callable[[Path], Place]] = {
    place.kind: place for place in (FilePlace, HttpPlace, KafkaPlace, MqttPlace, NatsPlace, RabbitmqPlace, RedisPlace)
}
