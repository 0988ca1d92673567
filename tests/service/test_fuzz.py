"""schemathesis against a real server, by the description that is published: examples, edges, random requests."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.service.helpers import KEY, Server, running

pytestmark = pytest.mark.slow

HERE = Path(__file__).parent
DESCRIPTION = HERE.parents[1] / "docs" / "openapi.json"
_FILMS = ["--exclude-path", "/clip"]  # a second or more for each
PROGRAM = Path(sys.executable).parent / "st"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server that lets everybody ask as often as they like, but not for much at once."""
    settings = {"RATE_LIMIT_ENABLED": "false", "MAX_CELL_STEPS": "3000000", "WARMUP": "false"}
    with running(tmp_path_factory.mktemp("fuzz"), **settings) as server:
        yield server


def _fuzz(server: Server, directory: Path, *options: str) -> None:
    same = ["--generation-deterministic"] if os.environ.get("CI") else []
    command = [str(PROGRAM), "--no-color", "--config-file", str(HERE / "schemathesis.toml"), "run", str(DESCRIPTION)]
    command += ["--url", server.url, "--checks", "all", *same, *options]
    environment = {**os.environ, "SCHEMATHESIS_HOOKS": str(HERE / "schemathesis_hooks.py")}
    done = subprocess.run(command, cwd=directory, env=environment, capture_output=True, text=True, check=False)
    report = "\n".join(line[:1000] for line in done.stdout.splitlines())
    assert done.returncode == 0, report + done.stderr
    assert "request failed" not in server.log.read_text()


@pytest.mark.parametrize("requests", [5, pytest.param(200, marks=pytest.mark.long)])
def test_no_request_with_a_key_finds_a_fault(server: Server, tmp_path: Path, requests: int) -> None:
    phases = ["--phases", "examples,coverage,fuzzing", "-n", str(requests)]
    _fuzz(server, tmp_path, "-H", f"X-API-Key: {KEY}", *phases, *_FILMS)


def test_no_request_without_a_key_finds_a_way_in(server: Server, tmp_path: Path) -> None:
    _fuzz(server, tmp_path, "--phases", "examples,fuzzing", "-n", "3")
