"""What happens to the process: signals under load, a log nobody reads."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest

from mycelium_fractal_net.service.settings import load_settings
from mycelium_fractal_net.service.telemetry.metrics import Metrics
from mycelium_fractal_net.service.telemetry.sink import Sink
from tests.attacks.askers import ASKERS, ask_on
from tests.attacks.doors import REST, connected
from tests.service.helpers import ION, KEY, Server, running, sample
from tests.service.rpc.helpers import grpc_server

pytestmark = pytest.mark.slow

REQUESTS = 800


@pytest.mark.parametrize("requests", [REQUESTS, pytest.param(10_000, marks=pytest.mark.long)])
def test_sigterm_under_load_loses_nothing_at_any_door(tmp_path: Path, requests: int) -> None:
    over, asked = threading.Event(), threading.Semaphore(0)
    with grpc_server(tmp_path) as (server, place), ThreadPoolExecutor(len(ASKERS)) as pool:
        asking = {
            pool.submit(ask_on, make, server, place, asked, over): f"{name} {number}"
            for number, (name, make) in enumerate(ASKERS)
        }
        for _ in range(requests):
            asked.acquire(timeout=120)
        server.terminate()
        assert server.process.wait(120) == 0
        over.set()
        found = {name: future.result() for future, name in asking.items()}
    assert [(name, tally.lost) for name, tally in found.items() if tally.lost] == []
    assert [name for name, tally in found.items() if not tally.answered] == []
    assert sum(tally.answered for tally in found.values()) >= requests


def test_an_answer_says_that_it_is_the_last_while_the_service_drains(tmp_path: Path) -> None:
    with (
        running(tmp_path, WARMUP="false", DRAIN_SECONDS="30") as server,
        httpx.Client(base_url=server.url, timeout=120) as client,
    ):
        assert "connection" not in client.get("/health/live").headers
        server.terminate()
        while client.get("/health/ready").status_code != 503:
            time.sleep(0.01)
        assert client.get("/health/live").headers["connection"] == "close"


def _wait_until(holds: Callable[[], bool]) -> None:
    for _ in range(15_000):
        if holds():
            return
        time.sleep(0.02)
    raise AssertionError("it never came to hold")


def _children(server: Server) -> list[str]:
    return Path(f"/proc/{server.process.pid}/task/{server.process.pid}/children").read_text().split()


def test_who_waits_for_kernels_blocks_nobody_and_ends_their_compilation_by_leaving(tmp_path: Path) -> None:
    body = b'{"kinetics": "gray-scott", "grid_size": 16, "steps": 2, "scheme": "heun"}'
    with running(tmp_path, WARMUP="false", CACHE_DIR=str(tmp_path / "cache")) as server:
        with connected(server) as connection, httpx.Client(base_url=server.url, timeout=120) as client:
            connection.sendall(REST.upload + b"Content-Length: %d\r\n\r\n" % len(body) + body)
            _wait_until(lambda: _children(server) != [])
            for _ in range(50):
                assert client.get("/health").status_code == 200
            assert _status(server, KEY) == 200
            assert _children(server) != []
        _wait_until(lambda: _children(server) == [])


def _status(server: Server, key: str) -> int:
    return httpx.post(f"{server.url}/nernst", json=ION, headers={"X-API-Key": key}, timeout=120).status_code


def test_sighup_puts_new_secrets_in_force_and_never_ends_the_process(tmp_path: Path) -> None:
    secret = tmp_path / "secrets" / "MFN_API_KEYS"
    secret.parent.mkdir()
    secret.write_text("the-first-key-of-many-letters")
    with running(tmp_path, WARMUP="false", SECRETS_DIR=str(secret.parent)) as server:
        assert _status(server, "the-first-key-of-many-letters") == 200
        secret.write_text("the-second-key-of-many-letters")
        server.process.send_signal(signal.SIGHUP)
        _wait_until(lambda: _status(server, "the-second-key-of-many-letters") == 200)
        assert _status(server, "the-first-key-of-many-letters") == 401
        secret.write_text("[broken")
        server.process.send_signal(signal.SIGHUP)
        _wait_until(lambda: "not reloaded" in server.log.read_text())
        assert _status(server, "the-second-key-of-many-letters") == 200


def test_a_log_that_nobody_reads_stops_nothing(tmp_path: Path) -> None:
    reading, writing = os.pipe()
    with os.fdopen(writing, "wb") as pipe:
        server = Server(tmp_path, pipe, WARMUP="false", RATE_LIMIT_ENABLED="false").wait("/health")
        try:
            with httpx.Client(base_url=server.url, timeout=120) as client:
                assert {client.get("/health").status_code for _ in range(800)} == {200}
        finally:
            server.close()
    os.close(reading)


def test_lines_that_find_no_room_are_counted_and_told() -> None:
    reading, writing = os.pipe()
    told: list[int] = []
    with os.fdopen(writing, "wb") as stream:
        sink = Sink(stream, most_bytes=1000)
        sink.tell = lambda *, lines: told.append(lines)
        for _ in range(10_000):
            sink.write(b"x" * 99 + b"\n")
        with os.fdopen(reading, "rb") as pipe:
            written = 0
            while written + 100 * sink.dropped < 1_000_000:
                written += len(os.read(pipe.fileno(), 65_536))
            _wait_until(lambda: sum(told) == sink.dropped)
    assert written + 100 * sink.dropped == 1_000_000
    assert sink.dropped >= 10_000 - (1000 + 2 * 65_536 + 65_536) // 100


def test_dropped_lines_are_a_metric() -> None:
    metrics = Metrics(load_settings())
    assert sample(metrics.text().decode(), "mfn_log_lines_dropped_total") == 0
    metrics.watch_log(lambda: 7)
    assert sample(metrics.text().decode(), "mfn_log_lines_dropped_total") == 7
