"""Instructions of the kernels under callgrind, which no other load changes: ``python -m benchmarks.instructions``.

Each piece of ``workload.py`` is one profile, of which only what happens inside the library of kernels is counted:
neither Python nor the machine's other programs matter. A piece that takes 5% more than in ``baseline.json`` is a
failure; ``--bless`` writes it anew, in the commit that says why. Needs valgrind, a C compiler and ``make kernels``.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import NamedTuple

from benchmarks.workload import REFERENCE, WORK
from mycelium_fractal_net._compiled.native import Library, library

BASELINE = Path(__file__).with_name("baseline.json")
MOST = 1.05
"""Times as many instructions as in the baseline that are allowed."""

_MARKS = """
#include <valgrind/callgrind.h>
void begin(void) { CALLGRIND_ZERO_STATS; }
void end(const char *name) { CALLGRIND_DUMP_STATS_AT(name); }
"""
_OBJECT = re.compile(r"ob=\((\d+)\)(?: (.*))?")
_TRIGGER = "desc: Trigger: Client Request: "


class Verdict(NamedTuple):
    """A piece's instructions in the baseline and now."""

    name: str
    before: int | None
    now: int | None

    @property
    def ratio(self) -> float:
        """Now over before; infinite for a piece that is gone, 1 for a new one."""
        return float("inf") if self.now is None else self.now / self.before if self.before else 1.0


def built_ahead() -> Library:
    """Return the library of kernels, or end the program with what to do."""
    found = library()
    if found is None:
        raise SystemExit("no kernels are built ahead for these sources: make kernels")
    return found


def count(slow: str | None = None) -> dict[str, int]:
    """Return the instructions inside kernels of every piece of the workload."""
    if shutil.which("valgrind") is None:
        raise SystemExit("valgrind is missing: apt-get install valgrind")
    kernels = built_ahead().path
    with tempfile.TemporaryDirectory() as scratch:
        marks, out = Path(scratch) / "marks.so", Path(scratch) / "callgrind.out"
        compile_ = [os.environ.get("CC", "cc"), "-shared", "-fPIC", "-O1", "-x", "c", "-", "-o", str(marks)]
        subprocess.run(compile_, input=_MARKS, check=True, text=True)
        names = [name for name in WORK if name != REFERENCE]
        tool = ["valgrind", "--quiet", "--tool=callgrind", f"--callgrind-out-file={out}"]
        command = [*tool, sys.executable, "-m", "benchmarks.workload", "count", *names]
        environment = {**os.environ, "MFN_BENCH_MARKS": str(marks), "PYTHONHASHSEED": "0"}
        environment |= {"MFN_BENCH_SLOW": slow} if slow else {}
        subprocess.run(command, check=True, env=environment, stdout=subprocess.DEVNULL)
        return dict(filter(None, (read(part, kernels) for part in sorted(out.parent.glob("callgrind.out.*")))))


def read(part: Path, kernels: Path) -> tuple[str, int] | None:
    """Return a profile's name and the instructions inside the kernels, or None for one that has no name."""
    name, objects, here, total, of_call = None, dict[str, str](), "", 0, False
    for line in part.read_text().splitlines():
        if line.startswith(_TRIGGER):
            name = line.removeprefix(_TRIGGER)
        elif line.startswith("calls="):
            of_call = True
        elif line[:1] in "0123456789+-*":
            words = line.split()  # a cost of zero is left out
            total += 0 if of_call or here != kernels.name or len(words) < 2 else int(words[1])
            of_call = False
        elif match := _OBJECT.match(line.removeprefix("c")):
            path = objects.setdefault(match[1], match[2] or "")
            here = here if line.startswith("c") else Path(path).name
    return None if name is None else (name, total)


def compare(before: dict[str, int], now: dict[str, int]) -> list[Verdict]:
    """Return what became of every piece, the worst first."""
    verdicts = [Verdict(name, before.get(name), now.get(name)) for name in {*before, *now}]
    return sorted(verdicts, key=lambda verdict: (-verdict.ratio, verdict.name))


def report(before: dict[str, int], now: dict[str, int]) -> list[str]:
    """Print the table, and return the names of what takes too many."""
    verdicts = compare(before, now)
    print("| piece | instructions blessed | now | ratio |\n|---|---|---|---|")
    for name, old, new in verdicts:
        print(f"| {name} | {old or 0:,} | {new or 0:,} | {Verdict(name, old, new).ratio:.4f} |")
    return [verdict.name for verdict in verdicts if verdict.ratio > MOST]


def main() -> int:
    """Count, compare and say; or bless."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--bless", action="store_true", help="write baseline.json")
    parser.add_argument("--slow", help="do a piece of the workload six times in place of five: a regression to catch")
    arguments = parser.parse_args()
    now = count(arguments.slow)
    if arguments.bless:
        entry = {"command": "make bench-bless", "level": built_ahead().path.stem, "instructions": now}
        BASELINE.write_text(json.dumps(entry, indent=2) + "\n")
        return 0
    bad = report(json.loads(BASELINE.read_text())["instructions"], now)
    for name in bad:
        print(f"{name}: more than {MOST} times the instructions of {BASELINE.name}; if that is meant, make bench-bless")
    return bool(bad)


if __name__ == "__main__":
    sys.exit(main())
