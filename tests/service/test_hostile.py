"""Requests that nobody means well with: each gets its problem, at once, and the service goes on."""

from __future__ import annotations

import gzip
import http.client
import json
import socket
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from tests.service.helpers import AUTH, ION, KEY, SMALL, Server, client_of, make_app, raw_answer, running

JSON = ("Content-Type", "application/json")
BODY = json.dumps(ION).encode()
LINES = ("POST /nernst HTTP/1.1", "Host: x", "Connection: close", f"X-API-Key: {KEY}", "Content-Type: application/json")
HEAD = "".join(f"{line}\r\n" for line in LINES)
FIELD = [[-70.0, -40.0], [-40.0, -70.0]]


async def _send(path: str, content: bytes, *headers: tuple[str, str], method: str = "POST") -> httpx.Response:
    async with client_of(make_app()) as client:
        return await client.request(method, path, content=content, headers=[("X-API-Key", KEY), *headers])


def _is_problem(answer: httpx.Response, status: int, code: str) -> bool:
    body = answer.json()
    assert (answer.status_code, body["code"], body["status"]) == (status, code, status), answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    return bool(body["request_id"] == answer.headers["x-request-id"])


def _with(change: str, whole: dict[str, Any] = ION) -> bytes:
    """Return a body that is right but for what is added to it."""
    return json.dumps(whole)[:-1].encode() + b", " + change.encode("utf-8", "surrogatepass") + b"}"


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("path", "body", "field"),
    [
        ("/nernst", _with('"temperature_k": NaN'), "body"),
        ("/nernst", _with('"temperature_k": Infinity'), "body"),
        ("/nernst", _with('"temperature_k": 1e400'), "body"),
        ("/nernst", _with(f'"temperature_k": {10**350}'), "body"),
        ("/nernst", _with(f'"temperature_k": {"9" * 5000}'), "body"),
        ("/nernst", _with('"temperature_k": "310"'), "temperature_k"),
        ("/nernst", _with('"temperature_k": true'), "temperature_k"),
        ("/nernst", _with('"temperature_k": -0.0'), "temperature_k"),
        ("/nernst", _with('"z_valence": true'), "z_valence"),
        ("/nernst", _with('"z_valence": 1.5'), "z_valence"),
        ("/nernst", _with('"z_valence": [1]'), "z_valence"),
        ("/nernst", _with('"concentration_in_molar": 1'), "body"),
        ("/nernst", _with('"concentration_\\u0069n_molar": 1'), "body"),
        ("/nernst", _with('"\\ud800": 1'), "body"),
        ("/nernst", _with('"spice": 1'), "spice"),
        ("/nernst", BODY + b"{}", "body"),
        ("/nernst", b"\xef\xbb\xbf" + BODY, "body"),
        ("/nernst", b"\x00", "body"),
        ("/nernst", BODY[:-1] + b",}", "body"),
        ("/nernst", b"/* */" + BODY, "body"),
        ("/nernst", _with('"deep": ' + "[" * 10_000 + "]" * 10_000), "body"),
        ("/simulate", _with('"seed": 1.5', SMALL), "seed"),
        ("/simulate", _with('"seed": 1e300', SMALL), "seed"),
        ("/simulate", _with('"seed": true', SMALL), "seed"),
        ("/simulate", _with('"seed": -1', SMALL), "seed"),
        ("/simulate", _with('"clamp_mv": ["-90", "40"]', SMALL), "clamp_mv.0"),
        ("/simulate", _with('"clamp_mv": {"-90": 1, "40": 1}', SMALL), "clamp_mv"),
        ("/simulate", _with('"kinetics": "\\ud800"', SMALL), "body"),
        ("/simulate", _with('"kinetics": "\\u0000"', SMALL), "kinetics"),
        ("/simulate", _with('"kinetics_parameters": [["bias", 1]]', SMALL), "kinetics_parameters"),
        ("/simulate", _with('"include": "field"', SMALL), "include"),
        ("/features", _with('"config": {"connectivity": true}', {"field": FIELD}), "config.connectivity"),
        (
            "/features",
            _with(f'"config": {{"stability_window": {10**300}}}', {"field": FIELD}),
            "config.stability_window",
        ),
        (
            "/features",
            _with(f'"config": {{"active_threshold_mv": {10**350}}}', {"field": FIELD}),
            "body",
        ),
        ("/features", _with(f'"config": {{"box_scales": [1, {10**300}]}}', {"field": FIELD}), "config.box_scales"),
        ("/features", _with(f'"field": [[{10**350}]]', {"periodic": True}), "body"),
        ("/federated/aggregate", _with('"gradients": [[NaN]]', {"rule": "median"}), "body"),
        ("/federated/aggregate", _with('"gradients": [[1.0], null]', {"rule": "median"}), "gradients.1"),
        ("/federated/aggregate", _with('"gradients": [[1.0], ["x"]]', {"rule": "median"}), "gradients.1.0"),
    ],
    ids=lambda value: None if isinstance(value, str) else value[-50:].decode("ascii", "replace"),
)
async def test_one_wrong_value_is_named(path: str, body: bytes, field: str) -> None:
    answer = await _send(path, body, JSON)
    assert _is_problem(answer, 422, "VALIDATION_ERROR")
    assert field in {detail["field"] for detail in answer.json()["details"]}


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("path", "body", "field"),
    [
        ("/features", json.dumps({"field": [[True] * 300_000]}), "field.0.0"),
        ("/features", json.dumps({"field": [[True] * 8000] * 30}), "field.0.0"),
        ("/features", json.dumps({"history": [[["x"]]] * 50_000}), "history.0.0.0"),
        ("/simulate", json.dumps({"include": ["x"] * 10_000}), "include.0"),
        ("/simulate", json.dumps({"clamp_mv": [True] * 10_000}), "clamp_mv"),
        ("/federated/aggregate", json.dumps({"gradients": [[False] * 300_000]}), "gradients.0.0"),
        ("/nernst", json.dumps(dict.fromkeys(map(str, range(6_000)), 0)), "body"),
        ("/nernst", json.dumps(dict.fromkeys(map(str, range(900)), 0))[:-1] + ', "899": 0}', "body"),
    ],
)
async def test_a_million_faults_cost_no_more_than_one(path: str, body: str, field: str) -> None:
    answer = await _send(path, body.encode(), JSON)
    assert _is_problem(answer, 422, "VALIDATION_ERROR")
    assert [detail["field"] for detail in answer.json()["details"]] == [field]


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/federated/aggregate", {"gradients": [[1.0]] * 20_000, "rule": "krum"}),
        ("/federated/aggregate", {"gradients": [[1.0]] * 2_000, "rule": "bulyan"}),
        ("/federated/aggregate", {"gradients": [[1.0]] * 20_000, "num_clusters": 3}),
        ("/federated/aggregate", {"gradients": [[1.0]] * 20_000, "num_clusters": 6_000}),
        ("/federated/aggregate", {"gradients": [[1] * 300] * 3000, "rule": "nnm_trimmed_mean"}),
        ("/federated/aggregate", {"gradients": [[1] * 1300] * 1300, "rule": "geometric_median"}),
    ],
)
async def test_what_would_take_minutes_or_all_memory_is_refused(path: str, body: dict[str, object]) -> None:
    answer = await _send(path, json.dumps(body, separators=(",", ":")).encode(), JSON)
    assert _is_problem(answer, 422, "COST_LIMIT_EXCEEDED")
    assert answer.json()["details"][0]["field"] == "gradients"


@pytest.mark.anyio
@pytest.mark.parametrize(("path", "name", "body"), [("/nernst", "z_valence", ION), ("/simulate", "seed", SMALL)])
async def test_a_whole_number_may_have_a_point(path: str, name: str, body: dict[str, Any]) -> None:
    """So JSON Schema has it, and some languages write them so."""
    answers = [await _send(path, _with(f'"{name}": {number}', body), JSON) for number in ("2", "2.0", "0.2e1")]
    assert [answer.status_code for answer in answers] == [200] * 3
    assert answers[0].json() == answers[1].json() == answers[2].json()


@pytest.mark.anyio
async def test_many_box_sizes_are_refused() -> None:
    body = {"field": [[0.0] * 8000], "config": {"box_scales": list(range(1, 8000))}}
    answer = await _send("/features", json.dumps(body).encode(), JSON)
    assert _is_problem(answer, 422, "VALIDATION_ERROR")


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("content_type", "status"),
    [
        ("application/json; charset=latin-1", 415),
        ("application/json; charset=utf-16", 415),
        ('application/json; charset="UTF-8"', 200),
        ("Application/JSON", 200),
        ("application/problem+json", 415),
        ("application/jsonp", 415),
        ("multipart/form-data; boundary=x", 415),
        (";", 415),
        ("", 415),
    ],
)
async def test_a_body_says_that_it_is_json(content_type: str, status: int) -> None:
    answer = await _send("/nernst", BODY, ("Content-Type", content_type))
    assert status == answer.status_code or _is_problem(answer, 200, "")
    assert status == 200 or _is_problem(answer, status, "UNSUPPORTED_MEDIA_TYPE")


@pytest.mark.anyio
@pytest.mark.parametrize("content", [gzip.compress(BODY, mtime=0), BODY], ids=["compressed", "plain"])
async def test_compressed_bodies_are_not_taken(content: bytes) -> None:
    answer = await _send("/nernst", content, JSON, ("Content-Encoding", "gzip"))
    assert _is_problem(answer, 415, "UNSUPPORTED_MEDIA_TYPE")
    assert answer.headers["accept-encoding"] == "identity"


@pytest.mark.anyio
@pytest.mark.parametrize("name", ["X-API-Key", "Content-Type", "Content-Encoding", "Authorization", "Host", "Origin"])
async def test_a_header_that_is_said_twice_is_refused(name: str) -> None:
    answer = await _send("/nernst", BODY, JSON, (name, "first"), (name, "second"))
    assert _is_problem(answer, 400, "BAD_REQUEST")
    assert name.lower() in answer.json()["message"].lower()


@pytest.mark.anyio
async def test_request_ids_that_are_said_twice_are_replaced() -> None:
    answer = await _send("/nernst", BODY, JSON, ("X-Request-ID", "a"), ("X-Request-ID", "b"))
    assert answer.status_code == 200
    assert len(answer.headers["x-request-id"]) == 32


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("accept", "status"),
    [
        (["application/json, */*;q=0"], 200),
        (["text/html", "application/json"], 200),
        (["application/json", "text/html"], 200),
        (["application/*"], 200),
        (["APPLICATION/JSON;Q=0.001"], 200),
        (["application/json;q=1.0000"], 200),
        (["application/json;q=1.5"], 200),
        (["application/json;q=abc"], 200),
        (["application/json;q="], 200),
        (["application/json;q=inf"], 200),
        (["application/json;q=nan"], 200),
        (["application/json;q=1_0"], 200),
        (["application/json;q=0.0000"], 406),
        (["application/json;q=-1"], 406),
        (["application/*;q=0, */*"], 406),
        (["*"], 406),
        ([",;,"], 406),
        (["text/html," * 20_000], 406),
        ([b"\xff"], 406),
    ],
)
async def test_accept_of_any_shape_is_answered(accept: list[Any], status: int) -> None:
    headers = [(b"Accept", value if isinstance(value, bytes) else value.encode()) for value in accept]
    async with client_of(make_app(), headers=AUTH) as client:
        answer = await client.post("/simulate", json=SMALL, headers=headers)
    assert answer.status_code == status
    assert status == 200 or _is_problem(answer, 406, "NOT_ACCEPTABLE")
    assert "Accept" in answer.headers["vary"]


@pytest.mark.anyio
async def test_parameters_behind_the_path_are_not_passed_over() -> None:
    answer = await _send("/nernst?z_valence=2", BODY, JSON)
    assert _is_problem(answer, 422, "VALIDATION_ERROR")
    assert answer.json()["details"][0]["field"] == "query"


@pytest.mark.anyio
@pytest.mark.parametrize(("method", "path"), [("OPTIONS", "/nernst"), ("HEAD", "/nernst"), ("TRACE", "/health")])
async def test_methods_that_are_not_taken_are_told_which_are(method: str, path: str) -> None:
    answer = await _send(path, b"", method=method)
    assert answer.status_code == 405
    assert answer.headers["allow"] == {"/nernst": "POST", "/health": "GET, HEAD"}[path]


@pytest.mark.anyio
@pytest.mark.parametrize("path", ["/health", "/metrics"])
async def test_what_can_be_got_has_a_head(path: str) -> None:
    whole, head = await _send(path, b"", method="GET"), await _send(path, b"", method="HEAD")
    assert (head.status_code, head.content) == (200, b"")
    assert head.headers["content-type"] == whole.headers["content-type"]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with running(tmp_path_factory.mktemp("hostile"), WARMUP="false", RATE_LIMIT_ENABLED="false") as server:
        yield server


@pytest.fixture(scope="module")
def impatient(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with running(tmp_path_factory.mktemp("impatient"), WARMUP="false", STALL_SECONDS="1") as server:
        yield server


def _refused(answer: bytes, status: int, code: str) -> bool:
    head, _, body = answer.partition(b"\r\n\r\n")
    assert head.startswith(f"HTTP/1.1 {status} ".encode()), answer[:300]
    assert b"content-type: application/problem+json" in head
    problem = json.loads(body)
    assert problem["code"] == code
    return f"x-request-id: {problem['request_id']}".encode() in head


@pytest.mark.parametrize(
    "request_",
    [
        HEAD.replace("Host: x\r\n", "") + "Content-Length: 0\r\n\r\n",
        HEAD.replace("Host: x\r\n", "Host: x\r\nHost: y\r\n") + "Content-Length: 0\r\n\r\n",
        HEAD + "Content-Length: 5\r\nContent-Length: 5\r\n\r\n12345",
        HEAD + "Content-Length: 5\r\nContent-Length: 6\r\n\r\n12345",
        HEAD + "Content-Length: +5\r\n\r\n12345",
        HEAD + "Content-Length: -1\r\n\r\n",
        HEAD + f"Content-Length: {'9' * 25}\r\n\r\n",
        HEAD + "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        HEAD + "Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
        HEAD + "Transfer-Encoding: gzip\r\n\r\n",
        HEAD + "Transfer-Encoding: chunked\r\n\r\nzz\r\n",
        HEAD + "X-Folded: a\r\n b\r\n\r\n",
        HEAD + "X-Null: a\0b\r\n\r\n",
        HEAD.replace("POST", "post") + "\r\n",
        HEAD.replace("POST /nernst", "CONNECT x:80") + "\r\n",
        HEAD.replace("/nernst", "/ner nst") + "\r\n",
        HEAD.replace("\r\n", "\n") + "\n",
        "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
    ],
)
def test_what_can_be_read_in_two_ways_is_read_in_none(server: Server, request_: str) -> None:
    assert _refused(raw_answer(server, request_.encode("latin-1")), 400, "BAD_REQUEST")


@pytest.mark.parametrize(
    ("request_", "status", "code"),
    [
        (HEAD.replace("/nernst", "/" + "a" * 9_000) + "\r\n", 414, "URI_TOO_LONG"),
        (HEAD.replace("/nernst", "/nernst?" + "a" * 9_000) + "\r\n", 414, "URI_TOO_LONG"),
        (HEAD + f"X-Long: {'b' * 70_000}\r\n\r\n", 431, "HEADERS_TOO_LARGE"),
        (HEAD + "".join(f"X-{i}: 1\r\n" for i in range(10_000)) + "\r\n", 431, "HEADERS_TOO_LARGE"),
        (HEAD + f"X-Endless: {'b' * 8_000_000}", 431, "HEADERS_TOO_LARGE"),
        (HEAD.replace("/nernst", "/" + "a" * 8_000_000), 431, "HEADERS_TOO_LARGE"),
        (HEAD + f"Transfer-Encoding: chunked\r\n\r\n0\r\nX-Trailer: {'b' * 8_000_000}", 431, "HEADERS_TOO_LARGE"),
    ],
    ids=lambda value: None if isinstance(value, int) else value[:12],
)
def test_heads_without_end_are_cut_off(server: Server, request_: str, status: int, code: str) -> None:
    assert _refused(raw_answer(server, request_.encode()), status, code)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("sent", "code"),
    [
        ("GET /hea", "REQUEST_TIMEOUT"),
        (HEAD, "REQUEST_TIMEOUT"),
        (HEAD + "Content-Length: 100\r\n\r\n{", "REQUEST_TIMEOUT"),
        (HEAD + "Transfer-Encoding: chunked\r\n\r\n5\r\n{", "REQUEST_TIMEOUT"),
    ],
)
def test_a_request_that_stalls_is_given_up(impatient: Server, sent: str, code: str) -> None:
    assert _refused(raw_answer(impatient, sent.encode()), 408, code)


def test_a_connection_that_says_nothing_is_closed(impatient: Server) -> None:
    assert raw_answer(impatient, b"") == b""


def test_a_refused_request_whose_body_stalls_is_closed_after_its_answer(impatient: Server) -> None:
    request = HEAD.replace(KEY, "wrong").replace("Connection: close\r\n", "") + "Content-Length: 100\r\n\r\n{"
    assert _refused(raw_answer(impatient, request.encode()), 401, "INVALID_API_KEY")


def test_an_answer_that_is_not_read_is_given_up(impatient: Server) -> None:
    body = json.dumps({"grid_size": 512, "steps": 1, "include": ["field"]})
    request = HEAD.replace("/nernst", "/simulate").replace("Connection: close\r\n", "")
    request += f"Content-Length: {len(body)}\r\n\r\n{body}"
    with socket.create_connection(("127.0.0.1", impatient.port), timeout=120) as connection:
        connection.sendall(request.encode() * 6)
        for _ in range(15_000):
            answered = impatient.metric("mfn_http_requests_total", endpoint="/simulate")
            if answered >= 2 and not impatient.metric("mfn_http_requests_in_progress", endpoint="/simulate"):
                return
        raise AssertionError("the second answer still waits for its reader")


def test_a_body_that_arrives_slowly_but_steadily_is_taken(impatient: Server) -> None:
    with socket.create_connection(("127.0.0.1", impatient.port), timeout=120) as connection:
        connection.sendall(f"{HEAD}Content-Length: {len(BODY)}\r\n\r\n".encode())
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        with httpx.Client(base_url=impatient.url, timeout=120) as client:
            for byte in BODY:
                connection.sendall(bytes([byte]))
                client.get("/health")
        assert connection.recv(100).startswith(b"HTTP/1.1 200 ")


@pytest.mark.parametrize(
    ("head", "trailers", "status"),
    [
        (HEAD.replace(f"X-API-Key: {KEY}\r\n", ""), f"X-API-Key: {KEY}\r\n", b"401"),
        (HEAD.replace("Content-Type: application/json\r\n", ""), "Content-Type: application/json\r\n", b"415"),
        (HEAD, "X-Request-ID: smuggled\r\nOrigin: https://evil.example\r\nX-API-Key: another\r\n", b"200"),
        (HEAD, "Connection: Upgrade\r\nUpgrade: websocket\r\nHost: evil\r\nX-API-Key: \xff\r\n", b"200"),
    ],
)
def test_trailers_are_no_headers(server: Server, head: str, trailers: str, status: bytes) -> None:
    chunked = f"{head}Transfer-Encoding: chunked\r\n\r\n{len(BODY):x}\r\n{BODY.decode()}\r\n0\r\n{trailers}\r\n"
    answer = raw_answer(server, chunked.encode("latin-1"))
    assert answer.startswith(b"HTTP/1.1 " + status)
    assert answer.count(b"HTTP/1.1") == 1
    assert b"smuggled" not in answer
    assert b"evil" not in answer


def test_expectations_are_met_only_when_the_body_is_wanted(server: Server) -> None:
    expecting = HEAD + "Expect: 100-continue\r\n"
    wanted = raw_answer(server, f"{expecting}Content-Length: {len(BODY)}\r\n\r\n".encode() + BODY)
    assert wanted.startswith(b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 ")
    too_long = raw_answer(server, f"{expecting}Content-Length: {10**12}\r\n\r\n".encode())
    assert _refused(too_long, 413, "PAYLOAD_TOO_LARGE")


@pytest.mark.parametrize("offer", ["h2c", "websocket", "nothing-known"])
def test_an_offer_to_change_the_protocol_is_passed_over(server: Server, offer: str) -> None:
    """As curl --http2 and Java's client make it: the body must not be lost."""
    upgrade = f"Upgrade: {offer}\r\nHTTP2-Settings: AAMAAABkAARAAAAAAAIAAAAA\r\nContent-Length: {len(BODY)}\r\n\r\n"
    head = HEAD.replace("Connection: close", "Connection: Upgrade, HTTP2-Settings")
    first = (head + upgrade).encode() + BODY
    answers = raw_answer(server, first + f"{HEAD}Content-Length: {len(BODY)}\r\n\r\n".encode() + BODY)
    assert answers.count(b"HTTP/1.1 200 OK") == answers.count(b'{"potential_mV":-89.0') == 2


def test_a_path_without_websockets_answers_an_upgrade_with_a_problem(server: Server) -> None:
    head = "GET /nernst HTTP/1.1\r\nHost: x\r\nConnection: Upgrade, close\r\nUpgrade: websocket\r\n"
    key = "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
    assert _refused(raw_answer(server, (head + key).encode()), 404, "NOT_FOUND")


def test_requests_in_one_go_are_answered_in_their_order(server: Server) -> None:
    keep = HEAD.replace("Connection: close\r\n", "")
    requests = f"{keep}Content-Length: {len(BODY)}\r\n\r\n".encode() + BODY
    requests += b"GET /nothing HTTP/1.1\r\nHost: x\r\n\r\n"
    requests += b"GET /health HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
    answers = raw_answer(server, requests)
    assert [part[:3] for part in answers.split(b"HTTP/1.1 ")[1:]] == [b"200", b"404", b"200"]


def test_a_body_on_get_is_read_past(server: Server) -> None:
    with httpx.Client(base_url=server.url, timeout=120) as client:
        assert client.request("GET", "/health", content=b"x" * 100_000).status_code == 200
        assert client.get("/health").status_code == 200


@pytest.mark.parametrize("chunked", [False, True])
def test_a_body_that_is_too_long_does_not_cost_its_sender_the_answer(server: Server, chunked: bool) -> None:
    """http.client reads nothing before it has sent all."""
    body = b" " * 20_000_000
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=120)
    pieces = (body[i : i + 65_536] for i in range(0, len(body), 65_536))
    connection.request("POST", "/nernst", pieces if chunked else body, {**AUTH, "Content-Type": "application/json"})
    with connection.getresponse() as answer:
        assert (answer.status, json.load(answer)["code"]) == (413, "PAYLOAD_TOO_LARGE")
    connection.close()


def test_bodies_of_refused_requests_do_not_break_the_connection(server: Server) -> None:
    with httpx.Client(base_url=server.url, headers=[JSON], timeout=120) as client:
        answers = [client.post("/nernst", content=b" " * 5_000_000, headers=AUTH | {"X-API-Key": "no"}) for _ in "ab"]
    assert [answer.json()["code"] for answer in answers] == ["INVALID_API_KEY"] * 2
