"""Call wrk, which answers in requests a second and percentiles."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any, NamedTuple

__all__ = ["Load", "wrk"]

SCRIPT = Path(__file__).with_suffix(".lua")


class Load(NamedTuple):
    """What came of one run."""

    requests: int
    seconds: float
    p50_ms: float
    p95_ms: float
    p99_ms: float
    failed: int

    @property
    def rate(self) -> float:
        """Answers a second."""
        return self.requests / self.seconds


def wrk(
    url: str,
    path: str,
    body: dict[str, Any] | None,
    *,
    key: str,
    connections: int,
    seconds: float,
    strict: bool = True,
) -> Load:
    """Ask the same over so many connections, each as soon as it has its answer; if strict, all but success raises."""
    command = ["wrk", "-t1", f"-c{connections}", f"-d{max(1, round(seconds))}s", "--timeout", "120s", "-s", str(SCRIPT)]
    text = "" if body is None else json.dumps(body).replace('"SEED"', "SEED")
    done = subprocess.run([*command, url, "--", path, key, text], capture_output=True, text=True, check=True)
    load = Load(**json.loads(done.stdout.splitlines()[-1]))
    if strict and (load.failed or not load.requests):
        raise RuntimeError(f"{path}: {load.failed} of {load.requests} requests failed\n{done.stdout}{done.stderr}")
    return load
