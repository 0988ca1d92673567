from __future__ import annotations

import asyncio
import gc
import signal
import socket
import socketserver
import subprocess
import sys
import textwrap
import threading
import time
import uuid
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest
import redis
from redis.backoff import ConstantBackoff
from redis.retry import Retry

from mycelium_fractal_net.service.core import breaker
from mycelium_fractal_net.service.core import limits as module
from mycelium_fractal_net.service.core.addresses import Addresses
from mycelium_fractal_net.service.core.keys import add_key, make_key
from mycelium_fractal_net.service.core.limits import LocalWindow, RateLimiter, SharedWindow, Verdict
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


def test_cost_is_counted_by_its_amount_and_a_refusal_says_when_enough_is_free() -> None:
    clock = Clock()
    window = LocalWindow(clock)
    passed = []
    for amount in (500, 300, 150, 100):
        passed.append(window.hit_now("a", 1000, amount).passed)
        clock.now += 10
    assert passed == [True, True, True, False]
    assert window.hit_now("a", 1000, 600) == Verdict(passed=False, limit=1000, remaining=50, reset_s=30)
    assert window.hit_now("a", 1000, 100).reset_s == 20
    clock.now += 20
    assert window.hit_now("a", 1000, 500) == Verdict(passed=True, limit=1000, remaining=50, reset_s=10)


def test_what_is_given_back_may_be_spent_again() -> None:
    window = LocalWindow(Clock())
    assert [window.hit_now("a", 10, amount).passed for amount in (10, 10, -10, 10, 1)] == [
        True,
        False,
        True,
        True,
        False,
    ]


def test_names_that_are_idle_are_forgotten() -> None:
    clock = Clock()
    window = LocalWindow(clock)
    for number in range(1000):
        clock.now += 1
        window.hit_now(f"ip:{number}", 5)
    assert len(window._names) <= 61


def test_a_new_name_pays_for_no_more_than_two_idle_ones() -> None:
    clock = Clock()
    window = LocalWindow(clock)
    for number in range(100):
        window.hit_now(f"ip:{number}", 5)
    clock.now += 61
    window.hit_now("ip:new", 5)
    assert len(window._names) == 99


def test_names_are_bounded_and_those_in_use_keep_their_count(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_MOST_NAMES", 100)
    window = LocalWindow(Clock())
    passed = 0
    for number in range(1000):
        window.hit_now(f"ip:{number}", 5)
        passed += window.hit_now("key:a", 3).passed
    assert len(window._names) == 100
    assert passed == 3


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
    app = make_app(api_keys="a-second-key-for-tests", rate_limits={"nernst": 1})
    async with client_of(app) as client:
        statuses = [
            (await client.post("/nernst", json=ION, headers=headers)).status_code
            for headers in (AUTH, {"X-API-Key": "a-second-key-for-tests"}, AUTH)
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
async def test_a_missing_scope_and_a_body_too_long_are_counted_and_say_what_is_left(tmp_path: Path) -> None:
    text, key = make_key("lab", "prod", b"pepper", ["federated"])
    add_key(tmp_path / "keys.json", key)
    limits = {"nernst": 2, "aggregate": 2}
    app = make_app(api_key_file=tmp_path / "keys.json", api_key_pepper="pepper", rate_limits=limits, max_body_bytes=100)
    async with client_of(app, headers={"X-API-Key": text}) as client:
        scope = [await client.post("/nernst", json=ION) for _ in range(3)]
        size = [await client.post("/federated/aggregate", content=b" " * 101) for _ in range(3)]
    assert [answer.status_code for answer in scope + size] == [403, 403, 429, 413, 413, 429]
    assert [answer.headers["x-ratelimit-remaining"] for answer in scope + size] == ["1", "0", "0"] * 2


@pytest.mark.anyio
async def test_a_body_too_long_without_a_key_is_a_missing_key_first() -> None:
    app = make_app(rate_limits={"failed_auth": 1}, max_body_bytes=100)
    async with client_of(app) as client:
        answers = [await client.post("/nernst", content=b" " * 101) for _ in range(2)]
    assert [answer.status_code for answer in answers] == [401, 429]


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
        ("1.2.3.4:5678", "1.2.3.4"),
        ("[2001:db8::1]:443", "2001:db8::1"),
        ("[2001:DB8:0::1]", "2001:db8::1"),
        ("6.6.6.6, 1.2.3.4:5678, 10.0.0.2:80", "1.2.3.4"),
        ("6.6.6.6, 1.2.3.4:port", "10.0.0.1"),
        ("6.6.6.6, [::1", "10.0.0.1"),
        ("6.6.6.6, fe80::1%eth0", "10.0.0.1"),
        (" ", "10.0.0.1"),
    ],
)
def test_the_nearest_address_that_is_no_proxy_is_the_client(forwarded: str, client: str) -> None:
    assert Addresses(["10.0.0.0/8"]).client("10.0.0.1", forwarded) == client


def test_three_processes_share_one_exact_window() -> None:
    prefix = f"mfn-test-{uuid.uuid4().hex}"
    code = textwrap.dedent(f"""
        import asyncio
        from mycelium_fractal_net.service.core.limits import SharedWindow

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
def _redis(port: int, command: list[str]) -> Iterator[subprocess.Popen[bytes]]:
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    try:
        with redis.Redis(port=port, retry=Retry(ConstantBackoff(0.05), 100)) as client:
            client.ping()
        yield process
    finally:
        process.kill()
        process.wait()


def test_requests_go_on_without_redis_and_return_to_it(
    redis_server: tuple[int, list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(breaker, "_RETRY_S", 0.1)
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


class Limiters:
    """Three limiters, as in three processes, and what they said."""

    def __init__(self, port: int) -> None:
        settings = load_settings(rate_limit_storage_url=f"redis://127.0.0.1:{port}/0", rate_limits={"nernst": 50})
        self.fallbacks = 0
        self.all = [RateLimiter(settings, self._fell_back, lambda _: None) for _ in range(3)]

    def _fell_back(self) -> None:
        self.fallbacks += 1

    async def passed(self, who: str, each: int = 40) -> list[Verdict]:
        """Ask all at once, and return the verdicts of those that may pass."""
        asked = [limiter.hit(who, "nernst") for limiter in self.all for _ in range(each)]
        return [verdict for verdict in await asyncio.gather(*asked) if verdict.passed]

    async def close(self) -> None:
        for limiter in self.all:
            await limiter.close()


@pytest.mark.parametrize("noticed", [True, False])
def test_after_a_restart_of_redis_three_limiters_are_exact_again(
    redis_server: tuple[int, list[str]], monkeypatch: pytest.MonkeyPatch, noticed: bool
) -> None:
    monkeypatch.setattr(breaker, "_RETRY_S", 0.1)
    monkeypatch.setattr(module, "_PATIENCE_S", 5.0)
    limiters = Limiters(redis_server[0])

    async def story() -> None:
        with _redis(*redis_server):
            assert len(await limiters.passed("key:a")) == 50
        if noticed:
            assert len(await limiters.passed("key:b")) == limiters.fallbacks == 120
            await asyncio.sleep(0.15)
        with _redis(*redis_server):
            assert len(await limiters.passed("key:c")) == 50
            await limiters.close()

    asyncio.run(story())
    assert limiters.fallbacks == 120 * noticed


def test_more_requests_at_once_than_connections_are_counted_once_each(
    redis_server: tuple[int, list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_PATIENCE_S", 5.0)
    limiters = Limiters(redis_server[0])

    async def story() -> None:
        with _redis(*redis_server):
            passed = await limiters.passed("key:a", each=150)
            await limiters.close()
        assert sorted(verdict.remaining for verdict in passed) == list(range(50))
        assert all(verdict.reset_s <= 60 for verdict in passed)

    asyncio.run(story())
    assert limiters.fallbacks == 0


def test_a_redis_that_hung_is_asked_again_on_fresh_connections(
    redis_server: tuple[int, list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(breaker, "_RETRY_S", 0.1)
    monkeypatch.setattr(module, "_PATIENCE_S", 1.0)
    limiters = Limiters(redis_server[0])

    async def story() -> None:
        with _redis(*redis_server) as process, redis.Redis(port=redis_server[0]) as client:
            await limiters.passed("key:a", each=10)
            before = client.info("stats")["total_connections_received"]
            process.send_signal(signal.SIGSTOP)
            assert len(await limiters.passed("key:b", each=1)) == limiters.fallbacks == 3
            process.send_signal(signal.SIGCONT)
            await asyncio.sleep(0.15)
            assert len(await limiters.passed("key:c", each=10)) == 30
            assert client.info("stats")["total_connections_received"] >= before + 30
            await limiters.close()

    asyncio.run(story())


@contextmanager
def _slow_redis(port: int, delay_s: float) -> Iterator[int]:
    """Stand before a Redis, and answer later than it does."""

    class Relay(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            with socket.create_connection(("127.0.0.1", port)) as inner:
                while data := self.request.recv(65536):
                    inner.sendall(data)
                    answer = inner.recv(65536)
                    time.sleep(delay_s)
                    with suppress(OSError):
                        self.request.sendall(answer)

    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Relay) as server:
        server.daemon_threads, server.block_on_close = True, False
        threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
        yield server.server_address[1]
        server.shutdown()


@pytest.mark.parametrize("delay_s", [0.2, 2.0])
def test_a_slow_redis_is_left_alone_and_the_local_limit_takes_over(
    redis_server: tuple[int, list[str]], delay_s: float
) -> None:
    complaints, fallbacks = list[str](), list[int]()

    async def story(port: int) -> None:
        settings = load_settings(rate_limit_storage_url=f"redis://127.0.0.1:{port}/0", rate_limits={"nernst": 50})
        limiter = RateLimiter(settings, lambda: fallbacks.append(1), complaints.append)
        for _ in range(10):
            await asyncio.gather(*(limiter.hit("key:a", "nernst") for _ in range(100)))
        verdicts = [await limiter.hit("key:b", "nernst") for _ in range(60)]
        assert sum(verdict.passed for verdict in verdicts) == 50
        await limiter.close()

    with _redis(*redis_server), _slow_redis(redis_server[0], delay_s) as port:
        asyncio.run(story(port))
    with warnings.catch_warnings():  # sockets of connections that were given up in the middle
        warnings.simplefilter("ignore", ResourceWarning)
        gc.collect()
    assert len(complaints) == 1
    assert "counting locally" in complaints[0]
    assert len(fallbacks) >= 950  # of 1,060: only those that came before the breaker opened waited at all


def test_waiting_for_a_turn_counts_into_the_patience(
    redis_server: tuple[int, list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_MOST_CONNECTIONS", 1)
    asked: list[float] = []

    class Slow:
        async def hit(self, name: str, limit: int, amount: int = 1) -> Verdict:
            asked.append(asyncio.get_running_loop().time())
            await asyncio.sleep(0.09)
            return Verdict(passed=True, limit=limit, remaining=1, reset_s=1)

        async def close(self) -> None:
            pass

    async def story() -> None:
        settings = load_settings(rate_limit_storage_url=f"redis://127.0.0.1:{redis_server[0]}/0")
        fallbacks = list[int]()
        limiter = RateLimiter(settings, lambda: fallbacks.append(1), lambda _: None)
        limiter._shared = Slow()
        await asyncio.gather(*(limiter.hit("key:a", "nernst") for _ in range(50)))
        assert len(asked) <= 10  # in the quarter of a second that all of them waited together
        assert len(fallbacks) >= 40

    asyncio.run(story())


def test_cost_is_shared_through_redis_by_its_amount() -> None:
    prefix = f"mfn-test-{uuid.uuid4().hex}"

    async def story() -> list[Verdict]:
        windows = [SharedWindow(REDIS, prefix) for _ in range(2)]
        verdicts = [
            await windows[index % 2].hit("cost:a", 4_000_000_000, amount)
            for index, amount in enumerate((3_000_000_000, 900_000_000, 200_000_000, -3_000_000_000, 200_000_000))
        ]
        for window in windows:
            await window.close()
        return verdicts

    verdicts = asyncio.run(story())
    assert [verdict.passed for verdict in verdicts] == [True, True, False, True, True]
    assert [verdict.remaining for verdict in verdicts[:3]] == [1_000_000_000, 100_000_000, 100_000_000]
    assert 58 <= verdicts[2].reset_s <= 60


@pytest.mark.anyio
async def test_cost_is_limited_by_key() -> None:
    limiter = RateLimiter(load_settings(cost_limit=2_000_000_000), lambda: None, lambda _: None)
    passed = [(await limiter.charge(who, 1_500_000_000)).passed for who in ("key:a", "key:a", "key:b")]
    assert passed == [True, False, True]
