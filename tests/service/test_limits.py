from __future__ import annotations

from pathlib import Path

import pytest

from mycelium_fractal_net.service.core import limits as module
from mycelium_fractal_net.service.core.addresses import Addresses
from mycelium_fractal_net.service.core.keys import add_key, make_key
from mycelium_fractal_net.service.core.limits import LocalWindow, RateLimiter, Verdict
from mycelium_fractal_net.service.settings import load_settings
from tests.service.helpers import AUTH, ION, client_of, make_app


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


@pytest.mark.anyio
async def test_cost_is_limited_by_key() -> None:
    limiter = RateLimiter(load_settings(cost_limit=2_000_000_000), lambda: None, lambda _: None)
    passed = [(await limiter.charge(who, 1_500_000_000)).passed for who in ("key:a", "key:a", "key:b")]
    assert passed == [True, False, True]
