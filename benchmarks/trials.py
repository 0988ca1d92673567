"""Whether the gate can be believed: ``python -m benchmarks.trials --repeats 20`` writes ``benchmarks/trials.json``.

The unchanged tree is counted so many times over, where every alarm is a false one; then as many times with one piece,
another each time, that does a fifth more, where every silence is a miss.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from itertools import cycle, islice
from pathlib import Path

from benchmarks.history import git, processor
from benchmarks.instructions import MOST, compare, count
from benchmarks.workload import REFERENCE, WORK

RESULT = Path(__file__).with_name("trials.json")


def alarms(before: dict[str, int], now: dict[str, int]) -> list[str]:
    """Return the names of the pieces that the gate refuses."""
    return [verdict.name for verdict in compare(before, now) if verdict.ratio > MOST]


def main() -> int:
    """Try, and write the result."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repeats", type=int, default=20)
    repeats = parser.parse_args().repeats
    before = count()
    load = os.getloadavg()[0]
    unchanged = [count() for _ in range(repeats)]
    slowed = list(islice(cycle(name for name in WORK if name != REFERENCE), repeats))
    caught = [alarms(before, count(name)) == [name] for name in slowed]
    worst = max(verdict.ratio for now in unchanged for verdict in compare(before, now))
    found = {
        "commit": git("rev-parse", "HEAD"),
        "command": f"python -m benchmarks.trials --repeats {repeats}",
        "machine": processor(),
        "load": round(load, 1),
        "unchanged": {"runs": repeats, "alarms": sum(bool(alarms(before, now)) for now in unchanged)},
        "largest_ratio_unchanged": round(worst, 5),
        "slowed_by_a_fifth": {"runs": repeats, "caught": sum(caught), "pieces": slowed},
    }
    RESULT.write_text(json.dumps(found, indent=2) + "\n")
    print(json.dumps(found, indent=2))
    return 0


if __name__ == "__main__":
    sys.exit(main())
