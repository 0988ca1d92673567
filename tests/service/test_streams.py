"""Streams over WebSocket and Server-Sent Events, as the pinned messages have them, from a real server."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from typing import Any

import httpx
import numpy as np
import pytest
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import ClientConnection, connect

import mycelium_fractal_net as mfn
from tests.service.helpers import AUTH, KEY, Server, running

pytestmark = pytest.mark.slow

CONFIG: dict[str, Any] = {"grid_size": 16, "steps": 20, "seed": 7}
RESULT = mfn.simulate(mfn.SimulationConfig(**CONFIG))


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with running(
        tmp_path_factory.mktemp("streams"), WARMUP="false", RATE_LIMIT_ENABLED="false", STREAM_IDLE_SECONDS="2"
    ) as server:
        yield server


def _open(server: Server, path: str = "/ws/simulate", **options: Any) -> ClientConnection:
    options = {"additional_headers": AUTH, "subprotocols": ["mfn.v1"], **options}
    socket: ClientConnection = connect(f"ws://127.0.0.1:{server.port}{path}", open_timeout=60, **options)
    return socket


def _say(socket: ClientConnection, kind: str, **members: Any) -> None:
    socket.send(json.dumps({"type": kind, **members}))


def _hear(socket: ClientConnection) -> dict[str, Any]:
    message: dict[str, Any] = json.loads(socket.recv(timeout=60))
    return message


def _until(socket: ClientConnection, kind: str) -> list[dict[str, Any]]:
    heard = [_hear(socket)]
    while heard[-1]["type"] != kind:
        heard.append(_hear(socket))
    return heard


def test_a_stream_says_the_pinned_messages_and_gives_the_bits_of_simulate(server: Server) -> None:
    with _open(server) as socket:
        assert socket.subprotocol == "mfn.v1"
        _say(socket, "start", config=CONFIG, every=8, include=["features"])
        started, *frames, completed = _until(socket, "completed")
    assert (started["type"], started["stream"], started["sequence"], started["total_steps"]) == ("started", "s1", 0, 20)
    assert [(one["type"], one["sequence"], one["step"]) for one in frames] == [
        ("frame", 1, 8), ("frame", 2, 16), ("frame", 3, 20),
    ]  # fmt: skip
    assert frames[-1]["features"] == pytest.approx(RESULT.features.to_dict())
    assert frames[-1]["statistics"]["pot_mean_mV"] == pytest.approx(RESULT.field_mv.mean())
    assert completed["sequence"] == 4
    assert completed["receipt"]["result_digest"] == RESULT.digest
    assert mfn.simulate(mfn.SimulationConfig(**completed["config"])).digest == RESULT.digest
    unary = httpx.post(f"{server.url}/simulate", json=CONFIG, headers=AUTH, timeout=120).json()
    assert completed["receipt"] == unary["receipt"]
    assert {name: completed["result"][name] for name in unary if name != "receipt"} == {
        name: value for name, value in unary.items() if name != "receipt"
    }


def _frame(socket: ClientConnection) -> tuple[dict[str, Any], bytes]:
    frame = _hear(socket)
    assert frame["type"] == "frame", frame
    binary = socket.recv(timeout=60)
    assert isinstance(binary, bytes)
    return frame, binary


def test_all_that_waits_is_followed_before_the_next_step(server: Server) -> None:
    change = {"step": 4, "parameter": "leak", "value": 0.2, "over": 0}
    dab = {"step": 4, "row": 3.0, "column": 5.0, "radius": 2.0, "variable": "activator", "value": 1.0, "mode": "set"}
    with _open(server) as socket:
        _say(socket, "start", config=CONFIG, every=2, include=["field"])
        _hear(socket)
        assert [_frame(socket)[0]["step"] for _ in range(2)] == [2, 4]
        _say(socket, "steer", changes=[change])
        _say(socket, "steer", stimuli=[dab])
        _say(socket, "ack", sequence=2)
        while (frame := _frame(socket)[0])["step"] < CONFIG["steps"]:
            _say(socket, "ack", sequence=frame["sequence"])
        _say(socket, "ack", sequence=frame["sequence"])
        [completed] = _until(socket, "completed")
    assert (completed["config"]["schedule"], completed["config"]["stimuli"]) == ([change], [dab])


def test_another_field_is_sent_from_the_next_frame_on(server: Server) -> None:
    with _open(server) as socket:
        _say(socket, "start", config=CONFIG, every=1, include=["field"])
        _hear(socket)
        assert _frame(socket)[0]["field"]["field"] == "v"
        _say(socket, "set", field="activator")
        while True:
            frame, binary = _frame(socket)
            _say(socket, "ack", sequence=frame["sequence"])
            if frame["step"] == CONFIG["steps"]:
                break
        assert frame["field"]["field"] == "activator"
        assert np.array_equal(np.frombuffer(binary, "<f4").reshape(16, 16), RESULT.activator.astype("<f4"))


def test_of_frames_with_a_field_two_are_on_their_way(server: Server) -> None:
    with _open(server) as socket:
        _say(socket, "start", config=CONFIG, every=1, include=["field"])
        assert _hear(socket)["type"] == "started"
        assert [_frame(socket)[0]["sequence"] for _ in "ab"] == [1, 2]
        _say(socket, "ping")
        assert _hear(socket) == {"type": "pong"}  # and no third frame
        for sequence in range(3, 21):
            _say(socket, "ack", stream="s1", sequence=sequence - 1)
            frame, binary = _frame(socket)
            assert (frame["sequence"], frame["field"]) == (
                sequence, {"dtype": "float32", "shape": [16, 16], "field": "v"},
            )  # fmt: skip
        _say(socket, "ack", stream="s1", sequence=20)
        assert _hear(socket)["type"] == "completed"
    assert np.array_equal(np.frombuffer(binary, "<f4").reshape(16, 16), RESULT.field_mv.astype(np.float32))


def test_a_reader_that_acknowledges_nothing_is_told_where_to_resume(server: Server) -> None:
    with _open(server) as socket:
        _say(socket, "start", config=CONFIG, every=1, include=["field"])
        _hear(socket)
        _frame(socket)
        _frame(socket)
        error = _hear(socket)
    assert (error["type"], error["stream"], error["resume_after"]) == ("error", "s1", 2)
    assert error["problem"]["code"] == "REQUEST_TIMEOUT"


def test_a_resumed_stream_is_gapless(server: Server) -> None:
    with _open(server) as socket:
        _say(socket, "start", stream="again", config=CONFIG, every=8, resume_after=2)
        frame, completed = _until(socket, "completed")
    assert (frame["sequence"], frame["step"], completed["sequence"]) == (3, 20, 4)
    assert completed["receipt"]["result_digest"] == RESULT.digest


def test_a_stream_can_be_paused_steered_and_resumed(server: Server) -> None:
    with _open(server) as socket:
        _say(socket, "start", config={**CONFIG, "steps": 2000}, every=1, include=["field"])
        _hear(socket)
        _frame(socket)
        _say(socket, "pause", stream="s1")
        _say(socket, "steer", stream="s1", changes=[{"parameter": "alpha", "value": 0.1}])
        _say(socket, "set", stream="s1", every=1000)
        _say(socket, "resume", stream="s1")
        for sequence in range(2, 2004):
            _say(socket, "ack", stream="s1", sequence=sequence - 1)
            heard = _hear(socket)
            if heard["type"] == "completed":
                break
            assert isinstance(socket.recv(timeout=60), bytes)
    config = mfn.SimulationConfig(**heard["config"])
    assert [change.parameter for change in config.schedule] == ["alpha"]
    assert mfn.simulate(config).digest == heard["receipt"]["result_digest"]


def test_a_cancelled_stream_ends_and_its_connection_goes_on(server: Server) -> None:
    with _open(server) as socket:
        _say(socket, "start", stream="long", config={"grid_size": 512, "steps": 7000}, every=7000)
        assert _hear(socket)["type"] == "started"
        _say(socket, "cancel", stream="long")
        error = _hear(socket)
        assert (error["type"], error["stream"], error["problem"]["code"]) == ("error", "long", "CANCELLED")
        _say(socket, "start", config=CONFIG)
        assert _until(socket, "completed")


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ('{"type": "start", "config": {"grid_size": 4}}', "VALIDATION_ERROR"),
        ('{"type": "start", "config": {"alpha": 9}}', "UNSTABLE_PARAMETERS"),
        ('{"type": "start", "resume_after": 99}', "VALIDATION_ERROR"),
        ('{"type": "start", "config": {"grid_size": 512, "steps": 10000}}', "COST_LIMIT_EXCEEDED"),
        ('{"type": "ack", "stream": "nobody", "sequence": 1}', "NOT_FOUND"),
        ('{"type": "dance"}', "VALIDATION_ERROR"),
        ("not json", "VALIDATION_ERROR"),
        ("[" * 60_000, "VALIDATION_ERROR"),
    ],
)
def test_what_cannot_be_done_is_told_and_the_connection_stays(server: Server, text: str, code: str) -> None:
    with _open(server) as socket:
        socket.send(text)
        error = _hear(socket)
        assert (error["type"], error["problem"]["code"], error["resume_after"]) == ("error", code, None)
        _say(socket, "ping")
        assert _hear(socket) == {"type": "pong"}


def test_a_key_may_come_in_the_first_message(server: Server) -> None:
    with _open(server, additional_headers={}) as socket:
        _say(socket, "auth", key=KEY)
        _say(socket, "start", config=CONFIG)
        assert _until(socket, "completed")


@pytest.mark.parametrize("first", ['{"type": "auth", "key": "wrong"}', '{"type": "start"}', '{"type": "auth"}', "[]"])
def test_without_a_key_the_conversation_ends(server: Server, first: str) -> None:
    with _open(server, additional_headers={}) as socket:
        socket.send(first)
        with pytest.raises(ConnectionClosed) as end:
            socket.recv(timeout=60)
    assert end.value.rcvd is not None
    assert end.value.rcvd.code in {4401, 4422}


@pytest.mark.parametrize(
    ("path", "headers", "status", "code"),
    [
        ("/ws/simulate", {"X-API-Key": "wrong"}, 401, "INVALID_API_KEY"),
        ("/ws/simulate?ticket=guessed", {}, 401, "INVALID_API_KEY"),
        ("/ws/simulate", {**AUTH, "Origin": "https://evil.example"}, 403, "INSUFFICIENT_SCOPE"),
        ("/ws/elsewhere", AUTH, 404, "NOT_FOUND"),
    ],
)
def test_a_handshake_is_refused_with_a_problem(
    server: Server, path: str, headers: dict[str, str], status: int, code: str
) -> None:
    with pytest.raises(InvalidStatus) as refused, _open(server, path, additional_headers=headers):
        pass
    assert refused.value.response.status_code == status
    assert json.loads(refused.value.response.body)["code"] == code


def _ticket(server: Server, **members: str) -> str:
    answer = httpx.post(f"{server.url}/tickets", json=members, headers=AUTH, timeout=120)
    assert answer.status_code == 200, answer.text
    return str(answer.json()["ticket"])


def test_a_ticket_opens_one_connection_and_reaches_no_log(server: Server) -> None:
    ticket = _ticket(server)
    with _open(server, f"/ws/simulate?ticket={ticket}", additional_headers={}) as socket:
        _say(socket, "start", config=CONFIG)
        assert _until(socket, "completed")
    with pytest.raises(InvalidStatus), _open(server, f"/ws/simulate?ticket={ticket}", additional_headers={}):
        pass
    assert ticket not in server.log.read_text()


@pytest.mark.parametrize(("message", "code"), [("x" * 70_000, 1009), (b"binary", 4400)], ids=["too long", "not text"])
def test_what_is_no_message_ends_the_connection(server: Server, message: Any, code: int) -> None:
    with _open(server) as socket:
        socket.send(message)
        with pytest.raises(ConnectionClosed) as end:
            socket.recv(timeout=60)
    assert end.value.rcvd is not None
    assert end.value.rcvd.code == code


def _events(text: str) -> list[dict[str, Any]]:
    found = []
    for block in text.split("\n\n"):
        lines = dict(line.partition(": ")[::2] for line in block.split("\n") if not line.startswith(":"))
        if "event" in lines:
            found.append({**lines, "data": json.loads(lines["data"])})
    return found


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_events_are_the_same_messages(server: Server, method: str) -> None:
    if method == "GET":
        query: dict[str, Any] = {**CONFIG, "every": 8, "include": "features,field"}
        answer = httpx.get(f"{server.url}/stream/simulate", params=query, headers=AUTH, timeout=120)
    else:
        members = {"config": CONFIG, "every": 8, "include": ["features", "field"]}
        answer = httpx.post(f"{server.url}/stream/simulate", json=members, headers=AUTH, timeout=120)
    assert (answer.status_code, answer.headers["content-type"]) == (200, "text/event-stream")
    assert (answer.headers["cache-control"], answer.headers["x-accel-buffering"]) == ("no-store", "no")
    assert "retry: " in answer.text
    events = _events(answer.text)
    assert [event["event"] for event in events] == ["started", "frame", "frame", "frame", "completed"]
    assert [event["id"] for event in events] == [f"s1:{number}" for number in range(5)]
    assert all(event["event"] == event["data"]["type"] for event in events)
    field = np.frombuffer(base64.b64decode(events[3]["data"]["field"]["data"]), "<f4").reshape(16, 16)
    assert np.array_equal(field, RESULT.field_mv.astype(np.float32))
    assert events[-1]["data"]["receipt"]["result_digest"] == RESULT.digest


@pytest.mark.parametrize("how", ["header", "query", "member"])
def test_events_go_on_where_the_reader_was(server: Server, how: str) -> None:
    ways: dict[str, dict[str, Any]] = {"query": {"last_event_id": "s1:2"}, "member": {"resume_after": 2}}
    params = ways.get(how, {})
    headers = {**AUTH, "Last-Event-ID": "s1:2"} if how == "header" else AUTH
    answer = httpx.get(f"{server.url}/stream/simulate", params={**CONFIG, **params}, headers=headers, timeout=120)
    assert [event["id"] for event in _events(answer.text)] == ["s1:3", "s1:4"]


def test_a_reader_that_knows_all_is_told_to_stop(server: Server) -> None:
    headers = {**AUTH, "Last-Event-ID": "s1:4"}
    assert httpx.get(f"{server.url}/stream/simulate", params=CONFIG, headers=headers, timeout=120).status_code == 204


def test_a_ticket_of_a_stream_serves_each_of_its_reconnections(server: Server) -> None:
    ticket = _ticket(server, stream="mine")
    url = f"{server.url}/stream/simulate"
    for _ in "ab":
        assert httpx.get(url, params={**CONFIG, "stream": "mine", "ticket": ticket}, timeout=120).status_code == 200
    assert httpx.get(url, params={**CONFIG, "stream": "other", "ticket": ticket}, timeout=120).status_code == 401


@pytest.mark.parametrize(
    ("query", "status"),
    [("grid_size=4", 422), ("grid_size=16&grid_size=16", 422), ("unknown=1", 422), ("last_event_id=s1:x", 422)],
)
def test_a_stream_that_cannot_begin_is_a_problem(server: Server, query: str, status: int) -> None:
    answer = httpx.get(f"{server.url}/stream/simulate?{query}", headers=AUTH, timeout=120)
    assert (answer.status_code, answer.headers["content-type"]) == (status, "application/problem+json")


def test_a_reader_of_events_that_leaves_stops_the_run(server: Server) -> None:
    query = {"grid_size": 512, "steps": 7000, "every": 7000}
    with httpx.stream("GET", f"{server.url}/stream/simulate", params=query, headers=AUTH, timeout=120) as answer:
        lines = answer.iter_lines()  # closed with the last reference to it, and the connection with it
        assert next(lines)
        assert server.metric("mfn_streams_open") == 1
    for _ in range(15_000):
        if server.metric("mfn_streams_open") == server.metric("mfn_compute_threads_busy") == 0:
            return
    raise AssertionError("the run went on")


def test_a_stream_ends_with_the_sequence_to_resume_at_when_the_service_drains(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    with running(tmp_path_factory.mktemp("draining"), WARMUP="false") as server, _open(server) as socket:
        _say(socket, "start", config=CONFIG, every=1, include=["field"])
        _hear(socket)
        _frame(socket)
        _frame(socket)
        server.terminate()
        error = _hear(socket)
        assert (error["problem"]["code"], error["resume_after"]) == ("SERVICE_UNAVAILABLE", 2)
        assert server.process.wait(60) == 0


def test_streams_are_counted_and_each_has_one_line(server: Server) -> None:
    def counted(door: str) -> float:
        return server.metric("mfn_stream_frames_total", door=door)

    def ended(reason: str) -> float:
        return server.metric("mfn_streams_ended_total", door="websocket", reason=reason)

    frames, complete, left = counted("websocket"), ended("COMPLETED"), ended("CANCELLED")
    with _open(server, additional_headers={**AUTH, "X-Request-ID": "counted"}) as socket:
        _say(socket, "start", config=CONFIG, every=8)
        _until(socket, "completed")
        _say(socket, "start", stream="s2", config=CONFIG, every=1, include=["field"])
        _hear(socket)
        _frame(socket)
        _frame(socket)
        assert server.metric("mfn_stream_acks_outstanding") == 2
    for _ in range(15_000):
        if ended("CANCELLED") > left:
            break
    assert (counted("websocket") - frames, ended("COMPLETED") - complete) == (5, 1)
    assert server.metric("mfn_stream_acks_outstanding") == 0
    lines = [json.loads(line) for line in server.log.read_text().splitlines() if '"counted"' in line]
    told = [line for line in lines if line["event"] == "stream"]
    assert [(line["stream"], line["door"], line["frames"], line["ended"]) for line in told] == [
        ("s1", "websocket", 3, "COMPLETED"), ("s2", "websocket", 2, "CANCELLED"),
    ]  # fmt: skip


def test_steering_that_would_cost_too_much_is_refused_and_the_run_goes_on(server: Server) -> None:
    config = {"grid_size": 256, "steps": 9000}
    with _open(server) as socket:
        _say(socket, "start", config=config, every=1, include=["field"])
        _hear(socket)
        _frame(socket)
        _say(socket, "steer", stream="s1", changes=[{"parameter": "D_h", "value": 20.0}])
        _say(socket, "ack", stream="s1", sequence=1)
        while (heard := _hear(socket))["type"] == "frame":
            socket.recv(timeout=60)
            _say(socket, "ack", stream="s1", sequence=heard["sequence"])
        assert (heard["problem"]["code"], heard["resume_after"]) == ("COST_LIMIT_EXCEEDED", None)
