"""Measure streams; prints Markdown. Needs wrk and a machine that does nothing else.

Run: python -m benchmarks.benchmark_streams [--quick] [--write] [engine stalled viewers pause]
"""

from __future__ import annotations

import asyncio
import sys
import tempfile
from collections.abc import Callable
from contextlib import AsyncExitStack
from functools import partial
from pathlib import Path
from statistics import median, quantiles
from typing import Any, NamedTuple

import httpx

from benchmarks.benchmark_service import LIMITS, Engine, Job, Pair, compared, held, machine, parsed, table, turns, write
from benchmarks.benchmark_service import QUICK as QUICK_SERVICE
from benchmarks.probes import health_ms, settled
from benchmarks.readers import STALLED, Stall, draw, stale_after_pause
from benchmarks.wrk import wrk
from tests.service.helpers import AUTH, KEY, Server
from tests.service.rpc.helpers import grpc_server

BEGIN, END = "<!-- streams: begin -->", "<!-- streams: end -->"
CONFIG = {"grid_size": 64, "steps": 64, "seed": "SEED"}
VIEWED: dict[str, Any] = {
    "config": {"grid_size": 256, "steps": 10_000, "kinetics": "gray-scott"},
    "every": 1,
    "include": ["field"],
    "encoding": "uint8",
}


class Effort(NamedTuple):
    """How long all of it takes."""

    rounds: int
    readers: int
    viewers: int
    seconds: float


FULL = Effort(rounds=20, readers=1000, viewers=20, seconds=15.0)
QUICK = Effort(rounds=2, readers=20, viewers=3, seconds=1.0)


def beside_engine(server: Server, _: str, effort: Effort) -> str:
    """Compare streams a second with simulations a second of as many threads, in turns of a second."""
    rows = []
    for what, more in (
        ("statistics", {}),
        ("statistics and a field in float32", {"include": ["field"]}),
    ):
        body = {"config": CONFIG, "every": 8, **more}
        ours = partial(_streams, server, body)
        with Engine() as engine:
            theirs = partial(engine.rate, Job(64, 64, False), QUICK_SERVICE)
            ours(), theirs()
            mine, others = turns(effort.rounds, ours, theirs)
        title = f"`/stream/simulate` 64² x 64 steps, every 8: {what}"
        rows.append(Pair(title, mine, others, "streams/s", "engine", 0.7))
    return compared(rows)


def _streams(server: Server, body: dict[str, Any]) -> float:
    load = wrk(server.url, "/stream/simulate", body, key=KEY, connections=8, seconds=1)
    settled(server)
    return load.rate


def stalled(server: Server, place: str, effort: Effort) -> str:
    """Open so many streams that nobody reads, and look at memory, /health and a simulation beside them."""
    rows = []
    for transport, stall in STALLED.items():
        before = _rss_mib(server)
        grown, cuts, status = asyncio.run(_beside(server, stall, place, effort, before))
        shown = [transport, str(effort.readers), f"{grown:.0f} MiB", held(grown < 64)]
        rows.append([*shown, f"{cuts:.1f} ms", held(cuts < 25), "yes" if status == 200 else f"no, {status}"])
        print("  stalled", rows[-1], file=sys.stderr)
        _wait_for_end(server)
    head = ["transport", "readers", "RSS grows by", "under 64", "/health p95", "under 25 ms", "/simulate answered"]
    return table(head, rows)


async def _beside(server: Server, stall: Stall, place: str, effort: Effort, before: float) -> tuple[float, float, int]:
    async with AsyncExitStack() as stack:
        await stall(stack, server.url, place, effort.readers)
        await asyncio.sleep(effort.seconds)
        times = await asyncio.to_thread(health_ms, server, effort.seconds)
        answer = await asyncio.to_thread(httpx.post, f"{server.url}/simulate", json={}, headers=AUTH, timeout=120)
        return _rss_mib(server) - before, quantiles(times, n=100)[94], answer.status_code


def _rss_mib(server: Server) -> float:
    status = Path(f"/proc/{server.process.pid}/status").read_text(encoding="utf-8")
    return next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmRSS:")) / 1024


def _wait_for_end(server: Server) -> None:
    for _ in range(100_000):
        if server.metric("mfn_streams_open") == 0:
            return
    raise RuntimeError("streams do not end")


def viewers(server: Server, _: str, effort: Effort) -> str:
    """Let viewers draw at 30 frames a second."""

    async def all_of_them() -> list[float]:
        start = {**VIEWED, "max_rate_hz": 30.0}
        config = VIEWED["config"]
        starts = [{**start, "config": {**config, "seed": number}} for number in range(effort.viewers)]
        return await asyncio.gather(*(draw(server.url, one, effort.seconds) for one in starts))

    rates = sorted(asyncio.run(all_of_them()))
    row = [f"{effort.viewers}", f"{rates[0]:.1f}", f"{median(rates):.1f}", held(rates[0] >= 29)]
    return table(["viewers of 256² uint8 (`gray-scott`)", "slowest, frames/s", "median", "30 held (29 or more)"], [row])


def pause(server: Server, _: str, __: Effort) -> str:
    """Read nothing for 3 s."""
    start = {**VIEWED, "max_rate_hz": 60.0}
    stale = asyncio.run(stale_after_pause(server.url, start, 3.0))
    return table(["after a pause of 3 s at 60 frames/s", "at most 2"], [[f"{stale} old frames", held(stale <= 2)]])


PARTS: dict[str, tuple[str, Callable[[Server, str, Effort], str]]] = {
    "engine": ("Streams beside the engine alone", beside_engine),
    "stalled": ("Readers who read nothing", stalled),
    "viewers": ("Viewers", viewers),
    "pause": ("The frame after a pause", pause),
}


def measure(names: list[str], effort: Effort) -> str:
    """Return the tables, each under its heading."""
    sections = [machine()]
    free = {"RATE_LIMIT_ENABLED": "true", "RATE_LIMITS": LIMITS, "COST_LIMIT": str(10**15)}
    free |= {"MAX_CELL_STEPS": str(10**12), "STREAM_IDLE_SECONDS": "600", "WARMUP": "true"}
    with tempfile.TemporaryDirectory() as directory, grpc_server(Path(directory), **free) as (server, place):
        for name in names:
            heading, part = PARTS[name]
            print(heading, file=sys.stderr)
            sections += [f"### {heading}", part(server, place, effort)]
    return "\n\n".join(sections)


def main(arguments: list[str] | None = None) -> None:
    options = parsed(__doc__, PARTS, arguments)
    tables = measure(options.parts or list(PARTS), QUICK if options.quick else FULL)
    print(tables)
    if options.write:
        write(tables, begin=BEGIN, end=END)


if __name__ == "__main__":
    main()
