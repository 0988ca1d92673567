"""Measure what one key gets while another asks over a hundred connections; prints Markdown. Needs wrk.

Run: python -m benchmarks.fairness [--rounds 9] [--seconds 3] [--connections 100]
Rounds take turns: the modest key alone, the greedy one alone, both; a slow moment of the machine meets all three.
"""

from __future__ import annotations

import argparse
import math
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from statistics import median
from typing import Any, NamedTuple

from benchmarks.benchmark_service import LIMITS, table
from benchmarks.probes import settled
from benchmarks.wrk import Load, wrk
from tests.service.helpers import KEY, Server, running

MODEST = "a-modest-key-for-tests"
WORK: dict[str, dict[str, Any]] = {
    "64² x 64 steps": {"grid_size": 64, "steps": 64, "seed": "SEED"},
    "256² x 200 steps": {"grid_size": 256, "steps": 200, "seed": "SEED"},
}


class Round(NamedTuple):
    """What both got, apart and together: answers a second, and the modest key's 99th percentile in ms."""

    alone: Load
    greedy_alone: Load
    together: Load
    greedy: Load

    @property
    def share(self) -> float:
        """What the modest key got of its fair share, or of what it can use where that is less."""
        fair = min(_answers(self.greedy_alone) / 2, _answers(self.alone))
        return _ratio(_answers(self.together), fair)

    @property
    def slower(self) -> float:
        """How many times as long its 99th percentile took."""
        if not _answers(self.together):
            return math.nan  # whoever got no answer has no percentile
        return _ratio(self.together.p99_ms, self.alone.p99_ms)


def _ratio(found: float, wanted: float) -> float:
    """Return how many times one goes into the other; NaN where a side got nothing in this round."""
    return found / wanted if wanted else math.nan


def _answers(load: Load) -> float:
    return (load.requests - load.failed) / load.seconds if load.seconds else 0.0


def measured(server: Server, body: dict[str, Any], modest: int, connections: int, seconds: float) -> Round:
    """Return one round."""

    def ask(key: str, count: int) -> Load:
        return wrk(server.url, "/simulate", body, key=key, connections=count, seconds=seconds, strict=False)

    alone = ask(MODEST, modest)
    settled(server)
    greedy_alone = ask(KEY, connections)
    settled(server)
    with ThreadPoolExecutor(2) as pool:
        others = pool.submit(ask, KEY, connections)
        together = ask(MODEST, modest)
        greedy = others.result()
    settled(server)
    return Round(alone, greedy_alone, together, greedy)


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--seconds", type=float, default=3.0)
    parser.add_argument("--connections", type=int, default=100)
    options = parser.parse_args()
    rows = []
    with (
        tempfile.TemporaryDirectory() as directory,
        running(Path(directory), API_KEYS=MODEST, RATE_LIMITS=LIMITS, COST_LIMIT=str(10**15)) as server,
    ):
        for name, body in WORK.items():
            for modest in (1, 4):
                rounds = [
                    measured(server, body, modest, options.connections, options.seconds) for _ in range(options.rounds)
                ]
                rows.append(_row(name, modest, rounds))
    head = ["work", "connections", "alone", "beside", "of its fair share", "p99 alone", "p99 beside", "times"]
    print(table(head, rows))


def _row(name: str, modest: int, rounds: list[Round]) -> list[str]:
    def middle(values: list[float]) -> float:
        told = [value for value in values if not math.isnan(value)]
        return median(told) if told else math.nan

    return [
        name,
        str(modest),
        f"{middle([_answers(one.alone) for one in rounds]):.0f}/s",
        f"{middle([_answers(one.together) for one in rounds]):.0f}/s",
        f"{middle([one.share for one in rounds]):.2f}",
        f"{middle([one.alone.p99_ms for one in rounds]):.0f} ms",
        f"{middle([one.together.p99_ms for one in rounds]):.0f} ms",
        f"{middle([one.slower for one in rounds]):.1f}",
    ]


if __name__ == "__main__":
    main()
