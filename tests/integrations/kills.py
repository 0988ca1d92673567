"""Kill ``mfn worker`` with -9 at random while it works, and count what is lost, repeated, or out of order.

``python -m tests.integrations.kills --jobs 1000 --kills 5`` prints a table, a line for each pair of source and sink;
``--pairs redis:nats,kafka:kafka`` chooses pairs.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import random
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import NamedTuple

import httpx

from tests.integrations.places import PLACES, Place, free_port
from tests.service.helpers import sample

DEADLINE_S = 600
KEYS = 5


class Outcome(NamedTuple):
    """What came of a pair."""

    source: str
    sink: str
    jobs: int
    kills: int
    lost: int
    repeats: int
    conflicts: int
    disorder: int
    dead: int
    seconds: float


def _jobs(count: int) -> list[bytes]:
    """Return jobs, each of one of five keys, and among a thousand ten that are poison."""
    jobs: list[dict[str, object]] = []
    for number in range(count):
        request = {"grid_size": 16, "steps": 16, "seed": number}
        if number % 100 == 50:
            request["steps"] = -1
        jobs.append({"id": f"job-{number}", "operation": "simulate", "request": request, "key": f"k{number % KEYS}"})
    return [json.dumps(job).encode() for job in jobs]


class Process:
    """A worker as a process of its own."""

    def __init__(self, directory: Path, config: dict[str, object]) -> None:
        self.port = free_port()
        path = directory / "worker.json"
        path.write_text(json.dumps({**config, "port": self.port}))
        command = [sys.executable, "-m", "mycelium_fractal_net", "worker", "--config", str(path)]
        self.log = (directory / "worker.log").open("ab")
        environment = {**os.environ, "MFN_WARMUP": "false", "MFN_LOG_LEVEL": "WARNING"}
        self.process = subprocess.Popen(command, env=environment, stdout=self.log, stderr=self.log)

    def published(self) -> int:
        """Return how many events this process has published."""
        try:
            text = httpx.get(f"http://127.0.0.1:{self.port}/metrics", timeout=5).text
        except httpx.TransportError:
            if self.process.poll() is not None:
                raise RuntimeError(f"the worker ended: {self.process.returncode}") from None
            return 0
        kinds = ("net.mycelium.mfn.simulation.completed.v1", "net.mycelium.mfn.job.failed.v1")
        return int(sum(sample(text, "mfn_events_published_total", type=kind) for kind in kinds))

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()
        self.log.close()


async def run_pair(source: str, sink: str, jobs: int, kills: int, directory: Path, seed: int = 0) -> Outcome:
    """Let workers do the jobs, killing all but the last."""
    rng, begin = random.Random(f"{source}{sink}{seed}"), time.monotonic()
    places = [PLACES[source](_made(directory / "in")), PLACES[sink](_made(directory / "out"))]
    for place in places:
        await place.start()
    coming, going = places
    dead = directory / "dead.jsonl"
    if source in {"rabbitmq", "nats"}:
        coming.source["ordered"] = True
    config: dict[str, object] = {
        "source": coming.source,
        "publisher": going.sink,
        "dead_letters": {"kind": "file", "path": str(dead)},
    }
    await coming.put(_jobs(jobs))
    done = 0
    for _ in range(kills):
        process = Process(directory, config)
        await _until(process, rng.randint(1, max(1, jobs // (kills + 2))))
        await asyncio.sleep(rng.random() * 0.05)
        process.kill()
        done += 1
    process = Process(directory, config)
    wanted = {f"job-{number}" for number in range(jobs) if number % 100 != 50}
    end = time.monotonic() + DEADLINE_S
    while time.monotonic() < end and not wanted <= await _subjects(going):
        await asyncio.sleep(0.5)
    process.process.terminate()
    await asyncio.to_thread(process.process.wait, 120)
    process.log.close()
    outcome = await _judged(going, wanted, dead)
    for place in places:
        await place.close()
    return Outcome(source, sink, jobs, done, *outcome, time.monotonic() - begin)


async def _until(process: Process, count: int) -> None:
    end = time.monotonic() + DEADLINE_S
    while time.monotonic() < end and await asyncio.to_thread(process.published) < count:
        await asyncio.sleep(0.02)


async def _subjects(place: Place) -> set[str]:
    return {json.loads(event)["subject"] for event in await place.events()}


async def _judged(place: Place, wanted: set[str], dead: Path) -> tuple[int, int, int, int, int]:
    """Return how many are lost, repeated, repeated with other bits, out of order, and dead."""
    first: dict[str, bytes] = {}
    repeats = conflicts = disorder = 0
    last: dict[int, int] = {}
    for event in await place.events():
        subject = json.loads(event)["subject"]
        if subject in first:
            repeats += 1
            conflicts += first[subject] != event.strip()
            continue
        first[subject] = event.strip()
        number = int(subject[4:])
        disorder += number < last.get(number % KEYS, -1)
        last[number % KEYS] = number
    lines = dead.read_bytes().splitlines() if dead.exists() else []
    letters = {json.loads(line)["subject"] for line in lines}
    return len(wanted - set(first)), repeats, conflicts, disorder, len(letters)


def _made(path: Path) -> Path:
    path.mkdir(parents=True)
    return path


def say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def main() -> None:
    """Run every pair, and print a line for each."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--jobs", type=int, default=1000)
    parser.add_argument("--kills", type=int, default=5)
    parser.add_argument("--pairs", default=",".join(f"{one}:{other}" for one in PLACES for other in PLACES))
    options = parser.parse_args()
    say("| source | sink | jobs | kills | lost | repeats | other bits | out of order | dead | s |")
    say("|---|---|---|---|---|---|---|---|---|---|")
    for pair in options.pairs.split(","):
        source, _, sink = pair.partition(":")
        with tempfile.TemporaryDirectory(prefix="mfn-kills-") as directory:
            found = asyncio.run(run_pair(source, sink, options.jobs, options.kills, Path(directory)))
        say("| " + " | ".join(f"{value:.0f}" if isinstance(value, float) else str(value) for value in found) + " |")


if __name__ == "__main__":
    main()
