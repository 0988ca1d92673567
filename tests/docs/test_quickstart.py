"""The commands of the page run as they stand against a real server and print what it shows; so does the client."""

from __future__ import annotations

import json
import os
import re
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from subprocess import PIPE
from typing import NamedTuple

import numpy as np
import pytest

from tests.docs.matching import matches
from tests.service.helpers import KEY, Server, running

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "service" / "quickstart.md").read_text()
PAIR = re.compile(r"^```bash\n(.*?)```\n```(json|text)\n(.*?)```$", re.MULTILINE | re.DOTALL)
CLIENT = ROOT / "examples" / "client.py"
PATHS = json.loads((ROOT / "docs" / "openapi.json").read_text())["paths"]


class Shown(NamedTuple):
    """A command of the page, and what stands below it."""

    command: str
    kind: str
    output: str

    def matches(self, output: str) -> bool:
        if self.kind == "text":
            return output.split() == self.output.split()
        return matches(json.loads(self.output), json.loads(output))


COMMANDS = [Shown(*found.groups()) for found in PAIR.finditer(PAGE)]
TUTORIAL = (ROOT / "docs" / "tutorials" / "rest-and-streams.md").read_text()
LESSONS = [Shown(*found.groups()) for found in PAIR.finditer(TUTORIAL)]


def _environment(server: Server, key: str = KEY) -> dict[str, str]:
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    return {**os.environ, "PATH": path, "MFN_URL": server.url, "MFN_KEY": key}


def _run(command: list[str], directory: Path, environment: dict[str, str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, cwd=directory, env=environment, capture_output=True, text=True, check=False)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with running(tmp_path_factory.mktemp("quickstart")) as server:
        yield server


@pytest.fixture(scope="module")
def printed(server: Server, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """What the commands print, one after the other in one directory, as a reader runs them."""
    directory = tmp_path_factory.mktemp("shell")
    outputs = {}
    for shown in COMMANDS:
        done = _run(["bash", "-euo", "pipefail", "-c", shown.command], directory, _environment(server))
        assert done.returncode == 0, shown.command + done.stderr
        outputs[shown.command] = done.stdout
    return outputs


@pytest.mark.parametrize("shown", COMMANDS, ids=lambda shown: shown.command[:40])
def test_a_command_prints_what_the_page_shows(shown: Shown, printed: dict[str, str]) -> None:
    assert shown.matches(printed[shown.command]), printed[shown.command]


@pytest.mark.parametrize("shown", LESSONS, ids=lambda shown: shown.command[:40])
def test_a_command_of_the_tutorial_prints_what_it_shows(shown: Shown, server: Server, tmp_path: Path) -> None:
    done = _run(["bash", "-euo", "pipefail", "-c", shown.command], tmp_path, _environment(server))
    assert done.returncode == 0, done.stderr
    assert shown.matches(done.stdout), done.stdout


def test_every_command_of_the_tutorial_shows_its_output() -> None:
    assert TUTORIAL.count("```bash") == len(LESSONS) == 4


def test_every_path_has_an_example_and_every_command_its_output() -> None:
    text = "".join(shown.command for shown in COMMANDS)
    assert [path for path in PATHS if f'$MFN_URL{path}"' not in text] == ["/health/live", "/health/ready"]
    assert PAGE.count("```bash") == len(COMMANDS)


def test_the_readme_asks_for_what_there_is_and_waits_until_it_is_there(tmp_path: Path) -> None:
    [commands] = re.findall(r"```bash\n(curl .*?)```", (ROOT / "README.md").read_text(), re.DOTALL)
    server = Server(tmp_path, ENV="dev", LOG_FORMAT="json")
    try:
        here = commands.replace("localhost:8000", server.url)
        done = _run(["bash", "-euc", here], tmp_path, _environment(server))
    finally:
        server.close()
    health, end = json.JSONDecoder().raw_decode(done.stdout)
    assert health["ready"] is True, done.stderr
    assert len(json.loads(done.stdout[end:])["features"]) == 18


def test_the_page_of_the_service_waits_until_it_is_there() -> None:
    [command] = re.findall(r"^curl .*localhost:8000.*$", (ROOT / "docs/service/README.md").read_text(), re.MULTILINE)
    assert command in (ROOT / "README.md").read_text()


def test_the_client_prints_what_the_page_shows_and_saves_the_field(server: Server, tmp_path: Path) -> None:
    done = _run([sys.executable, str(CLIENT), "field.npy"], tmp_path, _environment(server))
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() in PAGE, f"the page shows something else than\n{done.stdout}"
    assert np.load(tmp_path / "field.npy").shape == (64, 64)


def test_the_client_says_which_error_it_got(server: Server, tmp_path: Path) -> None:
    done = _run([sys.executable, str(CLIENT)], tmp_path, _environment(server, key="wrong"))
    assert done.returncode == 1
    assert done.stderr.startswith("INVALID_API_KEY: The API key is unknown, revoked or expired. (request ")


def test_the_client_comes_again_when_the_service_says(tmp_path: Path) -> None:
    with running(tmp_path, COMPUTE_THREADS="1", COMPUTE_QUEUE="0") as busy:
        other = _occupy(busy)
        command = [sys.executable, str(CLIENT), str(tmp_path / "field.npy")]
        client = subprocess.Popen(command, env=_environment(busy), stdout=PIPE, stderr=PIPE, text=True)
        with client:
            told = client.stderr.readline() if client.stderr else ""
            other.close()
            output, _ = client.communicate(timeout=120)
    assert re.fullmatch(r"QUEUE_FULL: again in \d+ s\n", told)
    assert "64 x 64 cells" in output


def _occupy(server: Server) -> socket.socket:
    """Take the only thread with a long simulation, which ends when the connection is closed."""
    body = json.dumps({"grid_size": 256, "steps": 4_000})
    head = f"POST /simulate HTTP/1.1\r\nHost: x\r\nX-API-Key: {KEY}\r\nContent-Type: application/json\r\n"
    connection = socket.create_connection(("127.0.0.1", server.port), timeout=10)
    connection.sendall(f"{head}Content-Length: {len(body)}\r\n\r\n{body}".encode())
    for _ in range(15_000):
        if server.metric("mfn_compute_threads_busy") == 1:
            return connection
    raise AssertionError("the simulation did not begin")
