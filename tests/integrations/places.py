"""A place of each kind that jobs come from and events go to; what the tests put and read goes through other clients."""

from __future__ import annotations

import asyncio
import json
import threading
import uuid
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from tests.integrations.kafka_places import KafkaPlace, MockKafkaPlace
from tests.integrations.place import MQTT, NATS, RABBITMQ, REDIS, Place, require


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

    def __init__(self, directory: Path, url: str = REDIS) -> None:
        require(url, "Redis")
        super().__init__(directory)
        self.url = url
        self.source |= {"url": url, "stream": f"{self.name}.jobs", "consumer": "one", "claim_after_seconds": 0.5}
        self.sink |= {"url": url, "stream": f"{self.name}.results"}

    async def start(self) -> None:
        await self.reconnect()

    async def reconnect(self) -> None:
        from redis.asyncio import Redis

        self.client: Any = Redis.from_url(self.url)

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

    def __init__(self, directory: Path, url: str = NATS) -> None:
        require(url, "NATS")
        super().__init__(directory)
        self.url = url
        self.source |= {"url": url, "subject": f"{self.name}.jobs", "durable": "w", "ack_wait_seconds": 2}
        self.sink |= {"url": url, "subject": f"{self.name}.results"}

    async def start(self) -> None:
        import nats

        self.client = await nats.connect(self.url)
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

    def __init__(self, directory: Path, url: str = RABBITMQ) -> None:
        require(url, "RabbitMQ")
        super().__init__(directory)
        self.url = url
        self.source |= {"url": url, "queue": f"{self.name}.jobs"}
        self.sink |= {"url": url, "queue": f"{self.name}.results"}
        self.found: list[bytes] = []

    async def start(self) -> None:
        await self.reconnect()

    async def reconnect(self) -> None:
        import aio_pika

        self.connection = await aio_pika.connect(self.url)
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

    def __init__(self, directory: Path, url: str = MQTT) -> None:
        require(url, "Mosquitto")
        super().__init__(directory)
        self.url = url
        self.source |= {"url": url, "topic": f"{self.name}/jobs", "client_id": f"{self.name}-worker"}
        self.sink |= {"url": url, "topic": f"{self.name}/results"}
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
        first.connect("127.0.0.1", urlsplit(self.url).port or 1883, clean_start=False, properties=session)
        first.loop_start()
        first.subscribe(self.source["topic"], qos=1)
        assert await asyncio.to_thread(subscribed.wait, 30)
        first.disconnect()
        first.loop_stop()
        self.reader = self._client(f"{self.name}-reader")
        ready = threading.Event()
        self.reader.on_subscribe = lambda *_: ready.set()
        self.reader.on_message = lambda _client, _data, message: self.found.append(message.payload)
        self.reader.connect("127.0.0.1", urlsplit(self.url).port or 1883, clean_start=False, properties=session)
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


_OWN = (FilePlace, HttpPlace, KafkaPlace, MqttPlace, NatsPlace, RabbitmqPlace, RedisPlace)
PLACES: dict[str, Callable[[Path], Place]] = {place.kind: place for place in _OWN} | {"kafka-mock": MockKafkaPlace}
