"""Compare what Retry-After told with how long it took until a place was free; prints Markdown.

Run: python -m benchmarks.waits [--trials 200]
Each trial fills threads and queue with work of many kinds, asks, is refused, and looks until a place is free.
"""

from __future__ import annotations

import argparse
import random
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path
from typing import Any, NamedTuple

import httpx

from benchmarks.benchmark_service import LIMITS, table
from benchmarks.probes import ask, settled
from tests.service.helpers import AUTH, Server, running, sample

QUEUE = 3
THREADS = 2
TINY = {"grid_size": 16, "steps": 1}
EVERY_S = 0.05
LESSONS = 12
BOUND_S, BOUND = 1.0, 0.3


class Trial(NamedTuple):
    """Seconds that were told, and that it took."""

    told: float
    real: float

    @property
    def off(self) -> float:
        """How much too late, negative if too early."""
        return self.told - self.real

    @property
    def holds(self) -> bool:
        """Whether it is right to a second or 30%."""
        return abs(self.off) <= max(BOUND_S, BOUND * self.real)


def work(dice: random.Random) -> tuple[str, dict[str, Any]]:
    """Return something that computes for half a second to ten."""
    kind = dice.choice(["simulate"] * 6 + ["lyapunov", "validate"])
    seed = dice.randrange(2**32)
    if kind == "validate":
        return "/validate", {"seed": seed, "grid_size": 32, "steps": dice.randrange(50, 400)}
    side = dice.choice((64, 128, 256, 512))
    steps = min(10_000, int(10 ** dice.uniform(7.0, 8.2) / side**2))
    body: dict[str, Any] = {"seed": seed, "grid_size": side, "steps": steps}
    body |= dice.choice(({}, {"dtype": "float32"}, {"quantum_jitter": True}))
    if kind == "lyapunov":
        body |= {"grid_size": 64, "steps": dice.randrange(500, 3000), "include": ["lyapunov"]}
    return "/simulate", body


def trial(server: Server, client: httpx.Client, dice: random.Random) -> Trial | None:
    """Fill the queue, be refused, and wait; None where a place was free before it could be asked for."""
    with ExitStack() as stack:
        while (missing := THREADS + QUEUE - int(_accepted(client))) > 0:
            for _ in range(missing):
                stack.enter_context(ask(server, *work(dice)))
            time.sleep(0.1)
        time.sleep(dice.uniform(0.0, 2.0))
        refused = client.post("/simulate", json=TINY)
        begin = time.perf_counter()
        if refused.status_code != 429:
            return None
        while _accepted(client) == THREADS + QUEUE:
            time.sleep(EVERY_S)
        return Trial(float(refused.headers["retry-after"]), time.perf_counter() - begin)


def _teach(server: Server, dice: random.Random) -> None:
    """Let some work of every kind end, as it does where not all of it is given up."""
    for _ in range(LESSONS):
        with ExitStack() as stack:
            for _ in range(THREADS):
                stack.enter_context(ask(server, *work(dice))).recv(1)


def _accepted(client: httpx.Client) -> float:
    text = client.get("/metrics").text
    return sample(text, "mfn_compute_threads_busy") + sample(text, "mfn_compute_queue_depth")


def main() -> None:
    """Print the distribution."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--trials", type=int, default=200)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    dice = random.Random(options.seed)  # noqa: S311 # no secret
    found: list[Trial] = []
    bounds = {"COMPUTE_THREADS": str(THREADS), "COMPUTE_QUEUE": str(QUEUE)}
    with (
        tempfile.TemporaryDirectory() as directory,
        running(Path(directory), RATE_LIMITS=LIMITS, COST_LIMIT=str(10**15), **bounds) as server,
        httpx.Client(base_url=server.url, headers=AUTH, timeout=120) as client,
    ):
        _teach(server, dice)
        while len(found) < options.trials:
            one = trial(server, client, dice)
            settled(server)
            if one is not None:
                found.append(one)
                print(f"{len(found)}: told {one.told:.0f} s, took {one.real:.2f} s", flush=True)
    print(_report(found))


def _report(found: list[Trial]) -> str:
    offs = sorted(one.off for one in found)
    shares = [f"{offs[min(len(offs) - 1, int(share * len(offs)))]:+.1f} s" for share in (0.05, 0.25, 0.5, 0.75, 0.95)]
    head = ["trials", "within 1 s or 30%", "longest wait", "5%", "25%", "told - real, median", "75%", "95%"]
    held = sum(one.holds for one in found) / len(found)
    return table(head, [[str(len(found)), f"{held:.1%}", f"{max(one.real for one in found):.0f} s", *shares]])


if __name__ == "__main__":
    main()
