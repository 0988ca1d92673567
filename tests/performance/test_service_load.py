"""The service under load: the right answers, nothing but 200 and 429, and no time that is measured in seconds."""

from __future__ import annotations

import io
import json
import os
import re
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, TypeVar

import httpx
import numpy as np
import pytest

import mycelium_fractal_net as mfn
from benchmarks.probes import computing, settled
from tests.service.helpers import AUTH, ION, KEY, Server, running

pytestmark = pytest.mark.slow

T = TypeVar("T")
CLIENTS = 16
MANY = json.dumps(dict.fromkeys(("simulate", "nernst", "validate", "health", "metrics"), 10**9))
UNLIMITED = {"RATE_LIMITS": MANY, "COST_LIMIT": str(10**15)}
FIELD: dict[str, Any] = {"grid_size": 32, "steps": 32}
LONG = {"grid_size": 512, "steps": 7_000}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    directory = tmp_path_factory.mktemp("load")
    with running(directory, COMPUTE_THREADS="2", COMPUTE_QUEUE=str(CLIENTS), **UNLIMITED) as server:
        yield server


@pytest.fixture
def client(server: Server) -> Iterator[httpx.Client]:
    with _client_of(server) as client:
        yield client


def _client_of(server: Server) -> httpx.Client:
    limits = httpx.Limits(max_connections=CLIENTS)
    return httpx.Client(base_url=server.url, headers=AUTH, timeout=120, limits=limits)


def _at_once(function: Callable[[int], T], times: int) -> list[T]:
    with ThreadPoolExecutor(CLIENTS) as pool:
        return list(pool.map(function, range(times)))


def _bytes_of(seed: int) -> bytes:
    stream = io.BytesIO()
    np.save(stream, mfn.simulate(mfn.SimulationConfig(seed=seed, **FIELD)).field_mv)
    return stream.getvalue()


def test_sixteen_clients_at_once_get_the_bits_of_the_library(client: httpx.Client) -> None:
    def simulate(number: int) -> bytes:
        answer = client.post("/simulate", json={**FIELD, "seed": number % 5}, headers={"Accept": "application/x-npy"})
        return answer.raise_for_status().content

    expected = [_bytes_of(seed) for seed in range(5)]
    assert _at_once(simulate, 64) == [expected[number % 5] for number in range(64)]


def test_a_full_queue_refuses_at_once_and_says_when_to_come_back(tmp_path: Path) -> None:
    with (
        running(tmp_path, COMPUTE_THREADS="1", COMPUTE_QUEUE="1", **UNLIMITED) as server,
        _client_of(server) as small,
    ):

        def simulate(_: int) -> tuple[int, int]:
            answer = small.post("/simulate", json=FIELD)
            return answer.status_code, int(answer.headers["Retry-After"])

        with computing(server, 1, "/simulate", LONG):  # long work: an answer meanwhile has not waited for it
            found = _at_once(simulate, CLIENTS)
    assert {status for status, _ in found} == {429}
    assert all(retry >= 1 for _, retry in found)


def test_health_answers_while_every_thread_computes_and_others_wait(server: Server, client: httpx.Client) -> None:
    with computing(server, 2, "/simulate", LONG):
        answers = [client.get("/health").json() for _ in range(100)]
        assert server.metric("mfn_compute_threads_busy") == 2
    assert {answer["status"] for answer in answers} == {"healthy"}


def test_clients_that_leave_give_their_places_back(server: Server) -> None:
    cancelled = server.metric("mfn_compute_cancelled_total")
    for _ in range(5):
        with computing(server, 2, "/simulate", LONG):
            pass
    assert server.metric("mfn_compute_queue_depth") == 0
    assert server.metric("mfn_compute_cancelled_total") == cancelled + 5 * 4


def test_every_request_is_counted_once(server: Server, client: httpx.Client) -> None:
    def count(status: int) -> float:
        return server.metric("mfn_http_requests_total", endpoint="/nernst", status=str(status))

    def ask(number: int) -> int:
        return client.post("/nernst", json=ION if number % 4 else {}).status_code

    before = {status: count(status) for status in (200, 422)}
    sent = Counter(_at_once(ask, 400))
    assert sent == {200: 300, 422: 100}
    assert {status: count(status) - before[status] for status in sent} == sent


def _resident_kb(server: Server) -> int:
    lines = Path(f"/proc/{server.process.pid}/status").read_text(encoding="ascii").splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmRSS"))


def _mixed(client: httpx.Client, times: int) -> None:
    def ask(number: int) -> None:
        if number % 8:
            client.post("/nernst", json=ION).raise_for_status()
        else:
            client.post("/simulate", json={**FIELD, "seed": number, "include": ["field"]}).raise_for_status()

    _at_once(ask, times)


def test_memory_stays_where_it_is_after_the_first_requests(server: Server, client: httpx.Client) -> None:
    _mixed(client, 400)
    settled(server)
    warm = _resident_kb(server)
    _mixed(client, 2_000)
    assert _resident_kb(server) < 1.1 * warm


def _load(report: Path, *options: str, **environment: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "load_tests.run", "--report", str(report), *options]
    given = {**os.environ, **environment}
    return subprocess.run(command, capture_output=True, text=True, check=False, env=given, timeout=600)


def test_the_load_test_ends_without_a_failure_and_writes_its_report(tmp_path: Path) -> None:
    done = _load(tmp_path, "--users", "11", "--until-asked", "--run-time", "10m")
    assert done.returncode == 0, done.stdout + done.stderr
    rows = [line.split() for line in done.stderr.splitlines()]
    assert {"/health", "/nernst", "/simulate", "/validate"} <= {row[1] for row in rows if len(row) > 9}
    assert any(row[0] == "Aggregated" and row[2] == "0(0.00%)" for row in rows if len(row) > 2)
    assert "never asked" not in done.stderr
    names = {path.name for path in tmp_path.iterdir()}
    assert {"sustained.html", "sustained_stats.csv", "sustained_failures.csv"} <= names


def test_the_load_test_names_what_two_users_never_ask(tmp_path: Path, server: Server) -> None:
    done = _load(tmp_path, "--host", server.url, "--users", "2", "--run-time", "2s", MFN_KEY=KEY)
    assert done.returncode == 0, done.stdout + done.stderr
    assert re.search("never asked, so not tested: .*/simulate, /validate.*; take twelve users or more", done.stderr)


class _Wrong(BaseHTTPRequestHandler):
    """Answer everything, quickly and wrongly."""

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b'{"potential_mV": 0.0, "receipt": {"seed": -1, "result_digest": ""}, "checks": []}')

    def log_message(self, *_: Any) -> None:
        """Say nothing."""


@pytest.fixture
def wrong() -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), _Wrong) as stub:
        threading.Thread(target=stub.serve_forever, kwargs={"poll_interval": 0.01}).start()
        yield f"http://127.0.0.1:{stub.server_port}"
        stub.shutdown()


def test_the_load_test_fails_when_answers_are_wrong(tmp_path: Path, wrong: str) -> None:
    done = _load(tmp_path, "--host", wrong, "--users", "11", "--until-asked", "--run-time", "10m")
    assert done.returncode == 1
    for complaint in ("is not RT/zF ln(out/in)", "another digest in the ETag", "there are none at all"):
        assert complaint in done.stderr


def test_the_load_test_refuses_other_machines(tmp_path: Path) -> None:
    host = "http://loopback.example:8000"
    done = _load(tmp_path, "--host", host)
    assert done.returncode == 1
    assert f"{host} is not on this machine" in done.stderr


def test_the_load_test_says_that_a_key_is_missing(tmp_path: Path, server: Server) -> None:
    done = _load(tmp_path, "--host", server.url)
    assert done.returncode == 1
    assert "wants a key with the scope simulate: set MFN_KEY" in done.stderr
