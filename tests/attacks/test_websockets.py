"""Attacks on WebSockets: what nobody reads is not written, and what nobody takes is not kept."""

from __future__ import annotations

import socket
import struct
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

import httpx
import pytest

from tests.attacks.doors import connected, resident_kib, rest_of, send_until_cut
from tests.service.helpers import AUTH, ION, KEY, Server, running

TEXT, PING, CLOSE = 0x1, 0x9, 0x8
_CLOSED = b"\x88\x02\x03\xe8"
HANDSHAKE = (
    "GET /ws/simulate HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
    "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n"
)


def _frame(opcode: int, content: bytes = b"", *, last: bool = True) -> bytes:
    """Return a frame of a client, masked with zeros."""
    head = bytes([(0x80 if last else 0) | opcode])
    size = len(content)
    if size < 126:
        length = bytes([0x80 | size])
    elif size < 65_536:
        length = struct.pack("!BH", 0x80 | 126, size)
    else:
        length = struct.pack("!BQ", 0x80 | 127, size)
    return head + length + bytes(4) + content


@contextmanager
def _open(server: Server, key: str | None = KEY) -> Iterator[socket.socket]:
    given = f"X-API-Key: {key}\r\n" if key else ""
    with connected(server) as connection:
        connection.sendall(f"{HANDSHAKE}{given}\r\n".encode())
        answer = b""
        while not answer.endswith(b"\r\n\r\n"):
            answer += connection.recv(1)
        assert answer.startswith(b"HTTP/1.1 101 ")
        yield connection


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with running(tmp_path_factory.mktemp("spoken"), WARMUP="false", RATE_LIMIT_ENABLED="false") as server:
        yield server


def _is_served(server: Server) -> bool:
    return httpx.post(f"{server.url}/nernst", json=ION, headers=AUTH, timeout=60).status_code == 200


@pytest.mark.slow
@pytest.mark.parametrize(
    "flood",
    [_frame(PING, b"x" * 125), _frame(TEXT, b'{"type": "ping"}')],
    ids=["pings", "messages"],
)
def test_answers_that_nobody_reads_are_not_kept(server: Server, flood: bytes) -> None:
    with ExitStack() as stack:
        _is_served(server)
        before = resident_kib(server)
        for _ in range(2):
            connection = stack.enter_context(_open(server))
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            connection.settimeout(1)
            try:
                send_until_cut(connection, flood * 2000, 100)
            except TimeoutError:
                continue
        assert resident_kib(server) - before < 12 * 1024
        assert _is_served(server)


def test_messages_of_strangers_that_nobody_takes_are_not_kept(server: Server) -> None:
    with ExitStack() as stack:
        _is_served(server)
        before = resident_kib(server)
        for _ in range(8):
            connection = stack.enter_context(_open(server, key=None))
            connection.settimeout(0.2)
            try:
                send_until_cut(connection, _frame(TEXT, b"x") * 40_000, 3)
            except TimeoutError:
                continue
        assert resident_kib(server) - before < 12 * 1024
        assert _is_served(server)


def test_fragments_without_content_are_bounded_by_their_number(server: Server) -> None:
    with _open(server) as connection:
        connection.sendall(_frame(TEXT, b"{", last=False))
        assert send_until_cut(connection, _frame(0, last=False) * 10_000, 200) < 200
    assert _is_served(server)


def test_a_message_that_is_too_long_ends_the_connection(server: Server) -> None:
    with _open(server) as connection:
        send_until_cut(connection, _frame(TEXT, b"x" * 70_000), 1)
        assert b"\x03\xf1" in rest_of(connection)  # 1009


@pytest.mark.parametrize("ahead", [b"", _frame(PING) * 2000, _frame(TEXT, b'{"type": "ping"}') * 2000])
def test_a_client_that_leaves_frees_its_thread_whatever_it_has_sent_ahead(server: Server, ahead: bytes) -> None:
    start = b'{"type": "start", "config": {"grid_size": 512, "steps": 7000}, "every": 7000}'
    with _open(server) as connection:
        connection.sendall(_frame(TEXT, start))
        _wait_for_threads(server, 1)
        connection.sendall(ahead)
    _wait_for_threads(server, 0)


def test_who_closes_while_messages_wait_is_answered(server: Server) -> None:
    with _open(server) as connection:
        connection.sendall(_frame(TEXT, b'{"type": "ping"}') * 5000 + _frame(CLOSE, b"\x03\xe8"))
        assert rest_of(connection).endswith(_CLOSED)


HOSTILE = {
    "not masked": b"\x81\x02{}",
    "reserved bits": b"\xf1" + _frame(TEXT, b"{}")[1:],
    "reserved opcode": _frame(0x3, b"{}"),
    "reserved control": _frame(0xB, b""),
    "long ping": _frame(PING, b"x" * 126),
    "ping in pieces": _frame(PING, b"x", last=False),
    "a continuation of nothing": _frame(0, b"x"),
    "a text inside another": _frame(TEXT, b"{", last=False) + _frame(TEXT, b"}"),
    "half a character": _frame(TEXT, b'"\xc3"'),
    "a length of eight exbibytes": b"\x81\xff" + struct.pack("!Q", 2**63) + bytes(4),
    "a length of a tebibyte": b"\x81\xff" + struct.pack("!Q", 2**40) + bytes(4),
    "a close of one byte": _frame(CLOSE, b"\x03"),
    "a close with a code of nobody": _frame(CLOSE, struct.pack("!H", 1005)),
}


@pytest.mark.parametrize("hostile", HOSTILE)
def test_frames_that_cannot_be_end_their_own_connection(server: Server, hostile: str) -> None:
    with _open(server) as connection, _open(server) as other:
        connection.sendall(HOSTILE[hostile])
        told = rest_of(connection)
        assert told[:1] == b"\x88"  # a close, with a code
        assert len(told) >= 4
        other.sendall(_frame(TEXT, b'{"type": "ping"}'))
        assert b"pong" in other.recv(100)
    assert "Traceback" not in server.log.read_text()


def test_a_stream_without_a_pause_leaves_the_loop_to_others(server: Server) -> None:
    start = b'{"type": "start", "config": {"grid_size": 16, "steps": 5000}, "every": 1, "include": []}'
    with _open(server) as connection, httpx.Client(base_url=server.url, timeout=120) as client:
        connection.sendall(_frame(TEXT, start))
        connection.settimeout(120)
        told = connection.recv(65_536)
        for _ in range(20):
            assert client.get("/health/live").status_code == 200
            told = told[-100:] + connection.recv(65_536)
        assert b'"completed"' not in told


def _wait_for_threads(server: Server, busy: int) -> None:
    for _ in range(15_000):
        if server.metric("mfn_compute_threads_busy") == busy:
            return
        time.sleep(0.02)
    raise AssertionError(f"never were {busy} threads busy")
