"""Streams through real proxies, set up as the documentation says: nginx that compresses, and traefik as it stands."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

import mycelium_fractal_net as mfn
from tests.service.helpers import Server, free_port, running
from tests.service.watching import Where, watched

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "service" / "streams.md").read_text()
CONFIG: dict[str, Any] = {"grid_size": 16, "steps": 20, "seed": 7}
TRAEFIK = str(Path(sys.executable).with_name("traefik"))


def _nginx(directory: Path, url: str, port: int) -> list[str]:
    """Return the command of an nginx with the page's block, which compresses all it may."""
    found = re.search(r"```nginx\n(.*?)```", PAGE, re.DOTALL)
    assert found is not None
    server, upstream = found[1], "http://127.0.0.1:8000"
    assert upstream in server
    text = f"""
        pid {directory}/nginx.pid; error_log {directory}/nginx.log; worker_processes 1;
        events {{ worker_connections 64; }}
        http {{
            access_log off; client_body_temp_path {directory}; proxy_temp_path {directory};
            fastcgi_temp_path {directory}; uwsgi_temp_path {directory}; scgi_temp_path {directory};
            gzip on; gzip_types text/event-stream application/json; gzip_min_length 0; gzip_proxied any;
            {server.replace(upstream, url).replace("listen 80;", f"listen 127.0.0.1:{port};")}
        }}"""
    (directory / "nginx.conf").write_text(text)
    return ["nginx", "-e", f"{directory}/nginx.log", "-c", f"{directory}/nginx.conf", "-g", "daemon off;"]


def _traefik(directory: Path, url: str, port: int) -> list[str]:
    router = {"rule": "PathPrefix(`/`)", "service": "mfn"}
    services = {"mfn": {"loadBalancer": {"servers": [{"url": url}]}}}
    (directory / "mfn.yaml").write_text(json.dumps({"http": {"routers": {"mfn": router}, "services": services}}))
    quiet = ["--global.checknewversion=false", "--global.sendanonymoususage=false"]
    where = [f"--entrypoints.web.address=127.0.0.1:{port}", f"--providers.file.filename={directory}/mfn.yaml"]
    return [TRAEFIK, *where, *quiet]


PROXIES: dict[str, tuple[str, Callable[[Path, str, int], list[str]]]] = {
    "nginx": ("nginx", _nginx),
    "traefik": (TRAEFIK, _traefik),
}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    settings = {"WARMUP": "false", "RATE_LIMIT_ENABLED": "false", "STREAM_HEARTBEAT_SECONDS": "0.3"}
    with running(tmp_path_factory.mktemp("proxied"), **settings) as server:
        yield server


@pytest.fixture(scope="module", params=PROXIES)
def proxied(
    request: pytest.FixtureRequest, server: Server, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Where]:
    program, command = PROXIES[request.param]
    if shutil.which(program) is None and not os.environ.get("CI"):
        pytest.skip(f"{program} is not installed")
    directory, port = tmp_path_factory.mktemp(request.param), free_port()
    with (directory / "output").open("wb") as output:
        process = subprocess.Popen(command(directory, server.url, port), stdout=output, stderr=output)
    url = f"http://127.0.0.1:{port}"
    try:
        _until_it_answers(process, url, directory)
        yield Where(url, "")
    finally:
        process.terminate()
        process.wait()


def _until_it_answers(process: subprocess.Popen[bytes], url: str, directory: Path) -> None:
    for _ in range(1200):
        try:
            if httpx.get(f"{url}/health", timeout=60).status_code == 200:
                return
        except httpx.TransportError:
            pass
        assert process.poll() is None, (directory / "output").read_text()
        time.sleep(0.05)
    raise AssertionError("the proxy does not answer")


@pytest.mark.parametrize("transport", ["sse", "websocket"])
def test_what_is_said_comes_through_at_once(proxied: Where, server: Server, transport: str) -> None:
    """The first event and a heartbeat arrive while the stream waits to compute its first frame."""
    with watched(transport, proxied, config=CONFIG, every=1, max_rate_hz=0.001) as [messages]:
        assert [next(messages)["type"] for _ in range(3)] == ["started", "heartbeat", "heartbeat"]
        assert server.metric("mfn_streams_open") == 1
    for _ in range(1000):
        if server.metric("mfn_streams_open") == 0:
            return
        time.sleep(0.02)
    raise AssertionError("the reader has left, and the stream goes on")


@pytest.mark.parametrize("transport", ["sse", "websocket"])
def test_a_stream_is_whole_and_its_bits_are_those_of_the_library(proxied: Where, transport: str) -> None:
    with watched(transport, proxied, config=CONFIG, every=8) as [messages]:
        told = [message for message in messages if message["type"] != "heartbeat"]
    assert [message["sequence"] for message in told] == list(range(5))
    assert told[-1]["receipt"]["result_digest"] == mfn.simulate(mfn.SimulationConfig(**CONFIG)).digest
