"""Kill ``mfn worker``, or its broker, with -9 at random while it works; count what is lost, repeated, out of order.

``python -m tests.integrations.kills --jobs 1000 --kills 5`` prints a table, a line for each pair of source and sink;
``--pairs redis:nats,kafka-mock:kafka`` chooses pairs, ``--victims brokers`` kills brokers in place of workers.
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

from tests.integrations.brokers import BROKERS, Broker
from tests.integrations.place import Place, free_port
from tests.integrations.places import PLACES
from tests.service.helpers import sample

DEADLINE_S = 600
# The broker of "kafka" never forgets a dead member of a group, so that its jobs would never come again; the mock does.
PAIRS = [
    (source, sink) for source in sorted(PLACES) for sink in sorted(PLACES) if source != "kafka" and sink != "kafka-mock"
]
KEYS = 5
# The broker of "kafka" forgets messages that it has confirmed when it is killed: of no use as a sink here.
BROKER_PAIRS = [
    *((kind, "file") for kind in sorted(BROKERS)),
    *(("file", kind) for kind in sorted(BROKERS) if kind != "kafka"),
]


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
    coming, going = (PLACES[kind](_made(directory / name)) for kind, name in ((source, "in"), (sink, "out")))
    config = await _prepared(coming, going, jobs, directory)
    for _ in range(kills):
        process = Process(directory, config)
        await _until(process, rng.randint(1, max(1, jobs // (kills + 2))))
        await asyncio.sleep(rng.random() * 0.05)
        process.kill()
    found = await _finished(Process(directory, config), coming, going, jobs, directory)
    return Outcome(source, sink, jobs, kills, *found, time.monotonic() - begin)


async def run_broker(source: str, sink: str, jobs: int, kills: int, directory: Path, seed: int = 0) -> Outcome:
    """Let one worker do the jobs, killing the broker of its source, of its sink, or of both where it is one."""
    rng, begin = random.Random(f"{source}{sink}{seed}"), time.monotonic()
    broker = BROKERS[source if source in BROKERS else sink](_made(directory / "broker"))
    broker.start()
    coming, going = (
        (broker.place if kind == broker.kind else PLACES[kind])(_made(directory / name))
        for kind, name in ((source, "in"), (sink, "out"))
    )
    try:
        config = await _prepared(coming, going, jobs, directory)
        process = Process(directory, config)
        for number in range(kills):
            await _until(process, (number + 1) * jobs // (kills + 2) + rng.randint(0, 20))
            await asyncio.to_thread(broker.kill)
            await asyncio.sleep(rng.random() * 0.5)
            await asyncio.to_thread(broker.start)
        for place in (coming, going):
            await place.reconnect()
        found = await _finished(process, coming, going, jobs, directory)
    finally:
        broker.kill()
    return Outcome(
        f"{source}{_mark(source, broker)}",
        f"{sink}{_mark(sink, broker)}",
        jobs,
        kills,
        *found,
        time.monotonic() - begin,
    )


def _mark(kind: str, broker: Broker) -> str:
    return " (killed)" if kind == broker.kind else ""


async def _prepared(coming: Place, going: Place, jobs: int, directory: Path) -> dict[str, object]:
    """Put the jobs where they come from; return the configuration of a worker."""
    for place in (coming, going):
        await place.start()
    if coming.kind in {"rabbitmq", "nats"}:
        coming.source["ordered"] = True
    await coming.put(_jobs(jobs))
    dead = {"kind": "file", "path": str(directory / "dead.jsonl")}
    return {"source": coming.source, "publisher": going.sink, "dead_letters": dead}


async def _finished(
    process: Process, coming: Place, going: Place, jobs: int, directory: Path
) -> tuple[int, int, int, int, int]:
    """Wait until every job has its event, or no more time is left; end the worker, and judge."""
    wanted = {f"job-{number}" for number in range(jobs) if number % 100 != 50}
    end = time.monotonic() + DEADLINE_S
    while time.monotonic() < end and not wanted <= await _subjects(going):
        await asyncio.sleep(0.5)
    process.process.terminate()
    await asyncio.to_thread(process.process.wait, 120)
    process.log.close()
    found = await _judged(going, wanted, directory / "dead.jsonl")
    for place in (coming, going):
        await place.close()
    return found


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
    parser.add_argument("--victims", choices=["workers", "brokers"], default="workers", help="who is killed")
    parser.add_argument("--pairs", help="as source:sink,source:sink; all by default")
    options = parser.parse_args()
    say("| source | sink | jobs | kills | lost | repeats | other bits | out of order | dead | s |")
    say("|---|---|---|---|---|---|---|---|---|---|")
    run, pairs = (run_pair, PAIRS) if options.victims == "workers" else (run_broker, BROKER_PAIRS)
    if options.pairs:
        pairs = [(source, sink) for source, sink in (pair.split(":") for pair in options.pairs.split(","))]
    for source, sink in pairs:
        with tempfile.TemporaryDirectory(prefix="mfn-kills-") as directory:
            found = asyncio.run(run(source, sink, options.jobs, options.kills, Path(directory)))
        say("| " + " | ".join(f"{value:.0f}" if isinstance(value, float) else str(value) for value in found) + " |")


if __name__ == "__main__":
    main()
