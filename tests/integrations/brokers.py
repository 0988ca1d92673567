"""Brokers of the tests' own, which are killed with -9 and started again on the same port and the same disk."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import time
from abc import ABC, abstractmethod
from pathlib import Path
from typing import ClassVar

import pytest

from tests.integrations.kafka_places import KafkaPlace, noida_command
from tests.integrations.place import Place, free_port
from tests.integrations.places import MqttPlace, NatsPlace, RabbitmqPlace, RedisPlace

DEADLINE_S = 120


def _need(program: str) -> str:
    found = shutil.which(program) or shutil.which(program, path="/usr/sbin:/usr/lib/rabbitmq/bin")
    if found is None:
        if os.environ.get("CI"):
            pytest.fail(f"{program} is not installed")
        pytest.skip(f"{program} is not installed")
    return found


class Broker(ABC):
    """A server that keeps what it has confirmed on disk."""

    kind: ClassVar[str]

    def __init__(self, directory: Path) -> None:
        self.directory, self.port = directory, free_port()
        self.process: subprocess.Popen[bytes] | None = None

    @abstractmethod
    def command(self) -> list[str]:
        """Return what starts it."""

    @abstractmethod
    def place(self, directory: Path) -> Place:
        """Return a source and a sink on it."""

    def environment(self) -> dict[str, str]:
        """Return variables beside those of this process."""
        return {}

    def start(self) -> None:
        """Start it, and wait until it answers."""
        with (self.directory / f"{self.kind}.log").open("ab") as log:
            self.process = subprocess.Popen(
                self.command(),
                env={**os.environ, **self.environment()},
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        end = time.monotonic() + DEADLINE_S
        while time.monotonic() < end:
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", self.port)) == 0:
                    return
            if self.process.poll() is not None:
                break
            time.sleep(0.05)
        raise RuntimeError(f"{self.kind} does not start: {(self.directory / f'{self.kind}.log').read_text()[-2000:]}")

    def kill(self) -> None:
        """End it as a power cut of its container would."""
        if self.process is not None:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()


class RedisBroker(Broker):
    kind = "redis"

    def command(self) -> list[str]:
        durable = ["--appendonly", "yes", "--appendfsync", "always", "--save", ""]
        where = ["--port", str(self.port), "--bind", "127.0.0.1", "--dir", str(self.directory)]
        return [_need("redis-server"), *where, *durable]

    def place(self, directory: Path) -> Place:
        return RedisPlace(directory, f"redis://127.0.0.1:{self.port}/0")


class NatsBroker(Broker):
    kind = "nats"

    def command(self) -> list[str]:
        settings = self.directory / "nats.conf"
        settings.write_text(f'listen: 127.0.0.1:{self.port}\njetstream {{ store_dir: "{self.directory}/store" }}\n')
        return [_need("nats-server"), "--config", str(settings)]

    def place(self, directory: Path) -> Place:
        return NatsPlace(directory, f"nats://127.0.0.1:{self.port}")


class RabbitmqBroker(Broker):
    kind = "rabbitmq"

    def command(self) -> list[str]:
        return [_need("/usr/lib/rabbitmq/bin/rabbitmq-server")]

    def environment(self) -> dict[str, str]:
        (self.directory / "plugins").write_text("[].\n")
        (self.directory / "environment").write_text("")  # in place of the machine's own
        (self.directory / "rabbitmq.conf").write_text(f"listeners.tcp.1 = 127.0.0.1:{self.port}\n")
        return {
            "RABBITMQ_CONF_ENV_FILE": f"{self.directory}/environment",
            "RABBITMQ_CONFIG_FILE": f"{self.directory}/rabbitmq.conf",
            "HOME": str(self.directory),
            "RABBITMQ_NODENAME": f"mfn{self.port}@localhost",
            "RABBITMQ_DIST_PORT": str(free_port()),
            "RABBITMQ_MNESIA_BASE": f"{self.directory}/data",
            "RABBITMQ_LOG_BASE": f"{self.directory}/log",
            "RABBITMQ_PID_FILE": f"{self.directory}/pid",
            "RABBITMQ_ENABLED_PLUGINS_FILE": f"{self.directory}/plugins",
        }

    def place(self, directory: Path) -> Place:
        return RabbitmqPlace(directory, f"amqp://guest:guest@127.0.0.1:{self.port}/")


class MqttBroker(Broker):
    kind = "mqtt"

    def command(self) -> list[str]:
        settings = self.directory / "mosquitto.conf"
        lines = [
            f"listener {self.port} 127.0.0.1",
            "allow_anonymous true",
            "user root",
            "persistence true",
            f"persistence_location {self.directory}/",
            "autosave_on_changes true",
            "autosave_interval 1",
            "max_queued_messages 0",
        ]
        settings.write_text("\n".join(lines) + "\n")
        return [_need("mosquitto"), "-c", str(settings)]

    def place(self, directory: Path) -> Place:
        return MqttPlace(directory, f"mqtt://127.0.0.1:{self.port}")


class KafkaBroker(Broker):
    kind = "kafka"

    def command(self) -> list[str]:
        return noida_command(self.directory / "store", self.port)

    def place(self, directory: Path) -> Place:
        return KafkaPlace(directory, f"127.0.0.1:{self.port}")


BROKERS: dict[str, type[Broker]] = {
    one.kind: one for one in (KafkaBroker, MqttBroker, NatsBroker, RabbitmqBroker, RedisBroker)
}
