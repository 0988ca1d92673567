"""What places share: where the servers of the tests are, and what a place can do."""

from __future__ import annotations

import os
import socket
import time
import uuid
from abc import ABC, abstractmethod
from pathlib import Path
from typing import Any, ClassVar
from urllib.parse import urlsplit

import pytest

REDIS = "redis://127.0.0.1:6379/9"
NATS = "nats://127.0.0.1:4222"
RABBITMQ = "amqp://guest:guest@127.0.0.1:5672/"
MQTT = "mqtt://127.0.0.1:1883"


def require(url: str, what: str) -> None:
    """Skip where a server is not there; in CI it has to be."""
    port = urlsplit(url).port
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

    async def reconnect(self) -> None:
        """Go on after the broker was started again; most clients do so by themselves."""
        return

    async def close(self) -> None:
        return
