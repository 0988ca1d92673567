"""The doors of the service, as an attacker sees them: what opens each, and what costs something behind it."""

from __future__ import annotations

import json
import re
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from tests.service.helpers import KEY, Server

LONG = {"grid_size": 512, "steps": 7_000}


class Door(NamedTuple):
    """A way in over HTTP/1.1.

    ``cheap`` is a request that costs nothing, and ``answer`` the beginning of what it gets; ``costly`` is one that
    computes for minutes, ``upload`` the head of one that announces a body, and ``small`` a body that it takes.
    """

    name: str
    cheap: bytes
    answer: bytes
    costly: bytes
    upload: bytes
    small: bytes


def _post(path: str, body: object) -> bytes:
    text = json.dumps(body).encode()
    return _head(path) + b"Content-Length: %d\r\n\r\n" % len(text) + text


def _head(path: str) -> bytes:
    return f"POST {path} HTTP/1.1\r\nHost: x\r\nX-API-Key: {KEY}\r\nContent-Type: application/json\r\n".encode()


SMALL = {"grid_size": 64, "steps": 200}
KNOWN = "/stream/simulate?grid_size=16&steps=1&last_event_id=s1:9"
REST = Door(
    "REST",
    b"GET /health/live HTTP/1.1\r\nHost: x\r\n\r\n",
    b"HTTP/1.1 200 OK\r\n",
    _post("/simulate", LONG),
    _head("/simulate"),
    json.dumps(SMALL).encode(),
)
SSE = Door(
    "SSE",
    f"GET {KNOWN} HTTP/1.1\r\nHost: x\r\nX-API-Key: {KEY}\r\n\r\n".encode(),
    b"HTTP/1.1 204 No Content\r\n",
    _post("/stream/simulate", {"config": LONG, "every": 7_000}),
    _head("/stream/simulate"),
    json.dumps({"config": SMALL, "every": 200}).encode(),
)
CLIP = _post("/clip", {"config": LONG, "frames": 2})
"""What a film costs, which is computed behind a door of its own."""

DOORS = [REST, SSE]
"""What speaks HTTP/1.1; test_websockets.py attacks WebSockets, tests/service/rpc the gRPC door."""


@contextmanager
def connected(server: Server) -> Iterator[socket.socket]:
    with socket.create_connection(("127.0.0.1", server.port), timeout=60) as connection:
        yield connection


def rest_of(connection: socket.socket) -> bytes:
    """Read until the server closes, or resets."""
    parts = []
    try:
        while part := connection.recv(65_536):
            parts.append(part)
    except ConnectionError:
        pass
    return b"".join(parts)


def send_until_cut(connection: socket.socket, data: bytes, most: int) -> int:
    """Send the same bytes again and again; return how many times the server took them, ``most`` if it never stops."""
    for times in range(most):
        try:
            connection.sendall(data)
        except ConnectionError:
            return times
    return most


def resident_kib(server: Server) -> int:
    status = Path(f"/proc/{server.process.pid}/status").read_text()
    return int(re.search(r"VmRSS:\s+(\d+)", status)[1])  # type: ignore[index] # Linux always tells


def status_of(answer: bytes) -> int:
    return int(answer.split(b" ", 2)[1])
