"""A real server, a real socket, a real signal."""

from __future__ import annotations

import asyncio
import io
import json
import re
import signal
import socket
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any

import httpx
import pytest
import uvicorn
from uvicorn.server import ServerState

from mycelium_fractal_net._gil import TURN_S
from mycelium_fractal_net.service.http.app import create_app
from mycelium_fractal_net.service.http.connections import Bounds, Connections
from mycelium_fractal_net.service.http.protocol import BoundedProtocol
from mycelium_fractal_net.service.server import DrainingServer, serve
from mycelium_fractal_net.service.settings import load_settings
from tests.service.helpers import AUTH, ION, KEY, Server, make_app, raw_answer, running

pytestmark = pytest.mark.slow

LONG = {"grid_size": 256, "steps": 3000}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with running(tmp_path_factory.mktemp("server"), COMPUTE_THREADS="1", COMPUTE_QUEUE="1") as server:
        yield server


def _simulate_and_leave(server: Server, times: int = 1) -> socket.socket:
    body = json.dumps(LONG).encode()
    head = f"POST /simulate HTTP/1.1\r\nHost: x\r\nX-API-Key: {KEY}\r\nContent-Type: application/json\r\n"
    connection = socket.create_connection(("127.0.0.1", server.port), timeout=120)
    connection.sendall((f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body) * times)
    return connection


def _wait_for(server: Server, name: str, value: float) -> None:
    for _ in range(6000):
        if server.metric(name) == value:
            return
        time.sleep(0.02)
    raise AssertionError(f"{name} did not become {value}")


@pytest.mark.parametrize(
    "request_",
    [
        b"NOT HTTP AT ALL\r\n\r\n",
        b"GET /\xff\xfe HTTP/1.1\r\nHost: x\r\n\r\n",
        b"GET / HTTP/9.9\r\nHost: x\r\n\r\n",
        b"POST /nernst HTTP/1.1\r\nHost: x\r\nContent-Length: many\r\n\r\n",
        b"GET /health HTTP/1.1\r\nHost x\r\n\r\n",
    ],
)
def test_what_is_not_http_gets_a_problem_too(server: Server, request_: bytes) -> None:
    head, _, body = raw_answer(server, request_).partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 400")
    assert b"application/problem+json" in head
    assert json.loads(body)["code"] == "BAD_REQUEST"


@pytest.mark.parametrize("path", ["/%ff%fe", "/../etc/passwd", "//health", "/health/", "/%00", "/nernst;a=b"])
def test_strange_paths_are_not_found(server: Server, path: str) -> None:
    request = f"GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n".encode()
    head, _, body = raw_answer(server, request).partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 404")
    assert json.loads(body)["code"] == "NOT_FOUND"


def test_a_chunked_body_is_bounded_too(tmp_path: Path) -> None:
    with running(tmp_path, MAX_BODY_BYTES="1000", WARMUP="false") as small:
        chunks = (b" " * 300 for _ in range(10))
        headers = {**AUTH, "Content-Type": "application/json"}
        answer = httpx.post(f"{small.url}/nernst", content=chunks, headers=headers, timeout=120)
        assert (answer.status_code, answer.json()["code"]) == (413, "PAYLOAD_TOO_LARGE")
        whole = (part.encode() for part in (json.dumps(ION)[:9], json.dumps(ION)[9:]))
        assert httpx.post(f"{small.url}/nernst", content=whole, headers=headers, timeout=120).status_code == 200


def test_a_client_that_leaves_frees_its_thread_and_the_queue(server: Server) -> None:
    before = server.metric("mfn_compute_cancelled_total")
    first, second = _simulate_and_leave(server), _simulate_and_leave(server)
    _wait_for(server, "mfn_compute_queue_depth", 1)
    refused = httpx.post(f"{server.url}/simulate", json={}, headers=AUTH, timeout=120)
    assert (refused.status_code, refused.json()["code"]) == (429, "QUEUE_FULL")
    assert int(refused.headers["retry-after"]) >= 1
    second.close()
    _wait_for(server, "mfn_compute_queue_depth", 0)
    first.close()
    _wait_for(server, "mfn_compute_threads_busy", 0)
    assert server.metric("mfn_compute_cancelled_total") == before + 2
    assert server.metric("mfn_http_requests_total", endpoint="/simulate", status="499") == before + 2


def test_a_client_that_leaves_stops_what_it_had_asked_for_first(server: Server) -> None:
    before = server.metric("mfn_compute_cancelled_total")
    connection = _simulate_and_leave(server, times=2)  # the second one waits for the first one's answer
    _wait_for(server, "mfn_compute_threads_busy", 1)
    connection.close()
    _wait_for(server, "mfn_compute_threads_busy", 0)
    assert server.metric("mfn_compute_cancelled_total") == before + 1


@pytest.mark.anyio
async def test_who_asks_after_a_client_has_left_is_told_at_once() -> None:
    app, loop = make_app(), asyncio.get_running_loop()
    told: list[str] = []
    config = uvicorn.Config(app, lifespan="off", log_config=None)
    config.load()
    made: asyncio.Queue[BoundedProtocol] = asyncio.Queue()

    def accept() -> BoundedProtocol:
        protocol = BoundedProtocol(
            connections=Connections(Bounds()), config=config, server_state=ServerState(), app_state={}, _loop=loop
        )
        made.put_nowait(protocol)
        return protocol

    async with await loop.create_server(accept, "127.0.0.1", 0) as listening:
        _, writer = await asyncio.open_connection(*listening.sockets[0].getsockname())
        protocol = await made.get()
        protocol.on_disconnect(partial(told.append, "while it was there"))
        protocol.on_disconnect(partial(told.append, "forgotten"))()
        assert told == []
        writer.close()
        for _ in range(6000):
            if told:
                break
            await asyncio.sleep(0.01)
        protocol.on_disconnect(partial(told.append, "afterwards"))
    assert told == ["while it was there", "afterwards"]


def test_a_preflight_gets_its_head_though_no_body_follows(tmp_path: Path) -> None:
    with running(tmp_path, CORS_ORIGINS="https://example.org", WARMUP="false") as server:
        headers = {"Origin": "https://example.org", "Access-Control-Request-Method": "POST"}
        answer = httpx.options(f"{server.url}/simulate", headers=headers, timeout=120)
    assert (answer.status_code, answer.content) == (204, b"")
    assert answer.headers["access-control-allow-origin"] == "https://example.org"


@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_an_answer_comes_in_one_piece(server: Server, method: str) -> None:
    with socket.create_connection(("127.0.0.1", server.port), timeout=120) as connection:
        connection.sendall(f"{method} /health/live HTTP/1.1\r\nHost: x\r\n\r\n".encode())
        head, _, body = connection.recv(65536).partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 200")
    assert (b"healthy" in body) == (method == "GET")


def test_sigterm_loses_no_accepted_request(tmp_path: Path) -> None:
    with running(tmp_path, COMPUTE_THREADS="1", COMPUTE_QUEUE="4", DRAIN_SECONDS="1") as server:
        body = {"grid_size": 128, "steps": 2000}

        def simulate(_: int) -> int:
            return httpx.post(f"{server.url}/simulate", json=body, headers=AUTH, timeout=60).status_code

        with ThreadPoolExecutor(4) as pool:
            accepted = [pool.submit(simulate, number) for number in range(4)]
            _wait_for(server, "mfn_compute_queue_depth", 3)
            server.terminate()
            for _ in range(15_000):
                ready = httpx.get(f"{server.url}/health/ready", timeout=120)
                if ready.status_code == 503:
                    break
                time.sleep(0.01)
            refused = httpx.post(f"{server.url}/simulate", json=body, headers=AUTH, timeout=120)
            live = httpx.get(f"{server.url}/health/live", timeout=120)
            assert (ready.status_code, refused.status_code, live.status_code) == (503, 503, 200)
            assert refused.json()["code"] == "SERVICE_UNAVAILABLE"
            assert [future.result() for future in accepted] == [200] * 4
        assert server.process.wait(120) == 0
        events = [json.loads(line)["event"] for line in server.log.read_text().splitlines()]
        assert {"draining", "stopped"} <= set(events)


@pytest.mark.parametrize("second", [signal.SIGTERM, signal.SIGINT])
def test_a_second_signal_ends_what_runs(tmp_path: Path, second: signal.Signals) -> None:
    with running(tmp_path, COMPUTE_THREADS="1", WARMUP="false") as server, ThreadPoolExecutor(2) as pool:
        body = {"grid_size": 256, "steps": 10_000}
        asked = [pool.submit(httpx.post, f"{server.url}/simulate", json=body, headers=AUTH, timeout=60) for _ in "ab"]
        _wait_for(server, "mfn_compute_queue_depth", 1)
        server.terminate()
        while httpx.get(f"{server.url}/health/ready", timeout=120).status_code == 200:
            time.sleep(0.01)
        server.process.send_signal(second)
        assert [future.result().json()["code"] for future in asked] == ["SERVICE_UNAVAILABLE"] * 2
        assert server.process.wait(120) == 128 + second
    lines = [json.loads(line) for line in server.log.read_text().splitlines()]
    assert [line["status"] for line in lines if line.get("route") == "/simulate"] == [503, 503]
    assert [line["event"] for line in lines][-1] == "forced to exit"
    assert "draining" in {line["event"] for line in lines}
    assert "error" not in {line["level"] for line in lines}


def test_computations_do_not_outlast_the_time_that_they_get(tmp_path: Path) -> None:
    with (
        running(tmp_path, COMPUTE_THREADS="1", WARMUP="false", SHUTDOWN_SECONDS="1") as server,
        ThreadPoolExecutor(1) as pool,
    ):
        body = {"grid_size": 512, "steps": 7_000}
        asked = pool.submit(httpx.post, f"{server.url}/simulate", json=body, headers=AUTH, timeout=60)
        _wait_for(server, "mfn_compute_threads_busy", 1)
        server.terminate()
        assert asked.result().json()["code"] == "SERVICE_UNAVAILABLE"
        assert server.process.wait(120) == 128 + signal.SIGTERM
    assert "after MFN_SHUTDOWN_SECONDS" in server.log.read_text()


def test_health_answers_while_every_thread_computes(server: Server) -> None:
    connection = _simulate_and_leave(server)
    _wait_for(server, "mfn_compute_threads_busy", 1)
    answers = [httpx.get(f"{server.url}/health", timeout=120).status_code for _ in range(20)]
    assert server.metric("mfn_compute_threads_busy") == 1
    connection.close()
    assert answers == [200] * 20


def test_wrong_settings_end_the_process_with_one_line(tmp_path: Path) -> None:
    server = Server(tmp_path, PORT="many")
    assert server.process.wait(120) == 2


@pytest.mark.parametrize(
    ("host", "reason"),
    [("127.0.0.1", "Address already in use"), ("nowhere.invalid", ".+"), ("a..b", ".*label empty or too long.*")],
)
def test_an_address_that_cannot_be_listened_at_ends_the_process_with_one_line(
    host: str, reason: str, tmp_path: Path, server: Server, capfd: pytest.CaptureFixture[str]
) -> None:
    second = Server(tmp_path, HOST=host, PORT=str(server.port), WARMUP="false")
    assert second.process.wait(60) == 2
    line = rf"mfn: cannot listen at {re.escape(host)}:{server.port}: {reason} \[INVALID_CONFIGURATION\]\n"
    assert re.fullmatch(line, capfd.readouterr().err)
    assert "Traceback" not in second.log.read_text()


class _Interrupted(io.BytesIO):
    """A stream on which SIGTERM arrives in the middle of a line."""

    server: DrainingServer | None = None

    def write(self, line: Any) -> int:
        if self.server is not None:
            self.server.handle_exit(signal.SIGTERM, None)
        return super().write(line)


def test_a_signal_in_the_middle_of_a_log_line_does_not_stop_the_process() -> None:
    stream = _Interrupted()
    app = create_app(load_settings(log_format="json"), log_stream=stream)
    stream.server = DrainingServer(uvicorn.Config(app), app.state.services, Connections(Bounds()))
    line = threading.Thread(target=app.state.services.logger.info, args=("request",), daemon=True)
    line.start()
    line.join(120)
    assert not line.is_alive()
    assert app.state.services.compute.draining


def test_threads_hand_the_gil_over_soon(monkeypatch: pytest.MonkeyPatch) -> None:
    found: list[float] = []
    before = sys.getswitchinterval()
    monkeypatch.setattr(DrainingServer, "run", lambda _: found.append(sys.getswitchinterval()))
    try:
        serve(load_settings(env="dev"), io.BytesIO())
    finally:
        sys.setswitchinterval(before)
    assert found == [pytest.approx(TURN_S)]
