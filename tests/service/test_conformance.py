"""Autobahn's cases of the WebSocket protocol against the product's server, as kosoku runs them."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import httpx
import pytest

from tests.service.helpers import free_port

KOSOKU = Path(sys.executable).with_name("kosoku")
LEFT_OUT = ("9.*", "12.*", "13.*")  # messages beyond 64 KiB, which it refuses; compression, which it does not offer
KNOWN = {"7.1.5"}  # uvicorn closes with 1002 where a message was not finished; Autobahn wants 1000


@pytest.mark.long
@pytest.mark.skipif(not KOSOKU.exists() and not os.environ.get("CI"), reason="kosoku is not installed")
def test_the_server_speaks_the_protocol(tmp_path: Path) -> None:
    port = free_port()
    log = tmp_path / "log"
    with log.open("wb") as output:
        server = subprocess.Popen([sys.executable, "-m", "tests.service.echo", str(port)], stdout=output)
    try:
        _wait(server, port)
        command = [str(KOSOKU), "-m", "fuzzingclient", "-p", "4", "-o", str(tmp_path / "report")]
        command += [part for case in LEFT_OUT for part in ("-x", case)]
        subprocess.run([*command, f"127.0.0.1:{port}"], check=False, timeout=900, capture_output=True)
    finally:
        server.terminate()
        server.wait()
    cases = _cases(tmp_path / "report")
    assert len(cases) > 240
    assert {case for case, verdict in cases.items() if verdict == "FAILED"} <= KNOWN, Counter(cases.values())
    assert "Traceback" not in log.read_text()


def _wait(server: subprocess.Popen[bytes], port: int) -> None:
    for _ in range(2400):
        try:
            if httpx.get(f"http://127.0.0.1:{port}/health", timeout=60).status_code == 200:
                return
        except httpx.TransportError:
            assert server.poll() is None
        time.sleep(0.05)
    raise AssertionError("the server does not answer")


def _cases(report: Path) -> dict[str, str]:
    [index] = report.rglob("index.json")
    [agent] = json.loads(index.read_text()).values()
    return {case: found["behavior"] for case, found in agent.items()}
