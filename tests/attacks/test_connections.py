"""Attacks on connections: none takes memory, the event loop, a thread or a place from the others."""

from __future__ import annotations

import re
import shutil
import socket
import time
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from pathlib import Path

import httpx
import pytest

from tests.attacks.doors import (
    CLIP,
    DOORS,
    REST,
    SSE,
    Door,
    connected,
    resident_kib,
    rest_of,
    send_until_cut,
    status_of,
)
from tests.service.helpers import AUTH, ION, KEY, Server, raw_answer, running

pytestmark = pytest.mark.slow


@pytest.fixture(params=DOORS, ids=lambda door: door.name)
def door(request: pytest.FixtureRequest) -> Door:
    found: Door = request.param
    return found


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with running(tmp_path_factory.mktemp("attacked"), WARMUP="false", RATE_LIMIT_ENABLED="false") as server:
        yield server


@pytest.fixture(scope="module")
def narrow(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    bounds = {"MAX_CONNECTIONS": "6", "MAX_CONNECTIONS_PER_ADDRESS": "4"}
    with running(tmp_path_factory.mktemp("narrow"), WARMUP="false", RATE_LIMIT_ENABLED="false", **bounds) as server:
        yield server


@pytest.fixture(scope="module")
def hasty(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server that waits for nobody: twenty times STALL_SECONDS is the longest that a body may take."""
    bounds = {"STALL_SECONDS": "0.5", "IDLE_SECONDS": "1", "ANSWER_SECONDS": "1"}
    with running(tmp_path_factory.mktemp("hasty"), WARMUP="false", RATE_LIMIT_ENABLED="false", **bounds) as server:
        yield server


def _is_served(server: Server) -> bool:
    return httpx.post(f"{server.url}/nernst", json=ION, headers=AUTH, timeout=60).status_code == 200


def _wait_for_threads(server: Server, busy: int) -> None:
    for _ in range(15_000):
        if server.metric("mfn_compute_threads_busy") == busy:
            return
        time.sleep(0.02)
    raise AssertionError(f"never were {busy} threads busy")


def test_requests_whose_answers_nobody_reads_are_not_kept(server: Server, door: Door) -> None:
    with ExitStack() as stack:
        _is_served(server)
        before = resident_kib(server)
        for _ in range(2):
            connection = stack.enter_context(connected(server))
            connection.settimeout(1)
            with pytest.raises(TimeoutError):  # the server stops reading, and the kernel's buffers are full
                send_until_cut(connection, door.cheap * 2520, 1000)
            stopped = resident_kib(server)
            with suppress(TimeoutError):  # the kernel may take some more
                connection.sendall(door.cheap * 2520)
            assert resident_kib(server) - stopped < 2 * 1024
        assert resident_kib(server) - before < 8 * 1024
        assert _is_served(server)


def test_requests_in_one_go_are_all_answered_in_their_order(server: Server, door: Door) -> None:
    with connected(server) as connection:
        connection.sendall(door.cheap * 1000)
        connection.shutdown(socket.SHUT_WR)
        assert rest_of(connection).count(door.answer) == 1000


@pytest.mark.parametrize("ahead", [0, 1, 17, 2520])
def test_a_client_that_leaves_frees_its_thread_whatever_it_has_sent_ahead(
    server: Server, door: Door, ahead: int
) -> None:
    with connected(server) as connection:
        connection.sendall(door.costly + door.cheap * ahead)
        _wait_for_threads(server, 1)
    _wait_for_threads(server, 0)


@pytest.mark.skipif(shutil.which("ffmpeg") is None, reason="films need ffmpeg")
@pytest.mark.parametrize("ahead", [0, 2520])
def test_a_client_that_leaves_its_film_frees_the_thread(server: Server, ahead: int) -> None:
    with connected(server) as connection:
        connection.sendall(CLIP + REST.cheap * ahead)
        _wait_for_threads(server, 1)
    _wait_for_threads(server, 0)


def test_who_has_finished_sending_is_still_answered(server: Server, door: Door) -> None:
    with connected(server) as connection:
        connection.sendall(door.upload + b"Content-Length: %d\r\n\r\n" % len(door.small))
        connection.sendall(door.small + door.cheap)
        connection.shutdown(socket.SHUT_WR)
        answer = rest_of(connection)
    assert answer.startswith(b"HTTP/1.1 200 OK\r\n")
    assert answer.count(b"HTTP/1.1 200 OK\r\n") + answer.count(b"HTTP/1.1 204 No Content\r\n") == 2


def test_a_refused_upload_is_read_past_for_so_many_bytes_only(server: Server, door: Door) -> None:
    refused = door.upload.replace(KEY.encode(), b"nobody's") + b"Transfer-Encoding: chunked\r\n\r\n"
    with connected(server) as connection:
        connection.sendall(refused)
        assert b"401" in connection.recv(65_536)
        assert send_until_cut(connection, b"1\r\nx\r\n" * 100_000, 200) < 200
    assert _is_served(server)


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"1\r\n \r\n" * 40_000, 400),
        (b"1;" + b"x" * 100 + b"\r\n \r\n", 400),
        (b"1;" + b"x" * 8_000_000 + b"\r\n \r\n", 431),
        (b"4000\r\n" + b"\r\n\r\n" * 0x1000 + b"\r\n", 400),
    ],
    ids=["one byte each", "extensions", "endless extension", "empty lines"],
)
def test_chunks_that_are_mostly_framing_are_refused(server: Server, door: Door, body: bytes, status: int) -> None:
    body = body * (1 + 200_000 // len(body))
    answer = raw_answer(server, door.upload + b"Transfer-Encoding: chunked\r\n\r\n" + body)
    assert status_of(answer) == status


@pytest.mark.parametrize("count", [101, 30_000])
def test_headers_are_counted_before_anything_is_done_with_them(server: Server, door: Door, count: int) -> None:
    assert status_of(raw_answer(server, door.cheap[:-2] + b"a:b\r\n" * count + b"\r\n")) == 431


@pytest.mark.parametrize(
    ("version", "status"),
    [(b"", 505), (b" HTTP/0.9", 505), (b" HTTP/2.0", 505), (b" HTTP/3.7", 400), (b" FTP/1.1", 400)],
)
def test_other_versions_are_not_spoken(server: Server, door: Door, version: bytes, status: int) -> None:
    answer = raw_answer(server, door.cheap.replace(b" HTTP/1.1", version, 1))
    assert status_of(answer) == status
    assert b"application/problem+json" in answer


@pytest.mark.parametrize(
    "host", [b"a b", b"a/b", b"me@host", b"[::1", b"x:80:80", b"x:http", b"x:99999999", b"\xff", b'"x"', b"a\tb"]
)
def test_a_host_is_a_host(server: Server, door: Door, host: bytes) -> None:
    assert status_of(raw_answer(server, door.cheap.replace(b"Host: x", b"Host: " + host))) == 400


@pytest.mark.parametrize("host", [b"", b"x:", b"x:80", b"[::1]:8000", b"127.0.0.1", b"a-b.example.org", b"a_b"])
def test_hosts_of_every_lawful_form_are_taken(server: Server, door: Door, host: bytes) -> None:
    request = door.cheap.replace(b"Host: x", b"Connection: close\r\nHost: " + host)
    assert raw_answer(server, request).startswith(door.answer)


def test_connections_that_find_no_place_may_only_ask_how_the_service_is(narrow: Server, door: Door) -> None:
    with ExitStack() as stack:
        taken = [stack.enter_context(connected(narrow)) for _ in range(4)]
        for connection in taken:
            connection.sendall(door.upload + b"Content-Length: 100\r\n\r\n")
        refused = raw_answer(narrow, b"GET /health HTTP/1.1\r\nHost: x\r\n\r\n")
        assert (status_of(refused), b"TOO_MANY_CONNECTIONS" in refused) == (503, True)
        assert b"\r\nretry-after: " in refused
        assert status_of(raw_answer(narrow, REST.cheap)) == 200
    assert _is_served(narrow)


def test_silent_connections_do_not_keep_probes_out(narrow: Server) -> None:
    with ExitStack() as stack:
        for _ in range(100):
            stack.enter_context(connected(narrow))
        assert status_of(raw_answer(narrow, REST.cheap)) == 200


@pytest.mark.parametrize("sent", [b"", b"GET /health", b"\r\n\r\n"], ids=["nothing", "half a line", "empty lines"])
def test_who_does_not_come_to_the_point_is_cut_off(hasty: Server, sent: bytes) -> None:
    assert raw_answer(hasty, sent)[9:12] in {b"", b"408"}


def test_an_idle_connection_is_closed(hasty: Server, door: Door) -> None:
    assert raw_answer(hasty, door.cheap).count(b"HTTP/1.1") == 1


@pytest.mark.parametrize("door", [REST, pytest.param(SSE, marks=pytest.mark.long)], ids=["REST", "SSE"])
def test_a_body_of_a_byte_now_and_then_is_given_up(hasty: Server, door: Door) -> None:
    with connected(hasty) as connection:
        connection.sendall(door.upload + b"Content-Length: 10000\r\n\r\n")
        connection.settimeout(0.05)
        for _ in range(9_000):
            connection.sendall(b" ")
            try:
                answer = connection.recv(65_536)
                break
            except TimeoutError:
                continue
    assert (status_of(answer), b"REQUEST_TIMEOUT" in answer) == (408, True)


def _is_held(server: Server, connection: socket.socket) -> bool:
    """Tell whether the server still has its end; what the kernel goes on to send alone has no inode."""
    local, remote = f":{server.port:04X}", f":{connection.getsockname()[1]:04X}"
    rows = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()]
    return any(row[1].endswith(local) and row[2].endswith(remote) and row[9] != "0" for row in rows)


def test_an_answer_is_cut_that_takes_too_long_to_be_read_though_it_never_stalls(hasty: Server) -> None:
    body = b'{"grid_size": 512, "steps": 1, "include": ["field"]}'
    with connected(hasty) as connection:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        connection.sendall(REST.upload + b"Content-Length: %d\r\n\r\n" % len(body) + body)
        head = connection.recv(500)
        length = int(re.search(rb"content-length: (\d+)", head)[1])  # type: ignore[index] # each answer has one
        got = len(head)
        while _is_held(hasty, connection) and got < length:
            got += len(connection.recv(1000))
            time.sleep(0.02)
    assert got < length
    assert _is_served(hasty)
