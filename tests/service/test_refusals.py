"""What the protocol refuses before the application sees it is written down like every other request."""

from __future__ import annotations

import json
import socket
import time
from collections.abc import Iterator
from typing import Any

import pytest

from tests.service.helpers import ION, KEY, Server, raw_answer, running

pytestmark = pytest.mark.slow

BODY = json.dumps(ION).encode()
MINE = "X-Request-ID: ticket-4711\r\n"
HEAD = f"POST /nernst HTTP/1.1\r\nHost: x\r\nX-API-Key: {KEY}\r\nContent-Type: application/json\r\n{MINE}"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    settings = {"WARMUP": "false", "STALL_SECONDS": "1", "RATE_LIMIT_ENABLED": "false"}
    with running(tmp_path_factory.mktemp("refusals"), **settings) as server:
        yield server


def _lines(server: Server, request_id: str) -> list[dict[str, Any]]:
    """Return the lines of a request, once it has one."""
    for _ in range(6000):
        lines = [json.loads(line) for line in server.log.read_bytes().splitlines()]
        found = [line for line in lines if line.get("request_id") == request_id]
        if found:
            return found
        time.sleep(0.02)
    raise AssertionError(f"there is no line of {request_id}")


def _problem(answer: bytes) -> dict[str, Any]:
    head, _, body = answer.partition(b"\r\n\r\n")
    problem: dict[str, Any] = json.loads(body)
    assert f"x-request-id: {problem['request_id']}".encode() in head
    return problem


@pytest.mark.parametrize(
    ("request_", "status", "code", "method", "path", "route"),
    [
        ("NOT HTTP AT ALL\r\n\r\n", 400, "BAD_REQUEST", None, None, "unmatched"),
        ("CONNECT x:80 HTTP/1.1\r\nHost: x\r\n\r\n", 400, "BAD_REQUEST", None, None, "unmatched"),
        ("POST /nernst?token=tell-nobody HTTP/1.1\r\nbad\r\n\r\n", 400, "BAD_REQUEST", "POST", "/nernst", "/nernst"),
        ("GET /hea", 408, "REQUEST_TIMEOUT", "GET", "/hea", "unmatched"),
        (f"GET /health HTTP/1.1\r\nX: {'b' * 70_000}\r\n\r\n", 431, "HEADERS_TOO_LARGE", "GET", "/health", "/health"),
        (
            f"GET /{'a' * 9000} HTTP/1.1\r\n\r\n",
            414, "URI_TOO_LONG", "GET", f"/{'a' * 199}... <9001 characters>", "unmatched",
        ),
    ],
    ids=["no-http", "connect", "header", "stalled", "431", "414"],
)  # fmt: skip
def test_a_refused_head_has_one_line_with_what_was_read_of_it(
    server: Server, request_: str, status: int, code: str, method: str | None, path: str | None, route: str
) -> None:
    request_id = _problem(raw_answer(server, request_.encode()))["request_id"]
    (line,) = _lines(server, request_id)
    expected = {"event": "request", "status": status, "code": code, "method": method, "path": path, "route": route}
    assert {**expected, "client_ip": "127.0.0.1", "key_id": None}.items() <= line.items()
    assert "tell-nobody" not in server.log.read_text()


@pytest.mark.parametrize(
    ("rest", "status", "code"),
    [
        ("Content-Length: 100\r\n\r\n{", 408, "REQUEST_TIMEOUT"),
        ("Transfer-Encoding: chunked\r\n\r\nzz\r\n", 400, "BAD_REQUEST"),
        ("Transfer-Encoding: chunked\r\n\r\n5\r\n{", 408, "REQUEST_TIMEOUT"),
        ("Content-Length: many\r\n\r\n", 400, "BAD_REQUEST"),
        (f"X-Long: {'b' * 70_000}\r\n\r\n", 431, "HEADERS_TOO_LARGE"),
    ],
)
def test_a_refusal_counts_once_with_the_status_and_the_id_of_its_answer(
    server: Server, rest: str, status: int, code: str
) -> None:
    labels = {"endpoint": "/nernst", "method": "POST", "status": str(status)}
    before = server.metric("mfn_http_requests_total", **labels)
    head = HEAD.replace("ticket-4711", f"{len(rest)}-{code}")
    problem = _problem(raw_answer(server, (head + rest).encode()))
    (line,) = _lines(server, f"{len(rest)}-{code}")
    assert (line["status"], line["code"]) == (status, code) == (problem["status"], problem["code"])
    assert server.metric("mfn_http_requests_total", **labels) == before + 1
    assert server.metric("mfn_http_requests_total", endpoint="/nernst", status="499") == 0
    assert server.metric("mfn_http_requests_in_progress", endpoint="/nernst") == 0


def test_a_bad_request_behind_another_does_not_take_its_answer(server: Server) -> None:
    good = f"{HEAD}Content-Length: {len(BODY)}\r\n\r\n".encode() + BODY
    answers = raw_answer(server, good + b"\x16\x03\x01 no HTTP")
    first, _, second = answers.partition(b'"potential_mV":')
    assert first.startswith(b"HTTP/1.1 200 OK")
    assert b"HTTP/1.1 400 " in second


def test_a_refusal_knows_nothing_of_the_request_before_it_on_its_connection(server: Server) -> None:
    with socket.create_connection(("127.0.0.1", server.port), timeout=120) as connection:
        connection.sendall(f"{HEAD}Content-Length: {len(BODY)}\r\n\r\n".encode() + BODY)
        answer = b""
        while b"}" not in answer:
            answer += connection.recv(4096)
        connection.sendall(b"\x16\x03\x01")
        problem = _problem(connection.makefile("rb").read())
    (line,) = _lines(server, problem["request_id"])
    assert (line["method"], line["path"], line["status"]) == (None, None, 400)
