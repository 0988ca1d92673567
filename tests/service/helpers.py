"""Applications, clients, real servers and log lines for the tests of the service."""

from __future__ import annotations

import io
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
from fastapi import FastAPI

from mycelium_fractal_net.service.http.app import create_app
from mycelium_fractal_net.service.settings import load_settings

KEY = "a-plain-key-for-tests"
AUTH = {"X-API-Key": KEY}
ION = {"concentration_out_molar": 0.005, "concentration_in_molar": 0.14}
SMALL: dict[str, Any] = {"grid_size": 16, "steps": 8}

GUARDED: dict[str, Any] = {
    "env": "prod",
    "api_key": KEY,
    "log_level": "INFO",
    "warmup": False,
    "drain_seconds": 0,
}


class Log(io.BytesIO):
    """Log lines in memory."""

    @property
    def lines(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.getvalue().splitlines()]

    def named(self, event: str) -> list[dict[str, Any]]:
        return [line for line in self.lines if line["event"] == event]


def make_app(log: Log | None = None, span_exporter: Any = None, **settings: Any) -> FastAPI:
    """Make an application as in production, except for what is given."""
    return create_app(load_settings(**{**GUARDED, **settings}), log_stream=log or Log(), span_exporter=span_exporter)


def client_of(app: FastAPI, address: str = "203.0.113.7", **options: Any) -> httpx.AsyncClient:
    """Make a client that calls an application in this process."""
    transport = httpx.ASGITransport(app=app, client=(address, 4711))
    return httpx.AsyncClient(transport=transport, base_url="http://service", **options)


def sample(text: str, name: str, **labels: str) -> float:
    """Return a sample from Prometheus's text, 0 if it is missing."""
    wanted = [f'{key}="{value}"' for key, value in labels.items()]
    for line in text.splitlines():
        if line.split("{")[0].split(" ")[0] == name and all(label in line for label in wanted):
            return float(line.rsplit(" ", 1)[1])
    return 0.0


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Server:
    """``mfn serve`` in a process of its own."""

    def __init__(self, directory: Path, output: Any = None, **environment: str) -> None:
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.log = directory / f"server-{self.port}.log"
        given = {"ENV": "prod", "API_KEY": KEY, "HOST": "127.0.0.1", "PORT": str(self.port), "DRAIN_SECONDS": "0"}
        given["GRPC_ENABLED"] = "true" if "GRPC_PORT" in environment else "false"
        clean = {name: value for name, value in os.environ.items() if not name.startswith("MFN_")}
        mine = {f"MFN_{name}": value for name, value in {**given, **environment}.items()}
        code = "import sys; from mycelium_fractal_net.cli import main; sys.exit(main(['serve']))"
        with self.log.open("wb") as stream:
            self.process = subprocess.Popen(
                [sys.executable, "-c", code], env={**clean, **mine}, stdout=output or stream
            )

    def wait(self, path: str = "/health/ready") -> Server:
        for _ in range(2400):
            try:
                if httpx.get(self.url + path, timeout=120).status_code == 200:
                    return self
            except httpx.TransportError:
                if self.process.poll() is not None:
                    break
            time.sleep(0.05)
        raise RuntimeError(f"the server did not start:\n{self.log.read_text()}")

    def metric(self, name: str, **labels: str) -> float:
        return sample(httpx.get(f"{self.url}/metrics", headers=AUTH, timeout=120).text, name, **labels)

    def terminate(self) -> None:
        self.process.send_signal(signal.SIGTERM)

    def close(self) -> None:
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()


@contextmanager
def running(directory: Path, **environment: str) -> Iterator[Server]:
    server = Server(directory, **environment)
    try:
        yield server.wait()
    finally:
        server.close()


def raw_answer(server: Server, request: bytes) -> bytes:
    """Send bytes, and read until the server closes."""
    with socket.create_connection(("127.0.0.1", server.port), timeout=120) as connection:
        connection.sendall(request)
        return b"".join(iter(lambda: connection.recv(65536), b""))
