from __future__ import annotations

import random

import pytest

from mycelium_fractal_net.service.core import pace as module
from mycelium_fractal_net.service.core.pace import Pace, retry_after_s
from mycelium_fractal_net.service.core.queue import seconds_to_first_end


def test_kinds_have_their_own_pace_and_new_ones_that_of_their_family() -> None:
    pace = Pace()
    pace.measured("simulate:slow", cost=1_000, duration_s=1.0)
    pace.measured("features", cost=1_000, duration_s=0.1)
    assert pace.seconds("simulate:slow", 3_000) == pytest.approx(3.0)
    assert pace.seconds("simulate:new", 3_000) == pytest.approx(3.0)
    assert pace.seconds("features", 3_000) == pytest.approx(0.3)
    assert pace.seconds("other", 2_700) == pytest.approx(2_700 * (0.7 * 1.0 + 0.1) / 1_700)


def test_a_pace_that_changes_is_followed_within_ten_computations() -> None:
    pace = Pace()
    for duration_s in (1.0, *([4.0] * 10)):
        pace.measured("a", cost=100, duration_s=duration_s)
    assert pace.seconds("a", 100) == pytest.approx(4.0, rel=0.03)


def test_kinds_are_bounded_and_those_in_use_stay() -> None:
    pace = Pace()
    for number in range(3_000):
        pace.measured(f"kind-{number}", 100, 1.0)
        pace.measured("used", 100, 5.0)
    assert len(pace._sums) <= 1_000
    assert pace.seconds("used", 100) == pytest.approx(5.0)


@pytest.mark.parametrize(
    ("running", "lines", "key", "expected"),
    [
        ([], {}, None, 0.0),
        ([(4.0, "a"), (2.0, "a")], {}, None, 2.0),
        ([(4.0, "a"), (2.0, "a")], {"b": [1.0]}, "b", 3.0),
        ([(4.0, "a"), (2.0, "a")], {"a": [9.0], "b": [1.0]}, "b", 3.0),
        ([(5.0, "a")], {"b": [1.0], "c": [2.0], "a": [1.0]}, "c", 8.0),
        ([(5.0, "a")], {"b": [1.0, 1.0], "c": [2.0]}, "nobody", 0.0),
    ],
)
def test_the_first_end_is_found_by_playing_the_queue(
    running: list[tuple[float, str]], lines: dict[str, list[float]], key: str | None, expected: float
) -> None:
    assert seconds_to_first_end(running, lines, key) == expected


def test_clients_are_told_different_times_and_never_one_that_is_too_early() -> None:
    told = {retry_after_s(60.0) for _ in range(200)}
    assert min(told) >= 60
    assert max(told) <= 66
    assert len(told) >= 4
    assert retry_after_s(0.0) == 1
    assert retry_after_s(1e9) == 3600


def test_compiling_before_the_start_says_nothing_about_the_pace_of_simulations() -> None:
    pace = Pace()
    pace.measured("", cost=0, duration_s=60.0)
    assert pace.seconds("simulate:mycelium", cost=20_000_000) == Pace().seconds("simulate:mycelium", cost=20_000_000)


def _told_and_real(dice: random.Random, pace: Pace) -> tuple[float, float]:
    """Fill two threads with work that is part done, ask for a place, and wait for it, on a clock of one's own."""
    kinds = {"simulate:a": 2e-8, "simulate:b": 7e-8, "lyapunov": 1e-7, "validate": 3e-7}
    estimated, real = [], []
    for _ in range(2):
        kind = dice.choice(list(kinds))
        cost = int(10 ** dice.uniform(6.5, 8.5))
        takes_s = cost * kinds[kind] * dice.lognormvariate(0.0, 0.03)  # how much the pace of a kind varies
        used_s = takes_s * dice.random()
        estimated.append((max(pace.seconds(kind, cost) - used_s, 0.1 * used_s), "greedy"))
        real.append(takes_s - used_s)
        pace.measured(kind, cost, takes_s)
    return float(retry_after_s(seconds_to_first_end(estimated, {"greedy": [5.0] * 3}))), min(real)


@pytest.mark.parametrize("seed", range(5))
def test_what_is_told_is_right_to_a_second_or_a_third_in_95_of_100_trials(
    seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_RANDOM", random.Random(seed))  # the jitter of what is told, the same in every run
    dice, pace = random.Random(seed), Pace()
    for _ in range(20):
        _told_and_real(dice, pace)
    trials = [_told_and_real(dice, pace) for _ in range(200)]
    held = sum(abs(told - real) <= max(1.0, 0.3 * real) for told, real in trials)
    assert held >= 190
    assert max(real for _, real in trials) > 10
