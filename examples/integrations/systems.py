"""Systems before and after MFN, joined by ``mfn worker``: ``python examples/integrations/systems.py``.

Before: a parameter configurator (asks for simulations), a data preprocessor (hands over fields that it has cleaned),
an orchestration layer (watches that every job ends). After: storage (keeps each event once, whatever is repeated), a
machine-learning model (learns from feature vectors), a risk module (its own thresholds on MFN's signals). The worker
here reads files, so that nothing else is needed; with another source and publisher in its configuration all else stays.
"""

from __future__ import annotations

import base64
import io
import json
import sqlite3
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from mycelium_fractal_net.signals import raise_signal

Job = dict[str, Any]
SIDE, RUNS = 16, 40


def parameter_configurator() -> Iterator[Job]:
    """Sweep the time step's alpha: a simulation a job, all of one key, so that they come back in order."""
    for number in range(RUNS):
        alpha = round(0.08 + 0.1 * number / RUNS, 4)
        request = {"grid_size": SIDE, "steps": 16, "alpha": alpha, "seed": number, "include": ["features"]}
        yield {"id": f"sweep-{number}", "operation": "simulate", "request": request, "key": "sweep"}


def data_preprocessor(raw_mv: np.ndarray) -> Job:
    """Clean a recording, and hand it over by value."""
    clean = np.nan_to_num(raw_mv, nan=float(np.nanmean(raw_mv)))
    stream = io.BytesIO()
    np.save(stream, clean)
    return {
        "id": "recording-1",
        "operation": "features",
        "request": {"npy": base64.b64encode(stream.getvalue()).decode()},
    }


def orchestration_layer(directory: Path, jobs: list[Job]) -> None:
    """Hand the jobs over, let the worker work, and see that each has ended."""
    (directory / "jobs").mkdir()
    beside = directory / "jobs/batch.part"
    beside.write_text("\n".join(json.dumps(job) for job in jobs))
    beside.rename(directory / "jobs/batch.jsonl")
    config = {
        "source": {"kind": "file", "directory": str(directory / "jobs"), "follow": False},
        "publisher": {"kind": "file", "path": str(directory / "results.jsonl")},
        "dead_letters": {"kind": "store", "path": str(directory / "dead.db")},
        "port": 0,
    }
    (directory / "worker.json").write_text(json.dumps(config))
    command = [sys.executable, "-m", "mycelium_fractal_net", "worker", "--config", str(directory / "worker.json")]
    subprocess.run([*command, "--log-level", "WARNING"], check=True)
    ended = {event["subject"] for event in events(directory)}
    if ended != {job["id"] for job in jobs}:
        raise SystemExit("some jobs have not ended; mfn events list --state dead shows why")


def events(directory: Path) -> Iterator[dict[str, Any]]:
    """Read what was published."""
    for line in (directory / "results.jsonl").read_text().splitlines():
        yield json.loads(line)


def storage(directory: Path) -> sqlite3.Connection:
    """Keep each event once: a repeat has the same id."""
    store = sqlite3.connect(":memory:")
    store.execute("CREATE TABLE events (id TEXT PRIMARY KEY, subject TEXT, data TEXT)")
    for event in [*events(directory), *events(directory)]:  # delivered twice
        row = (event["id"], event["subject"], json.dumps(event["data"]))
        store.execute("INSERT INTO events VALUES (?, ?, ?) ON CONFLICT DO NOTHING", row)
    return store


def model(store: sqlite3.Connection) -> float:
    """Learn alpha's rank from one feature; return the correlation."""
    rows = store.execute("SELECT subject, data FROM events WHERE subject LIKE 'sweep-%'").fetchall()
    order = sorted((int(subject.partition("-")[2]), json.loads(data)["features"]["V_std"]) for subject, data in rows)
    numbers, spreads = np.array(order).T
    return float(np.corrcoef(numbers, spreads)[0, 1])


def risk_module(store: sqlite3.Connection) -> str:
    """Take MFN's measurement, and decide by a policy of its own."""
    rows = store.execute("SELECT subject, data FROM events WHERE subject LIKE 'sweep-%'").fetchall()
    order = sorted((int(subject.partition("-")[2]), json.loads(data)["features"]["V_mean"]) for subject, data in rows)
    signal = raise_signal("V_mean", [value for _, value in order], "variance", surrogates=99)
    return "call somebody" if signal.p_value <= 0.01 and signal.trend > 0.5 else "carry on"


def main() -> None:
    """Let all of them work together once."""
    rng = np.random.default_rng(1)
    raw = rng.normal(-60, 5, (SIDE, SIDE))
    raw[3, 4] = np.nan
    with tempfile.TemporaryDirectory(prefix="mfn-systems-") as name:
        directory = Path(name)
        orchestration_layer(directory, [*parameter_configurator(), data_preprocessor(raw)])
        store = storage(directory)
        kept = store.execute("SELECT count(*) FROM events").fetchone()[0]
        print(f"storage keeps {kept} events of {RUNS + 1} jobs")
        print(f"model: V_std follows the sweep with r = {model(store):+.2f}")
        print(f"risk module: {risk_module(store)}")


if __name__ == "__main__":
    main()
