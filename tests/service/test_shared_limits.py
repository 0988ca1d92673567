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
from mycelium_fractal_net.service.core.limits import RateLimiter, SharedWindow, Verdict
from mycelium_fractal_net.service.settings import load_settings
from tests.service.helpers import free_port

REDIS = "redis://127.0.0.1:6379/9"
PATIENCE_S = 60.0  # for a Redis that is there, however busy the machine is; one that is away refuses at once


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
    monkeypatch.setattr(module, "_PATIENCE_S", PATIENCE_S)
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
    assert ["is not reachable" in text for text in complaints] == [True, False]


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
    monkeypatch.setattr(module, "_PATIENCE_S", PATIENCE_S)
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
    monkeypatch.setattr(module, "_PATIENCE_S", PATIENCE_S)
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
    monkeypatch.setattr(module, "_PATIENCE_S", PATIENCE_S)
    limiters = Limiters(redis_server[0])

    async def story() -> None:
        with _redis(*redis_server) as process, redis.Redis(port=redis_server[0]) as client:
            await limiters.passed("key:a", each=10)
            before = client.info("stats")["total_connections_received"]
            process.send_signal(signal.SIGSTOP)
            with monkeypatch.context() as hung:
                hung.setattr(module, "_PATIENCE_S", 0.5)
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
