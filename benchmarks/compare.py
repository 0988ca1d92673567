"""Two revisions in turns: ``make bench-compare A=REV B=REV`` says how much slower B is than A, piece by piece.

Each revision is checked out on its own; where they want other packages than this tree, each gets its own environment.
Both do the same workload, this tree's, one piece after the other, so that a slow moment of the machine meets both.
A piece fails where the lower bound of 95% of the median ratio is above 1.20, and is then tried a second time.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import NamedTuple, Self

import numpy as np

from benchmarks.workload import REFERENCE, WORK

ROOT = Path(__file__).parents[1]
PLACE = ROOT / ".cache" / "bench"
MOST = 1.20
_DEPENDENCIES = ("pyproject.toml", "constraints.txt")


class Ratio(NamedTuple):
    """Median of B over A, and its interval of 95%."""

    median: float
    low: float
    high: float


def ratio_of(a: Sequence[float], b: Sequence[float]) -> Ratio:
    """Return the median of the ratios of pairs, and its interval from 2,000 resamples with a fixed seed."""
    ratios = np.asarray(b) / np.asarray(a)
    drawn = np.random.default_rng(0).integers(0, len(ratios), (2_000, len(ratios)))
    low, high = np.quantile(np.median(ratios[drawn], axis=1), [0.025, 0.975])
    return Ratio(float(np.median(ratios)), float(low), float(high))


def git(*arguments: str) -> str:
    """Run git here, and return what it writes."""
    return subprocess.run(["git", *arguments], cwd=ROOT, check=True, capture_output=True, text=True).stdout.strip()


class Side:
    """A revision that does pieces of work when told, in a process of its own."""

    def __init__(self, revision: str, *, slow: str | None = None) -> None:
        self.commit = git("rev-parse", "--verify", f"{revision}^{{commit}}")
        self.place = PLACE / self.commit
        if not self.place.is_dir():
            git("worktree", "prune")
            git("worktree", "add", "--quiet", "--detach", str(self.place), self.commit)
        shutil.copy(Path(__file__).with_name("workload.py"), self.place / "benchmarks" / "workload.py")
        paths = os.pathsep.join([str(self.place / "src"), str(self.place)])
        environment = {**os.environ, "PYTHONPATH": paths, **({"MFN_BENCH_SLOW": slow} if slow else {})}
        command = [self._python(), "-m", "benchmarks.workload", "serve"]
        self._process = subprocess.Popen(
            command, cwd=self.place, env=environment, text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )

    def _python(self) -> str:
        same = all((ROOT / name).read_bytes() == (self.place / name).read_bytes() for name in _DEPENDENCIES)
        if same:
            return sys.executable
        python = str(self.place / ".venv" / "bin" / "python")
        if not Path(python).exists():
            subprocess.run([sys.executable, "-m", "venv", str(self.place / ".venv")], check=True)
            pip = [python, "-m", "pip", "install", "--quiet", "--constraint", "constraints.txt", ".[jit]"]
            subprocess.run(pip, cwd=self.place, check=True)
        return python

    def seconds(self, name: str) -> float:
        """Do a piece of work, and return its processor seconds."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(f"{name}\n")
        self._process.stdin.flush()
        return float(self._process.stdout.readline())

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._process.kill()
        self._process.communicate()


def race(a: Side, b: Side, names: Sequence[str], rounds: int) -> dict[str, Ratio]:
    """Return the ratio of every piece, over rounds in which the sides take turns in being first."""
    times: dict[str, tuple[list[float], list[float]]] = {name: ([], []) for name in names}
    for attempt in range(-1, rounds):
        for name in names:
            sides = ((0, a), (1, b)) if attempt % 2 else ((1, b), (0, a))
            for index, side in sides:
                took = side.seconds(name)
                if attempt >= 0:  # the first round compiles what is not built ahead
                    times[name][index].append(took)
    return {name: ratio_of(*pair) for name, pair in times.items()}


def slower(a: Side, b: Side, names: Sequence[str], rounds: int) -> dict[str, Ratio]:
    """Print the table, and return what is slower twice running."""
    found = race(a, b, names, rounds)
    print(f"| work | {b.commit[:10]} over {a.commit[:10]} | 95% |\n|---|---|---|")
    for name, ratio in found.items():
        print(f"| {name} | {ratio.median:.3f} | {ratio.low:.3f} to {ratio.high:.3f} |")
    doubtful = [name for name, ratio in found.items() if ratio.low > MOST]
    again = race(a, b, doubtful, 2 * rounds) if doubtful else {}
    return {name: ratio for name, ratio in again.items() if ratio.low > MOST}


def main() -> int:
    """Compare two revisions."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("a", help="revision that is the measure")
    parser.add_argument("b", help="revision that is measured")
    parser.add_argument("--rounds", type=int, default=20)
    parser.add_argument("--work", action="append", help="a piece of the workload; all but the reference by default")
    parser.add_argument("--slow", help="a piece that B does six times in place of five")
    arguments = parser.parse_args()
    names = arguments.work or [name for name in WORK if name != REFERENCE]
    with ExitStack() as stack:
        a = stack.enter_context(Side(arguments.a))
        b = stack.enter_context(Side(arguments.b, slow=arguments.slow))
        bad = slower(a, b, names, arguments.rounds)
    for name, ratio in bad.items():
        print(f"slower: {name}, {ratio.median:.2f} times ({ratio.low:.2f} to {ratio.high:.2f}), measured twice")
    return bool(bad)


if __name__ == "__main__":
    sys.exit(main())
