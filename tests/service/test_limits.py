from __future__ import annotations

import asyncio
import subprocess
import sys
import textwrap
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import redis
from redis.backoff import ConstantBackoff
from redis.retry import Retry

from mycelium_fractal_net.service import limits as module
from mycelium_fractal_net.service.limits import LocalWindow, RateLimiter
from mycelium_fractal_net.service.middleware.guard import Addresses
from mycelium_fractal_net.service.settings import load_settings
from tests.service.helpers import AUTH, ION, client_of, free_port, make_app

REDIS = "redis://127.0.0.1:6379/9"


class Clock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


def test_a_window_moves() -> None:
    clock = Clock()
    window = LocalWindow(clock)
    assert [window.hit_now("a", 2).remaining for _ in range(2)] == [1, 0]
    clock.now += 59
    refused = window.hit_now("a", 2)
    assert (refused.passed, refused.remaining, refused.reset_s) == (False, 0, 1)
    clock.now += 1
    assert window.hit_now("a", 2).passed


def test_refused_requests_do_not_prolong_the_wait() -> None:
    clock = Clock()
    window = LocalWindow(clock)
    window.hit_now("a", 1)
    for _ in range(59):
        clock.now += 1
        assert not window.hit_now("a", 1).passed
    clock.now += 1
    assert window.hit_now("a", 1).passed


def test_names_that_are_idle_are_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_SWEEP_AT", 100)
    clock = Clock()
    window = LocalWindow(clock)
    for number in range(1000):
        clock.now += 1
        window.hit_now(f"ip:{number}", 5)
    assert len(window._times) <= 100


@pytest.mark.anyio
async def test_the_answer_after_the_last_one_is_429_and_says_when_to_return() -> None:
    app = make_app(rate_limits={"nernst": 2})
    async with client_of(app, headers=AUTH) as client:
        answers = [await client.post("/nernst", json=ION) for _ in range(3)]
    assert [answer.status_code for answer in answers] == [200, 200, 429]
    assert [answer.headers["x-ratelimit-remaining"] for answer in answers] == ["1", "0", "0"]
    assert {answer.headers["x-ratelimit-limit"] for answer in answers} == {"2"}
    assert 58 <= int(answers[2].headers["retry-after"]) <= 60
    assert answers[2].headers["x-ratelimit-reset"] == answers[2].headers["retry-after"]
    assert answers[2].json()["code"] == "RATE_LIMIT_EXCEEDED"


@pytest.mark.anyio
async def test_classes_of_endpoints_and_keys_are_counted_apart() -> None:
    app = make_app(api_keys="second", rate_limits={"nernst": 1})
    async with client_of(app) as client:
        statuses = [
            (await client.post("/nernst", json=ION, headers=headers)).status_code
            for headers in (AUTH, {"X-API-Key": "second"}, AUTH)
        ]
        features = await client.post("/features", json={"field": [[1.0]]}, headers=AUTH)
    assert statuses == [200, 200, 429]
    assert features.status_code == 200


@pytest.mark.anyio
async def test_a_key_is_counted_whatever_the_address_and_an_address_where_there_is_no_key() -> None:
    app = make_app(rate_limits={"nernst": 1, "health": 1})
    codes = []
    for address in ("198.51.100.1", "198.51.100.2"):
        async with client_of(app, address) as client:
            codes.append((await client.post("/nernst", json=ION, headers=AUTH)).status_code)
            codes.append((await client.get("/health")).status_code)
    assert codes == [200, 200, 429, 200]


@pytest.mark.anyio
async def test_wrong_keys_are_limited_by_address_and_right_ones_go_on() -> None:
    app = make_app(rate_limits={"failed_auth": 2})
    async with client_of(app) as client:
        wrong = [
            (await client.post("/nernst", json=ION, headers={"X-API-Key": str(number)})).status_code
            for number in range(3)
        ]
        right = await client.post("/nernst", json=ION, headers=AUTH)
    assert wrong == [401, 401, 429]
    assert right.status_code == 200


@pytest.mark.anyio
@pytest.mark.parametrize(("proxies", "second"), [("", 429), ("203.0.113.0/24", 200), ("10.0.0.0/8", 429)])
async def test_forwarded_addresses_count_from_trusted_proxies_only(proxies: str, second: int) -> None:
    app = make_app(rate_limits={"health": 1}, trusted_proxies=proxies)
    async with client_of(app) as client:
        codes = [
            (await client.get("/health", headers={"X-Forwarded-For": f"198.51.100.{number}"})).status_code
            for number in range(2)
        ]
    assert codes == [200, second]


@pytest.mark.parametrize(
    ("forwarded", "client"),
    [
        ("1.2.3.4", "1.2.3.4"),
        ("6.6.6.6, 1.2.3.4", "1.2.3.4"),
        ("1.2.3.4, 10.0.0.2", "1.2.3.4"),
        ("10.0.0.3, 10.0.0.2", "10.0.0.3"),
        ("evil, 10.0.0.2", "10.0.0.2"),
        ("2001:db8::1", "2001:db8::1"),
        (" ", "10.0.0.1"),
    ],
)
def test_the_nearest_address_that_is_no_proxy_is_the_client(forwarded: str, client: str) -> None:
    assert Addresses(["10.0.0.0/8"]).client("10.0.0.1", forwarded) == client


def test_three_processes_share_one_exact_window() -> None:
    prefix = f"mfn-test-{uuid.uuid4().hex}"
    code = textwrap.dedent(f"""
        import asyncio
        from mycelium_fractal_net.service.limits import SharedWindow

        async def hit():
            window = SharedWindow({REDIS!r}, {prefix!r})
            verdicts = [await window.hit("key:a", 50) for _ in range(40)]
            await window.close()
            print(sum(verdict.passed for verdict in verdicts))

        asyncio.run(hit())
    """)
    processes = [subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True) for _ in range(3)]
    passed = [int(process.communicate(timeout=60)[0]) for process in processes]
    assert sum(passed) == 50


@pytest.fixture
def redis_server(tmp_path: Path) -> tuple[int, list[str]]:
    port = free_port()
    return port, ["redis-server", "--port", str(port), "--bind", "127.0.0.1", "--save", "", "--dir", str(tmp_path)]


@contextmanager
def _redis(port: int, command: list[str]) -> Iterator[None]:
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    try:
        with redis.Redis(port=port, retry=Retry(ConstantBackoff(0.05), 100)) as client:
            client.ping()
        yield
    finally:
        process.kill()
        process.wait()


def test_requests_go_on_without_redis_and_return_to_it(
    redis_server: tuple[int, list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_RETRY_SHARED_S", 0.1)
    port, command = redis_server
    fallbacks: list[int] = []
    complaints: list[str] = []
    settings = load_settings(rate_limit_storage_url=f"redis://127.0.0.1:{port}/0", rate_limits={"nernst": 3})
    limiter = RateLimiter(settings, lambda: fallbacks.append(1), complaints.append)

    async def hits(count: int) -> list[bool]:
        return [(await limiter.hit("key:a", "nernst")).passed for _ in range(count)]

    async def story() -> None:
        with _redis(port, command):
            assert await hits(2) == [True, True]
            assert fallbacks == []
        assert await hits(4) == [True, True, True, False]
        assert len(fallbacks) == 4
        with _redis(port, command):
            await asyncio.sleep(0.15)
            assert await hits(4) == [True, True, True, False]
            assert len(fallbacks) == 4
            await limiter.close()

    asyncio.run(story())
    assert ["does not answer" in text for text in complaints] == [True, False]
