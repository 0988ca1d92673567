"""``mfn worker`` as a process: what REST answers, and a clean end."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

from tests.service.helpers import client_of, make_app

SIMULATION: dict[str, object] = {"grid_size": 16, "steps": 8, "seed": 7}
FIELD = [[-70.0, -40.0], [-40.0, -70.0]]


def run_worker(directory: Path, jobs: list[bytes], **more: object) -> tuple[list[dict], list[dict]]:  # type: ignore[type-arg]
    """Let a worker do the jobs of a file; return events and dead letters."""
    (directory / "jobs").mkdir()
    (directory / "jobs/all.jsonl").write_bytes(b"\n".join(jobs))
    config = {
        "source": {"kind": "file", "directory": str(directory / "jobs"), "follow": False},
        "publisher": {"kind": "file", "path": str(directory / "results.jsonl")},
        "dead_letters": {"kind": "file", "path": str(directory / "dead.jsonl")},
        "port": 0,
        **more,
    }
    (directory / "worker.json").write_text(json.dumps(config))
    command = [sys.executable, "-m", "mycelium_fractal_net", "worker", "--config", str(directory / "worker.json")]
    subprocess.run(command, check=True, timeout=300, env={"MFN_WARMUP": "false", "PATH": "/usr/bin:/bin", **_paths()})
    files = [directory / "results.jsonl", directory / "dead.jsonl"]
    return tuple([json.loads(line) for line in path.read_text().splitlines()] for path in files)  # type: ignore[return-value]


def _paths() -> dict[str, str]:
    import os

    kept = (
        "PYTHONPATH",
        "HOME",
        "NUMBA_CACHE_DIR",
        "MFN_CACHE_DIR",
        "COVERAGE_PROCESS_START",
        "COVERAGE_PROCESS_CONFIG",
    )
    return {name: os.environ[name] for name in kept if name in os.environ}


async def _answers(*requests: tuple[str, dict[str, object]]) -> list[object]:
    app = make_app(api_key_required=False, env="dev", rate_limit_enabled=False)
    async with client_of(app) as client:
        app.state.services.compute.start()
        found = [(await client.post(path, json=content)).json() for path, content in requests]
    await app.state.services.close()
    return found


def test_a_worker_answers_what_rest_answers(tmp_path: Path) -> None:
    import asyncio
    import base64
    import io

    import numpy as np

    stream = io.BytesIO()
    np.save(stream, np.array(FIELD))
    npy = base64.b64encode(stream.getvalue()).decode()
    (tmp_path / "field.npy").write_bytes(stream.getvalue())
    gradients = [[1.0], [1.1], [0.9], [1.0], [99.0]]
    jobs = [
        {"id": "s", "operation": "simulate", "request": SIMULATION},
        {"id": "f", "operation": "features", "request": {"npy": npy}},
        {"id": "u", "operation": "features", "request": {"uri": f"file://{tmp_path}/field.npy"}},
        {"id": "a", "operation": "aggregate", "request": {"gradients": gradients, "rule": "krum"}},
        {"id": "outside", "operation": "features", "request": {"uri": "file:///etc/passwd"}},
        {"id": "wrong", "operation": "simulate", "request": {"alpha": 3}},
        {"id": "unknown", "operation": "delete", "request": {}},
    ]
    events, dead = run_worker(
        tmp_path, [json.dumps(job).encode() for job in jobs], uri_prefixes=[f"file://{tmp_path}/"]
    )
    by_subject = {event["subject"]: event for event in events}
    simulated, measured = asyncio.run(_answers(("/simulate", SIMULATION), ("/features", {"field": FIELD})))
    assert by_subject["s"]["data"] == simulated
    assert by_subject["f"]["data"] == by_subject["u"]["data"] == measured
    assert by_subject["a"]["type"] == "net.mycelium.mfn.aggregation.completed.v1"
    assert by_subject["f"]["id"] != by_subject["u"]["id"]
    reasons = {letter["subject"]: letter["data"]["reason"]["code"] for letter in dead}
    assert reasons == {"outside": "INVALID_INPUT", "wrong": "UNSTABLE_PARAMETERS", "unknown": "INVALID_INPUT"}
