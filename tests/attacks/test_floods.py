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


@pytest.mark.parametrize("path", ["/health", "/nothing", "/nernst"])
async def test_no_answer_is_kept_or_guessed_at(path: str) -> None:
    async with client_of(make_app(), headers=AUTH) as client:
        answer = await (client.post(path, json=ION) if path == "/nernst" else client.get(path))
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["x-content-type-options"] == "nosniff"
