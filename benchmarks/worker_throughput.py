"""The worker beside the engine, in one run: ``python -m benchmarks.worker_throughput --jobs 600 --rounds 3``.

Simulations of 64 x 64 cells and 64 steps, two at a time: by ``mfn.simulate`` in threads, and by ``mfn worker`` from a
broker to a broker, timed from its first confirmed event to its last. Rounds alternate, since the machine is shared.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import statistics
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import mycelium_fractal_net as mfn
from tests.integrations.kills import Process
from tests.integrations.places import PLACES

THREADS = 2


def engine(jobs: int) -> float:
    """Return simulations a second."""
    configs = [mfn.SimulationConfig(seed=seed) for seed in range(jobs)]
    with ThreadPoolExecutor(THREADS) as pool:
        list(pool.map(_features, configs[:4]))
        begin = time.perf_counter()
        list(pool.map(_features, configs))
    return jobs / (time.perf_counter() - begin)


def _features(config: mfn.SimulationConfig) -> object:
    return mfn.simulate(config, threads=1).features


async def worker(kind: str, jobs: int, directory: Path) -> float:
    """Return simulations a second, confirmed by the broker."""
    place = PLACES[kind](directory)
    await place.start()
    await place.put(
        [json.dumps({"id": f"job-{n}", "operation": "simulate", "request": {"seed": n}}).encode() for n in range(jobs)]
    )
    dead = {"kind": "file", "path": str(directory / "dead.jsonl")}
    process = Process(directory, {"source": place.source, "publisher": place.sink, "dead_letters": dead})
    marks: list[tuple[float, int]] = []
    while not marks or marks[-1][1] < jobs:
        done = await asyncio.to_thread(process.published)
        if done:
            marks.append((time.perf_counter(), done))
        await asyncio.sleep(0.02)
    process.kill()
    await place.close()
    begin = next(mark for mark in marks if mark[1] >= jobs // 10)  # after kernels are loaded
    return (marks[-1][1] - begin[1]) / (marks[-1][0] - begin[0])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--jobs", type=int, default=600)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--kinds", default="nats,rabbitmq")
    options = parser.parse_args()
    print("| round | engine, 1/s | " + " | ".join(f"{kind}, 1/s" for kind in options.kinds.split(",")) + " |")
    shares: dict[str, list[float]] = {}
    for number in range(options.rounds):
        alone, row = engine(options.jobs), []
        for kind in options.kinds.split(","):
            with tempfile.TemporaryDirectory(prefix="mfn-throughput-") as directory:
                row.append(asyncio.run(worker(kind, options.jobs, Path(directory))))
            shares.setdefault(kind, []).append(row[-1] / ((alone + engine(options.jobs)) / 2))
        print(f"| {number} | {alone:.0f} | " + " | ".join(f"{rate:.0f}" for rate in row) + " |", flush=True)
    for kind, ratios in shares.items():
        print(f"{kind}: {statistics.median(ratios):.2f} of the engine")


if __name__ == "__main__":
    main()
