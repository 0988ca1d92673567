"""Cost, memory and turns, through the door."""

from __future__ import annotations

import asyncio
import io
import threading
from typing import Any

import numpy as np
import pytest

from tests.service.helpers import AUTH, KEY, client_of, make_app

OTHER = "another-key-for-tests"
FIELD = {"grid_size": 16, "steps": 100}  # 25,600 cell steps
NPY = {**AUTH, "Content-Type": "application/x-npy"}


def _npy(side: int) -> bytes:
    stream = io.BytesIO()
    np.save(stream, np.full((side, side), -60.0))
    return stream.getvalue()


@pytest.mark.anyio
async def test_a_key_that_has_asked_for_too_much_is_told_when_to_return_and_others_go_on() -> None:
    app = make_app(api_keys=OTHER, max_cell_steps=60_000, cost_limit=60_000)
    async with client_of(app) as client:
        answers = [await client.post("/simulate", json=FIELD, headers=AUTH) for _ in range(3)]
        other = await client.post("/simulate", json=FIELD, headers={"X-API-Key": OTHER})
        small = await client.post("/simulate", json={"grid_size": 8, "steps": 10}, headers=AUTH)
    assert [answer.status_code for answer in answers] == [200, 200, 429]
    assert answers[2].json()["code"] == "RATE_LIMIT_EXCEEDED"
    assert "25,600 cell steps, and 8,800 of 60,000 a minute are left" in answers[2].json()["message"]
    assert 1 <= int(answers[2].headers["retry-after"]) <= 60
    assert (other.status_code, small.status_code) == (200, 200)


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/features", {"field": [[-60.0] * 32] * 32}),
        ("/federated/aggregate", {"gradients": [[1.0], [1.1], [0.9], [1.0], [1.2]], "rule": "krum"}),
        ("/simulate", {"grid_size": 16, "steps": 10, "include": ["lyapunov"]}),
    ],
)
async def test_everything_that_computes_is_paid_in_the_same_currency(path: str, body: Any) -> None:
    app = make_app()
    charged: list[int] = []
    charge = app.state.services.limiter.charge

    async def noted(who: str, cost: int) -> Any:
        charged.append(cost)
        return await charge(who, cost)

    app.state.services.limiter.charge = noted
    async with client_of(app, headers=AUTH) as client:
        assert (await client.post(path, json=body)).status_code == 200
    assert len(charged) == 1
    assert charged[0] > 0


@pytest.mark.anyio
async def test_what_was_refused_for_a_full_queue_costs_nothing() -> None:
    app = make_app(compute_threads=1, compute_queue=0, max_cell_steps=60_000, cost_limit=60_000)
    gate = threading.Event()
    running = asyncio.create_task(app.state.services.compute.run(lambda _: gate.wait(120), key="else"))
    async with client_of(app, headers=AUTH) as client:
        while not app.state.services.compute.running:
            await asyncio.sleep(0.005)
        refused = [(await client.post("/simulate", json=FIELD)).json()["code"] for _ in range(5)]
        gate.set()
        await running
        passed = [(await client.post("/simulate", json=FIELD)).status_code for _ in range(2)]
    assert refused == ["QUEUE_FULL"] * 5
    assert passed == [200, 200]


@pytest.mark.anyio
async def test_a_body_for_which_there_is_no_memory_is_refused_before_it_is_read() -> None:
    app = make_app(max_memory_bytes=200_000)
    reads: list[int] = []
    body = _npy(128)

    async def receive() -> Any:
        reads.append(1)
        return {"type": "http.request", "body": body, "more_body": False}

    budget = app.state.services.memory
    with budget.hold(150_000):
        status, headers = await _ask(app, receive, len(body))
    assert (status, reads) == (503, [])
    assert headers[b"retry-after"] == b"1"
    assert budget.used == 0


async def _ask(app: Any, receive: Any, length: int) -> tuple[int, dict[bytes, bytes]]:
    sent: list[Any] = []

    async def send(message: Any) -> None:
        sent.append(message)

    headers = [
        (b"host", b"service"),
        (b"x-api-key", KEY.encode()),
        (b"content-type", b"application/x-npy"),
        (b"content-length", b"%d" % length),
    ]
    scope = {
        "type": "http",
        "method": "POST",
        "path": "/features",
        "raw_path": b"/features",
        "query_string": b"",
        "headers": headers,
        "client": ("203.0.113.7", 1),
        "http_version": "1.1",
        "scheme": "http",
        "server": ("service", 80),
    }
    await app(scope, receive, send)
    return sent[0]["status"], dict(sent[0]["headers"])


@pytest.mark.anyio
async def test_a_chunked_body_is_refused_as_soon_as_there_is_no_memory_for_more() -> None:
    app = make_app(max_memory_bytes=100_000)

    async def pieces() -> Any:
        for _ in range(100):
            yield b" " * 10_000

    async with client_of(app, headers=NPY) as client:
        answer = await client.post("/features", content=pieces())
    assert answer.status_code == 413
    assert "MFN_MAX_MEMORY_BYTES" in answer.json()["message"]
    assert app.state.services.memory.used == 0


@pytest.mark.anyio
@pytest.mark.parametrize("body", [b"no array", _npy(300)], ids=["wrong", "right"])
async def test_memory_is_given_back_whatever_came_of_the_request(body: bytes) -> None:
    app = make_app()
    async with client_of(app, headers=NPY) as client:
        await client.post("/features", content=body)
    assert app.state.services.memory.used == 0


@pytest.mark.anyio
async def test_without_limits_nothing_is_counted() -> None:
    app = make_app(rate_limit_enabled=False, max_cell_steps=60_000, cost_limit=60_000)
    async with client_of(app, headers=AUTH) as client:
        codes = [(await client.post("/simulate", json=FIELD)).status_code for _ in range(4)]
    assert codes == [200] * 4
