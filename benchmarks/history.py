"""Where the project stands: ``python -m benchmarks.history`` writes ``history/DATE-COMMIT.json``.

It names commit, machine and versions, and holds what can be compared across machines: instructions of the kernels, and
the time of each piece of work in that of a reference in NumPy within the same run.
"""

from __future__ import annotations

import json
import platform
import subprocess
import sys
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

from benchmarks import instructions
from benchmarks.race import race
from benchmarks.workload import REFERENCE, WORK
from mycelium_fractal_net._checks import available_cores
from mycelium_fractal_net._compiled.native import library

ROOT = Path(__file__).parents[1]
PLACE = Path(__file__).with_name("history")
_PACKAGES = ("numpy", "scipy", "numba", "llvmlite", "pydantic")
_ROUNDS = 9


def git(*arguments: str) -> str:
    """Run git here, and return what it writes."""
    return subprocess.run(["git", *arguments], cwd=ROOT, check=True, capture_output=True, text=True).stdout.strip()


def processor() -> str:
    """Return the processor's name as the kernel has it."""
    lines = Path("/proc/cpuinfo").read_text().splitlines() if Path("/proc/cpuinfo").exists() else []
    return next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), platform.machine())


def measure() -> dict[str, Any]:
    """Measure, and return what the file holds."""
    times = race(dict(WORK), _ROUNDS)
    native = library()
    machine = {"processor": processor(), "cores": available_cores(), "system": platform.platform()}
    return {
        "commit": git("rev-parse", "HEAD"),
        "dirty": bool(git("status", "--porcelain", "--untracked-files=no")),
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "command": "make bench",
        "machine": machine,
        "versions": {"python": platform.python_version(), **{name: version(name) for name in _PACKAGES}},
        "kernels": None if native is None else native.path.stem,
        "ratios": {name: round(value / times[REFERENCE], 4) for name, value in times.items()},
        "instructions": {} if native is None else instructions.count(),
    }


def read() -> list[dict[str, Any]]:
    """Return every file, the oldest first."""
    return sorted((json.loads(path.read_text()) for path in PLACE.glob("*.json")), key=lambda entry: str(entry["date"]))


def main() -> int:
    """Write the file of this commit."""
    entry = measure()
    PLACE.mkdir(exist_ok=True)
    path = PLACE / f"{entry['date'][:10]}-{entry['commit'][:10]}.json"
    path.write_text(json.dumps(entry, indent=2) + "\n")
    print(path)
    return 0


if __name__ == "__main__":
    sys.exit(main())
