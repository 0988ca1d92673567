"""Floods of requests that lead nowhere, and what every answer says to caches and browsers."""

from __future__ import annotations

import pytest

from tests.service.helpers import AUTH, ION, Log, client_of, make_app, sample

pytestmark = pytest.mark.anyio


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.mark.parametrize(("method", "path", "status"), [("GET", "/nothing", 404), ("GET", "/simulate", 405)])
async def test_strays_are_all_counted_and_not_all_logged(method: str, path: str, status: int) -> None:
    log = Log()
    app = make_app(log, rate_limit_enabled=False)
    async with client_of(app, headers=AUTH) as client:
        assert {(await client.request(method, path)).status_code for _ in range(1000)} == {status}
        metrics = (await client.get("/metrics")).text
    assert sample(metrics, "mfn_http_requests_total", status=str(status)) == 1000
    assert 100 <= len([line for line in log.named("request") if line["status"] == status]) < 900


PREFLIGHT = {"Origin": "https://page.example", "Access-Control-Request-Method": "POST"}


@pytest.mark.parametrize(
    ("method", "path", "headers"),
    [("GET", "/nothing", {}), ("GET", "/simulate", AUTH), ("OPTIONS", "/simulate", PREFLIGHT), ("OPTIONS", "/", {})],
    ids=["unknown path", "wrong method", "preflight", "options"],
)
async def test_strays_are_limited_and_probes_are_not(method: str, path: str, headers: dict[str, str]) -> None:
    app = make_app(rate_limits={"stray": 3}, cors_origins=[PREFLIGHT["Origin"]])
    async with client_of(app, headers=headers) as client:
        statuses = [(await client.request(method, path)).status_code for _ in range(5)]
        assert (await client.get("/health/live")).status_code == 200
    assert statuses[:3] == 3 * [statuses[0]]
    assert statuses[3:] == [429, 429]


async def test_lines_of_unknown_callers_that_are_refused_for_their_number_are_sampled() -> None:
    log = Log()
    async with client_of(make_app(log, rate_limits={"failed_auth": 5})) as client:
        assert [(await client.post("/nernst", json=ION)).status_code for _ in range(400)] == 5 * [401] + 395 * [429]
    assert 100 <= len([line for line in log.named("request") if line["status"] == 429]) < 390


@pytest.mark.parametrize("path", ["/health", "/nothing", "/nernst"])
async def test_no_answer_is_kept_or_guessed_at(path: str) -> None:
    async with client_of(make_app(), headers=AUTH) as client:
        answer = await (client.post(path, json=ION) if path == "/nernst" else client.get(path))
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["x-content-type-options"] == "nosniff"
