"""Offer ten times the budget of memory to a service in a control group of 1 GiB; prints Markdown. Needs root.

Run: python -m benchmarks.flood [--seconds 600] [--mib 1024]
Uploads that end and uploads that stall, fields of the largest size, requests whose answers nobody reads, and another
key that asks for little all the while. Nothing is limited by requests or cost: the budget of memory alone stands.
"""

from __future__ import annotations

import argparse
import asyncio
import io
import json
import math
import tempfile
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager, suppress
from multiprocessing import get_context
from pathlib import Path
from statistics import quantiles
from typing import NamedTuple

import numpy as np

from benchmarks.benchmark_service import table
from benchmarks.fairness import MODEST
from tests.service.helpers import KEY, Server

GROUPS = Path("/sys/fs/cgroup")
UNLIMITED = {"RATE_LIMIT_ENABLED": "false", "MAX_CONNECTIONS_PER_ADDRESS": "2000"}
UPLOAD = 15 * 2**20
STALLED = 60 * 2**20
_PATIENCE_S = 60.0

Attack = Callable[[int], Awaitable[int]]
"""``attack(port)`` does it once and returns the status that came of it, 0 for none."""


class Report(NamedTuple):
    """What came of a flood.

    Attributes
    ----------
    attacks, neighbour : Counter
        Answers by status, 0 for a connection that was cut.
    waits_s : list of float
        Times of the neighbour's answers.
    peak_mib : float
        Most memory of the group.
    kills : int
        Processes that the kernel killed for want of memory.
    alive : bool
        Whether the service was there at the end.
    """

    attacks: Counter[int]
    neighbour: Counter[int]
    waits_s: list[float]
    peak_mib: float
    kills: int
    alive: bool


class Group(NamedTuple):
    """A control group with bounded memory, of the first or the second version."""

    path: Path
    v2: bool

    @classmethod
    def make(cls, name: str, limit: int) -> Group:
        """Make one; OSError where that is not to be had."""
        v2 = (GROUPS / "cgroup.controllers").exists()
        path = (GROUPS if v2 else GROUPS / "memory") / name
        path.mkdir()
        (path / ("memory.max" if v2 else "memory.limit_in_bytes")).write_text(str(limit))
        return cls(path, v2)

    def peak(self) -> int:
        return int((self.path / ("memory.peak" if self.v2 else "memory.max_usage_in_bytes")).read_text())

    def kills(self) -> int:
        lines = (self.path / ("memory.events" if self.v2 else "memory.oom_control")).read_text().splitlines()
        return next((int(line.split()[1]) for line in lines if line.startswith("oom_kill ")), 0)


@contextmanager
def grouped(directory: Path, mib: int, **settings: str) -> Iterator[tuple[Server, Group]]:
    """Run a service inside a control group of its own."""
    group = Group.make(f"mfn-flood-{time.time_ns()}", mib * 2**20)
    server = Server(directory, API_KEYS=MODEST, **UNLIMITED, **settings)
    try:
        (group.path / "cgroup.procs").write_text(str(server.process.pid))
        yield server.wait(), group
    finally:
        server.close()
        for _ in range(100):
            with suppress(OSError):
                group.path.rmdir()
                break
            time.sleep(0.1)


def _head(path: str, key: str, length: int, kind: str = "application/json") -> bytes:
    lines = (f"POST {path} HTTP/1.1", "Host: x", f"X-API-Key: {key}", f"Content-Type: {kind}", "Connection: close")
    return "\r\n".join([*lines, f"Content-Length: {length}", "", ""]).encode()


async def _exchange(port: int, *parts: bytes, pause_s: float = 0.0) -> int:
    """Send, and read to the end; return the status, 0 where the connection was cut."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        async with asyncio.timeout(_PATIENCE_S):
            with suppress(ConnectionError):
                for part in parts:
                    writer.write(part)
                    await writer.drain()
                await asyncio.sleep(pause_s)
            answer = b""
            with suppress(ConnectionError):
                answer = await reader.read(64)
                while await reader.read(65_536):
                    pass
            return int(answer[9:12] or b"0")
    except TimeoutError:
        return 0
    finally:
        writer.transport.abort()


def attacks(body: bytes, share: float = 1.0, silence_s: float = 5.0) -> list[tuple[int, Attack]]:
    """Return attacks, and how many do each at the same time, or a share of them."""
    npy = _head("/features", KEY, len(body), "application/x-npy")
    small = _head("/nernst", KEY, UPLOAD)
    stalled = _head("/features", KEY, STALLED, "application/x-npy")
    large = json.dumps({"grid_size": 512, "steps": 20, "include": ["field"]}).encode()
    cheap = b"GET /health/live HTTP/1.1\r\nHost: x\r\n\r\n" * 2520
    half = body[: len(body) // 2]
    counted: list[tuple[int, Attack]] = [
        (160, lambda port: _exchange(port, npy, body)),
        (58, lambda port: _exchange(port, small, bytes(UPLOAD))),
        (20, lambda port: _exchange(port, stalled, half, pause_s=silence_s)),
        (40, lambda port: _exchange(port, _head("/simulate", KEY, len(large)), large)),
        (4, lambda port: _exchange(port, cheap, pause_s=2 * silence_s)),
    ]
    return [(math.ceil(share * count), attack) for count, attack in counted]


async def flood(port: int, seconds: float, share: float = 1.0, silence_s: float = 5.0) -> Counter[int]:
    """Attack for some time; return the answers by status."""
    stream = io.BytesIO()
    np.save(stream, np.full((1402, 1402), -60.0))
    end, attacked = time.monotonic() + seconds, Counter[int]()

    async def repeat(attack: Attack) -> None:
        while time.monotonic() < end:
            try:
                attacked[await attack(port)] += 1
            except OSError:
                attacked[0] += 1
                await asyncio.sleep(0.1)

    jobs = [repeat(attack) for count, attack in attacks(stream.getvalue(), share, silence_s) for _ in range(count)]
    await asyncio.gather(*jobs)
    return attacked


def live_beside(port: int, seconds: float) -> list[tuple[int, float]]:
    """Ask for a small simulation five times a second, under another key; return each status and time in s."""

    async def ask() -> list[tuple[int, float]]:
        body = json.dumps({"grid_size": 64, "steps": 64}).encode()
        end, found = time.monotonic() + seconds, []
        while time.monotonic() < end:
            begin = time.perf_counter()
            status = await _exchange(port, _head("/simulate", MODEST, len(body)), body)
            found.append((status, time.perf_counter() - begin))
            await asyncio.sleep(0.2)
        return found

    return asyncio.run(ask())


def measured(directory: Path, mib: int, seconds: float, **settings: str) -> Report:
    """Flood a service in a control group, and report."""
    with grouped(directory, mib, **settings) as (server, group):
        with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:  # the attackers keep this one busy
            beside = pool.submit(live_beside, server.port, seconds)
            attacked = asyncio.run(flood(server.port, seconds))
            found = beside.result()
        alive = server.process.poll() is None
        neighbour = Counter(status for status, _ in found)
        waits_s = [wait_s for _, wait_s in found]
        return Report(attacked, neighbour, waits_s, group.peak() / 2**20, group.kills(), alive)


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=600.0)
    parser.add_argument("--mib", type=int, default=1024)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as directory:
        found = measured(Path(directory), options.mib, options.seconds)
    cuts = quantiles([*found.waits_s, *found.waits_s], n=100, method="inclusive") if found.waits_s else [0.0] * 99
    head = ["seconds", "attacks by status", "neighbour by status", "its p50", "its p99", "peak", "killed", "alive"]
    row = [f"{options.seconds:.0f}", str(dict(sorted(found.attacks.items()))), str(dict(found.neighbour))]
    row += [f"{cuts[49]:.2f} s", f"{cuts[98]:.2f} s", f"{found.peak_mib:.0f} MiB", str(found.kills), str(found.alive)]
    print(table(head, [row]))


if __name__ == "__main__":
    main()
