"""Memory and time of a default run on a small machine: ``python -m benchmarks.edge [--root ROOT_OF_THE_IMAGE]``.

Each line is a process of its own: its peak of resident memory as the kernel counts it, and its processor seconds.
With ``--root`` (of a mounted edge image, as root) it is that image's program, otherwise this environment's.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
from datetime import UTC, datetime

RUNS = {
    "mfn --version": ["--version"],
    "mfn simulate, the default run": ["simulate", "--json"],
    "mfn simulate, 128 cells a side": ["simulate", "--json", "--grid-size", "128"],
    "mfn simulate, 256 cells a side": ["simulate", "--json", "--grid-size", "256"],
}


def run(command: list[str]) -> dict[str, float]:
    """Return peak memory in MB of 2^20 bytes, and processor and elapsed seconds."""
    begin = datetime.now(UTC)
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SystemExit(f"{' '.join(command)} ended with {process.returncode}")
    elapsed = (datetime.now(UTC) - begin).total_seconds()
    return {
        "peak_mb": round(usage.ru_maxrss / 1024, 1),
        "processor_s": round(usage.ru_utime + usage.ru_stime, 2),
        "elapsed_s": round(elapsed, 2),
    }


def main() -> int:
    """Measure, and print JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--root", help="root of a mounted image")
    parser.add_argument("--cores", type=int, default=1)
    arguments = parser.parse_args()
    os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[: arguments.cores])  # processes that it starts inherit it
    here = [sys.executable, "-m", "mycelium_fractal_net"]
    inside = ["chroot", "--userspec=10001:10001", str(arguments.root), "/opt/mfn/bin/mfn"]
    program = inside if arguments.root else here
    runs = {name: run([*program, *options]) for name, options in RUNS.items()}
    from benchmarks.history import git, processor  # afterwards: a process inherits the peak of the one that starts it

    found = {
        "commit": git("rev-parse", "HEAD"),
        "command": " ".join(["python -m benchmarks.edge", *sys.argv[1:]]).replace(str(arguments.root), "ROOT"),
        "machine": processor(),
        "cores": arguments.cores,
        "runs": runs,
    }
    print(json.dumps(found, indent=2))
    return 0


if __name__ == "__main__":
    sys.exit(main())
