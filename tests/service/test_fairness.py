"""A greedy key with a hundred connections and a modest one, on a clock of their own."""

from __future__ import annotations

import heapq
import random
from dataclasses import dataclass
from statistics import quantiles

import pytest

from mycelium_fractal_net.service.core.queue import FairQueue

THREADS = 2
END_S = 500.0


@dataclass
class Asked:
    """A computation, since when it waits, and how long it takes."""

    key: str
    since: float
    takes_s: float
    stays: bool = False


def _waits(connections: dict[str, int], seed: int) -> dict[str, list[float]]:
    """Let each connection ask again as soon as it has its answer; return the times of answers by key."""
    dice, queue = random.Random(seed), FairQueue()
    found: dict[str, list[float]] = {key: [] for key in connections}
    ends: list[tuple[float, int, Asked]] = []
    free = list(range(THREADS))

    def ask(key: str, now: float) -> None:
        queue.put(Asked(key, now, dice.uniform(0.8, 1.2)))

    for key, count in connections.items():
        for _ in range(count):
            ask(key, 0.0)
    now = 0.0
    while now < END_S:
        while free and queue.waiting:
            job = queue.take()
            heapq.heappush(ends, (now + job.takes_s, free.pop(), job))
        now, thread, job = heapq.heappop(ends)
        free.append(thread)
        queue.ended(job)
        found[job.key].append(now - job.since)
        ask(job.key, now)
    return found


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("modest", [1, 4, 20])
def test_a_modest_key_gets_its_share_beside_a_greedy_one(modest: int, seed: int) -> None:
    alone = _waits({"modest": modest}, seed)["modest"]
    greedy = _waits({"greedy": 100}, seed)["greedy"]
    beside = _waits({"greedy": 100, "modest": modest}, seed)
    fair = min(len(greedy) / 2, len(alone))
    assert len(beside["modest"]) >= 0.4 * fair
    assert len(beside["modest"]) + len(beside["greedy"]) >= 0.95 * len(greedy)


@pytest.mark.parametrize("seed", range(3))
def test_who_asks_for_less_than_its_share_waits_less_than_twice_as_long(seed: int) -> None:
    alone = _waits({"modest": 1}, seed)["modest"]
    beside = _waits({"greedy": 100, "modest": 1}, seed)["modest"]
    assert quantiles(beside, n=100)[98] < 2 * quantiles(alone, n=100)[98]
