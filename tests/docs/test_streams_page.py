"""The page of streams: its conversations are had with a real server, and its clients print what it shows."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from websockets.sync.client import ClientConnection, connect
from websockets.typing import Subprotocol

from mycelium_fractal_net.service.asyncapi import describe_messages
from mycelium_fractal_net.service.operations.stream_messages import CLIENT_MESSAGES, SERVER_MESSAGES
from tests.docs.matching import matches
from tests.service.helpers import KEY, Server
from tests.service.rpc.helpers import grpc_server

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "service" / "streams.md").read_text()
TALKS = [found[1].splitlines() for found in re.finditer(r"^```text\n(> .*?)```$", PAGE, re.MULTILINE | re.DOTALL)]
CLIENTS = re.findall(r"^```(bash|js|py)\n(.*?)```\n```text\n(.*?)```$", PAGE, re.MULTILINE | re.DOTALL)
DIAGRAM = re.search(r"```mermaid\n(.*?)```", PAGE, re.DOTALL)


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Server, str]]:
    with grpc_server(tmp_path_factory.mktemp("page"), STREAM_HEARTBEAT_SECONDS="1") as found:
        yield found


def _heard(socket: ClientConnection, shown: str) -> Any:
    """Return the next message; heartbeats are passed over where none is shown."""
    while True:
        message = socket.recv(timeout=120)
        if isinstance(message, bytes):
            return message
        told = json.loads(message)
        if told["type"] != "heartbeat" or '"heartbeat"' in shown:
            return told


@pytest.mark.parametrize("talk", TALKS, ids=range(len(TALKS)))
def test_a_conversation_is_had_as_the_page_shows_it(served: tuple[Server, str], talk: list[str]) -> None:
    schemas = describe_messages()
    url = f"ws://127.0.0.1:{served[0].port}/ws/simulate"
    with connect(url, subprotocols=[Subprotocol("mfn.v1")], open_timeout=60) as socket:
        for line in talk:
            if line.startswith("> "):
                socket.send(line[2:].replace("$MFN_KEY", KEY))
                continue
            found = _heard(socket, line)
            if isinstance(found, bytes):
                assert f"{len(found)} bytes" == line[2:]
                continue
            assert matches(json.loads(line[2:]), found), found
            told = {**schemas, "$ref": f"#/components/schemas/stream.{found['type']}"}
            Draft202012Validator(told).validate(found)


def test_every_message_is_in_a_conversation() -> None:
    lines = [line for talk in TALKS for line in talk if line[2:3] == "{"]
    shown = {(line[0], json.loads(line[2:])["type"]) for line in lines}
    heard = {(">", model.model_fields["type"].annotation.__args__[0]) for model in CLIENT_MESSAGES}  # type: ignore[union-attr]
    said = {("<", model.model_fields["type"].annotation.__args__[0]) for model in SERVER_MESSAGES}  # type: ignore[union-attr]
    assert shown == heard | said
    assert DIAGRAM is not None
    drawn = {
        (">" if arrow == "->>" else "<", what) for arrow, what in re.findall(r"[CS](-?->>)[CS]: (\w+)", DIAGRAM[1])
    }
    assert drawn <= shown


def _command(kind: str, text: str) -> list[str]:
    if kind == "bash":
        return ["bash", "-euo", "pipefail", "-c", text]
    if kind == "py":
        return [
            sys.executable,
            "-c",
            f"import os; MFN_URL, MFN_KEY = os.environ['MFN_URL'], os.environ['MFN_KEY']\n{text}",
        ]
    prelude = "const { MFN_URL, MFN_KEY } = process.env;\n"
    return ["node", "--experimental-websocket", "--input-type=module", "-e", prelude + text]


@pytest.mark.parametrize(("kind", "text", "output"), CLIENTS, ids=[f"{kind} {text[:12]}" for kind, text, _ in CLIENTS])
def test_a_client_prints_what_the_page_shows(served: tuple[Server, str], kind: str, text: str, output: str) -> None:
    program = {"js": "node", "bash": text.split(maxsplit=1)[0]}.get(kind)
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    if program is not None and shutil.which(program, path=path) is None and not os.environ.get("CI"):
        pytest.skip(f"{program} is not installed")
    environment = {**os.environ, "PATH": path, "MFN_URL": served[0].url, "MFN_GRPC": served[1], "MFN_KEY": KEY}
    done = subprocess.run(
        _command(kind, text), cwd=ROOT, env=environment, capture_output=True, text=True, check=False, timeout=300
    )
    assert done.returncode == 0, done.stderr
    assert [line.split() for line in done.stdout.splitlines()] == [line.split() for line in output.splitlines()]


def test_there_is_a_client_for_each_transport_and_language() -> None:
    assert [kind for kind, _, _ in CLIENTS] == ["bash", "js", "js", "py", "bash"]
