"""Ask a running service for a field: ``MFN_URL=http://127.0.0.1:8000 MFN_KEY=... python examples/client.py``."""

from __future__ import annotations

import io
import json
import os
import sys
import time
from pathlib import Path
from typing import Any

import httpx
import numpy as np

BUSY = {429, 503}
ATTEMPTS = 5


def connect(url: str, key: str) -> httpx.Client:
    """Return a client that sends the key with every request and tries a refused connection again."""
    headers = {"X-API-Key": key} if key else {}
    return httpx.Client(base_url=url, headers=headers, timeout=120, transport=httpx.HTTPTransport(retries=3))


def post(client: httpx.Client, path: str, body: dict[str, Any], accept: str = "application/json") -> httpx.Response:
    """Send a request; while the service is busy, come again when it says. Equal requests have equal answers."""
    for attempt in range(1, ATTEMPTS + 1):
        answer = client.post(path, json=body, headers={"Accept": accept})
        if answer.status_code not in BUSY or attempt == ATTEMPTS:
            break
        wait_s = float(answer.headers.get("Retry-After", 2**attempt))
        print(f"{answer.json()['code']}: again in {wait_s:g} s", file=sys.stderr, flush=True)
        time.sleep(wait_s)
    if answer.is_error:
        problem = answer.json()
        raise SystemExit(f"{problem['code']}: {problem['message']} (request {problem['request_id']})")
    return answer


def fetch_field(client: httpx.Client, parameters: dict[str, Any]) -> tuple[np.ndarray, dict[str, Any]]:
    """Return a field in mV, to the bit what ``mfn.simulate`` gives, and the receipt that says so."""
    answer = post(client, "/simulate", parameters, accept="application/x-npy")
    return np.load(io.BytesIO(answer.content), allow_pickle=False), json.loads(answer.headers["X-MFN-Receipt"])


def main(target: str = "field.npy") -> None:
    """Simulate a field, save it, and print what its features say."""
    with connect(os.environ.get("MFN_URL", "http://127.0.0.1:8000"), os.environ.get("MFN_KEY", "")) as client:
        field_mv, receipt = fetch_field(client, {"grid_size": 64, "steps": 64, "seed": 7})
        features = post(client, "/features", {"field": field_mv.tolist()}).json()
    np.save(target, field_mv)
    box = features["box_counting"]
    print(f"{Path(target).name}: {field_mv.shape[0]} x {field_mv.shape[1]} cells, {field_mv.mean():.3f} mV on average")
    print(f"box-counting dimension {box['dimension']:.3f} ({box['verdict']})")
    print(f"result {receipt['result_digest'][:16]}, seed {receipt['seed']}, version {receipt['version']}")


if __name__ == "__main__":
    main(*sys.argv[1:2])
