"""Look at a server while it computes: how soon /health answers, how soon a closed connection frees its thread."""

from __future__ import annotations

import json
import random
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.client import HTTPConnection
from typing import Any

import httpx

from tests.service.helpers import AUTH, KEY, Server, sample

__all__ = ["computing", "freed_ms", "health_ms", "settled"]


def ask(server: Server, path: str, body: dict[str, Any]) -> socket.socket:
    """Send a request and do not wait for the answer."""
    content = json.dumps(body).encode()
    head = f"POST {path} HTTP/1.1\r\nHost: x\r\nX-API-Key: {KEY}\r\nContent-Type: application/json\r\n"
    connection = socket.create_connection(("127.0.0.1", server.port), timeout=120)
    connection.sendall(f"{head}Content-Length: {len(content)}\r\n\r\n".encode() + content)
    return connection


def busy(client: httpx.Client) -> float:
    return sample(client.get("/metrics", headers=AUTH).text, "mfn_compute_threads_busy")


def settled(server: Server, threads: int = 0) -> None:
    """Wait until so many threads are busy."""
    with httpx.Client(base_url=server.url, timeout=120) as client:
        for _ in range(5_000):
            if busy(client) == threads:
                return
            time.sleep(0.002)
    raise RuntimeError(f"there are never {threads} threads busy")


@contextmanager
def computing(server: Server, threads: int, path: str, body: dict[str, Any]) -> Iterator[None]:
    """Keep every thread busy and as many requests again waiting."""
    over = threading.Event()

    def keep_asking(number: int) -> None:
        asked = {**body, "seed": number}
        while not over.is_set():
            connection = ask(server, path, asked)
            connection.settimeout(0.1)
            while not over.is_set() and not _answered(connection):
                pass
            connection.close()

    clients = [threading.Thread(target=keep_asking, args=(number,)) for number in range(2 * threads)]
    for client in clients:
        client.start()
    try:
        settled(server, threads)
        yield
    finally:
        over.set()
        for client in clients:
            client.join()
        settled(server)


def _answered(connection: socket.socket) -> bool:
    try:
        answer = connection.recv(65536)
    except TimeoutError:
        return False
    if not answer.startswith(b"HTTP/1.1 200"):
        raise RuntimeError(f"the computation was refused: {answer!r}")
    return True


def health_ms(server: Server, seconds: float, every_s: float = 0.005) -> list[float]:
    """Return the times that GET /health took on one open connection, asked at a steady pace, in order of size."""
    times = []
    end = time.perf_counter() + seconds
    connection = HTTPConnection("127.0.0.1", server.port, timeout=120)
    while (begin := time.perf_counter()) < end:
        connection.request("GET", "/health")
        answer = connection.getresponse()
        answer.read()
        times.append(1e3 * (time.perf_counter() - begin))
        if answer.status != 200:
            raise RuntimeError(f"/health answered {answer.status}")
        time.sleep(max(0.0, begin + every_s - time.perf_counter()))
    connection.close()
    return sorted(times)


def freed_ms(server: Server, threads: int, body: dict[str, Any]) -> float:
    """Return the time from closing the connections of running simulations until no thread is busy."""
    connections = [ask(server, "/simulate", {**body, "seed": number}) for number in range(threads)]
    settled(server, threads)
    time.sleep(random.uniform(0.0, 0.02))  # noqa: S311 # so that no moment of a step is preferred
    with httpx.Client(base_url=server.url, timeout=120) as client:
        busy(client)
        begin = time.perf_counter()
        for connection in connections:
            connection.close()
        while busy(client):
            pass
        return 1e3 * (time.perf_counter() - begin)
