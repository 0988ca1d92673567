"""Measure the HTTP service; prints Markdown. Needs wrk and a machine that does nothing else.

Run: python -m benchmarks.benchmark_service [--quick] [--write] [nernst simulate health cancel latency]
Rivals take turns, and the ratio of each turn counts: a slow moment of the machine meets both.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path
from statistics import median, quantiles
from typing import Any, NamedTuple, Self

import httpx

from benchmarks.probes import computing, freed_ms, health_ms, settled
from benchmarks.wrk import Load, wrk
from tests.service.helpers import AUTH, ION, KEY, Server, free_port, running

PAGE = Path(__file__).resolve().parent.parent / "docs" / "performance.md"
BEGIN, END = "<!-- measured: begin -->", "<!-- measured: end -->"
LIMITS = json.dumps(dict.fromkeys(("simulate", "nernst", "validate", "health", "metrics"), 10**9))
THREADS = len(os.sched_getaffinity(0))
LONG = {"grid_size": 512, "steps": 3_500}
SMALL_VALIDATION = {"grid_size": 16, "steps": 16}


class Effort(NamedTuple):
    """How long all of it takes.

    Attributes
    ----------
    starts, rounds : int
        How often a comparison with the engine starts its processes anew, and turns of each rival after each start:
        where a process finds its memory moves its speed by a few percent, for as long as it lives.
    """

    starts: int
    rounds: int
    seconds: float
    health_s: float
    samples: int
    grids: tuple[int, ...]
    validation_s: float


FULL = Effort(starts=3, rounds=10, seconds=1.0, health_s=12.0, samples=10, grids=(64, 128, 256, 512), validation_s=12.0)
QUICK = Effort(starts=1, rounds=1, seconds=1.0, health_s=1.0, samples=2, grids=(512,), validation_s=5.0)


class Pair(NamedTuple):
    """A row of the comparison."""

    what: str
    ours: list[float]
    theirs: list[float]
    unit: str
    rival: str
    aim: float

    @property
    def ratio(self) -> float:
        """The median of the rounds' ratios."""
        return median(self.ratios)

    @property
    def ratios(self) -> list[float]:
        """Ours by theirs, round by round."""
        return [mine / other for mine, other in zip(self.ours, self.theirs, strict=True)]

    def row(self) -> list[str]:
        numbers = f"service {median(self.ours):,.0f}, {self.rival} {median(self.theirs):,.0f} {self.unit}"
        low, _, high = quantiles(self.ratios, n=4, method="inclusive") if len(self.ours) > 1 else 3 * self.ratios
        spread = f"{self.ratio:.2f} ({low:.2f} to {high:.2f})"
        return [self.what, numbers, spread, f"at least {self.aim:g}", held(self.ratio >= self.aim)]


def held(is_held: bool) -> str:
    return "yes" if is_held else "no"


def table(head: list[str], rows: list[list[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


@contextmanager
def bare_server() -> Iterator[str]:
    """Run FastAPI with nothing around the endpoint."""
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    process = subprocess.Popen([sys.executable, "-m", "benchmarks.peer_fastapi", str(port)])
    try:
        with httpx.Client(transport=httpx.HTTPTransport(retries=8)) as client:
            client.post(f"{url}/nernst", json=ION).raise_for_status()
        yield url
    finally:
        process.terminate()
        process.wait()


def turns(rounds: int, ours: Callable[[], float], theirs: Callable[[], float]) -> tuple[list[float], list[float]]:
    """Measure both, one after the other, the one that begins changing each time."""
    found: tuple[list[float], list[float]] = ([], [])
    for number in range(rounds):
        for which in (0, 1) if number % 2 == 0 else (1, 0):
            found[which].append((ours, theirs)[which]())
        print(f"  {found[0][-1]:,.0f} against {found[1][-1]:,.0f}", file=sys.stderr)
    return found


def compare_nernst(server: Server, effort: Effort) -> str:
    def rate(url: str) -> float:
        return wrk(url, "/nernst", dict(ION), key=KEY, connections=16, seconds=effort.seconds).rate

    with bare_server() as bare:
        rate(bare), rate(server.url)
        ours, theirs = turns(effort.rounds, lambda: rate(server.url), lambda: rate(bare))
    what = "`/nernst`: key, limit, JSON log, metrics; against FastAPI with the same model alone"
    return compared([Pair(what, ours, theirs, "answers/s", "bare", 0.5)])


class Job(NamedTuple):
    """A simulation that is asked for over and over."""

    side: int
    steps: int
    one_seed: bool

    @property
    def body(self) -> dict[str, Any]:
        return {"grid_size": self.side, "steps": self.steps, "seed": 42 if self.one_seed else "SEED"}

    def __str__(self) -> str:
        return f"`/simulate` {self.side}² x {self.steps} steps, {'one seed' if self.one_seed else 'a new seed each'}"


def compare_simulate(_: Server, effort: Effort) -> str:
    small = Job(64, 64, False)
    pairs = [_pair(str(job), job, effort, {}) for job in (small, Job(64, 64, True), Job(128, 128, False))]
    title = f"{small}; {THREADS} processes of one thread"
    pairs.append(_pair(title, small, effort, {"COMPUTE_THREADS": "1"}, processes=THREADS))
    return compared(pairs)


def _pair(what: str, job: Job, effort: Effort, settings: dict[str, str], processes: int = 1) -> Pair:
    ours: list[float] = []
    theirs: list[float] = []
    for _ in range(effort.starts):
        with ExitStack() as stack:
            directory = Path(stack.enter_context(tempfile.TemporaryDirectory()))
            service = partial(running, directory, RATE_LIMITS=LIMITS, COST_LIMIT=str(10**15), **settings)
            servers = [stack.enter_context(service()) for _ in range(processes)]
            engine = stack.enter_context(Engine())
            rivals = partial(simulations, servers, job, effort), partial(engine.rate, job, effort)
            rivals[0](), rivals[1]()
            mine, others = turns(effort.rounds, *rivals)
            ours += mine
            theirs += others
    return Pair(what, ours, theirs, "simulations/s", "engine", 0.8)


def simulations(servers: list[Server], job: Job, effort: Effort) -> float:
    """Return simulations a second of all servers together, over eight connections."""

    def rate(server: Server) -> float:
        connections = 8 // len(servers)
        load = wrk(server.url, "/simulate", job.body, key=KEY, connections=connections, seconds=effort.seconds)
        settled(server)
        return load.rate

    with ThreadPoolExecutor(len(servers)) as pool:
        return sum(pool.map(rate, servers))


class Engine:
    """The process that computes without a service; it waits between its turns."""

    def __init__(self) -> None:
        command = [sys.executable, "-m", "benchmarks.peer_engine", str(THREADS)]
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._process.communicate()

    def rate(self, job: Job, effort: Effort) -> float:
        """Let it have a turn, and return its simulations a second."""
        asked, answers = self._process.stdin, self._process.stdout
        assert asked is not None
        assert answers is not None
        asked.write(f"{effort.seconds} {job.side} {job.steps} {job.body['seed']}\n")
        asked.flush()
        return float(answers.readline())


def compared(pairs: list[Pair]) -> str:
    head = ["what", "median", "ratio: median (quarters)", "aim", "held"]
    return table(head, [pair.row() for pair in pairs])


def health_under_load(server: Server, effort: Effort) -> str:
    rows = []
    seconds = effort.health_s
    warm_up_validation(server)
    rows.append(_health_row("nothing else", health_ms(server, seconds), None))
    for what, path, body in (
        (f"{THREADS} threads simulate {LONG['grid_size']}², as many wait", "/simulate", LONG),
        (f"{THREADS} threads simulate 64² x 64 steps, as many wait", "/simulate", {"grid_size": 64}),
        (f"{THREADS} threads validate, as many wait", "/validate", SMALL_VALIDATION),
    ):
        with computing(server, THREADS, path, body):
            rows.append(_health_row(what, health_ms(server, seconds), 25.0))
    return table(["while", "requests", "p50 ms", "p95 ms", "p99 ms", "most ms", "p95 under 25 ms"], rows)


def _health_row(what: str, times: list[float], aim: float | None) -> list[str]:
    cuts = quantiles(times, n=100)
    verdict = "" if aim is None else held(cuts[94] < aim)
    shown = [f"{value:.1f}" for value in (cuts[49], cuts[94], cuts[98], times[-1])]
    print("  /health", what, *shown, file=sys.stderr)
    return [what, str(len(times)), *shown, verdict]


def cancellation(server: Server, effort: Effort) -> str:
    rows = []
    for grid_size in effort.grids:
        body = {"grid_size": grid_size, "steps": min(10_000, 900_000_000 // grid_size**2)}
        times = sorted(freed_ms(server, THREADS, body) for _ in range(effort.samples))
        rows.append([
            f"{grid_size}²", str(len(times)), f"{median(times):.1f}", f"{times[-1]:.1f}", held(times[-1] < 100),
        ])  # fmt: skip
        print("  cancel", rows[-1], file=sys.stderr)
    return table(["grid", "times", "median ms", "worst ms", "worst under 100 ms"], rows)


def warm_up_validation(server: Server) -> None:
    """Let the first one load torch, for some seconds."""
    answer = httpx.post(f"{server.url}/validate", json=SMALL_VALIDATION, headers=AUTH, timeout=120)
    answer.raise_for_status()


def latencies(server: Server, effort: Effort) -> str:
    rows = []
    warm_up_validation(server)
    for path, body, connections, seconds in (
        ("/nernst", ION, (4, 64), 8 * effort.seconds),
        ("/simulate", Job(64, 64, False).body, (2, 32), 8 * effort.seconds),
        ("/validate", {**SMALL_VALIDATION, "seed": "SEED"}, (1, 8), effort.validation_s),
    ):
        for number in connections:
            load = wrk(server.url, path, dict(body), key=KEY, connections=number, seconds=seconds)
            settled(server)
            rows.append(_latency_row(path, number, load))
    return table(["endpoint", "connections", "answers", "answers/s", "p50 ms", "p95 ms", "p99 ms"], rows)


def _latency_row(path: str, connections: int, load: Load) -> list[str]:
    rate = f"{load.rate:,.0f}" if load.rate >= 100 else f"{load.rate:.3g}"
    shown = [f"{value:.3g}" if value < 100 else f"{value:,.0f}" for value in (load.p50_ms, load.p95_ms, load.p99_ms)]
    print("  latency", path, connections, rate, *shown, file=sys.stderr)
    return [f"`{path}`", str(connections), str(load.requests), rate, *shown]


PARTS: dict[str, tuple[str, Callable[[Server, Effort], str]]] = {
    "nernst": ("Beside bare FastAPI", compare_nernst),
    "simulate": ("Beside the engine alone", compare_simulate),
    "health": ("`GET /health` while the cores compute", health_under_load),
    "cancel": ("From a closed connection to free threads", cancellation),
    "latency": ("Latency and throughput", latencies),
}


def machine() -> str:
    """Say where this was measured."""
    info = Path("/proc/cpuinfo").read_text(encoding="utf-8") if Path("/proc/cpuinfo").exists() else ""
    model = next((line.split(":", 1)[1].strip() for line in info.splitlines() if line.startswith("model name")), "")
    load = os.getloadavg()[0]
    return (
        f"{THREADS} cores of {model or platform.machine()}, Python {platform.python_version()}; {THREADS} compute "
        f"threads; wrk on the same cores. One-minute load average before the run: {load:.1f}."
    )


def measure(names: list[str], effort: Effort) -> str:
    """Return the tables, each under its heading."""
    sections = [machine()]
    free = {"RATE_LIMITS": LIMITS, "COST_LIMIT": str(10**15)}
    with tempfile.TemporaryDirectory() as directory, running(Path(directory), **free) as server:
        for name in names:
            heading, part = PARTS[name]
            print(heading, file=sys.stderr)
            sections += [f"### {heading}", part(server, effort)]
    return "\n\n".join(sections)


def write(tables: str, page: Path = PAGE, begin: str = BEGIN, end: str = END) -> None:
    """Put the tables between two markers of the page."""
    before, rest = page.read_text(encoding="utf-8").split(begin)
    _, after = rest.split(end)
    page.write_text(f"{before}{begin}\n{tables}\n{end}{after}", encoding="utf-8")


def parsed(about: str | None, parts: Iterable[str], arguments: list[str] | None) -> argparse.Namespace:
    """Return which parts to measure, how, and whether to write them."""
    parser = argparse.ArgumentParser(description=about, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("parts", nargs="*", choices=[[], *parts], help="which tables; by default all")
    parser.add_argument("--quick", action="store_true", help="see that it works; the numbers mean nothing")
    parser.add_argument("--write", action="store_true", help=f"put the tables into {PAGE.name}")
    options = parser.parse_args(arguments)
    if options.write and (options.quick or options.parts):
        parser.error("--write takes the whole measurement")
    return options


def main(arguments: list[str] | None = None) -> None:
    options = parsed(__doc__, PARTS, arguments)
    tables = measure(options.parts or list(PARTS), QUICK if options.quick else FULL)
    print(tables)
    if options.write:
        write(tables)


if __name__ == "__main__":
    main()
