"""How long a stream is silent, how long it lasts, how many there are: the same over every transport."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest

from tests.service.helpers import AUTH, Server
from tests.service.rpc.helpers import grpc_server
from tests.service.watching import TRANSPORTS, Where, watched

pytestmark = pytest.mark.slow

CONFIG = {"grid_size": 16, "steps": 20, "seed": 7}
SLOW: dict[str, Any] = {"config": CONFIG, "every": 1, "max_rate_hz": 0.01}


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Server, Where]]:
    bounds = {"STREAM_HEARTBEAT_SECONDS": "0.2", "STREAM_SECONDS": "3", "STREAMS": "6"}
    with grpc_server(tmp_path_factory.mktemp("bounds"), **bounds) as (server, place):
        httpx.post(f"{server.url}/simulate", json=CONFIG, headers=AUTH, timeout=300).raise_for_status()  # kernels load
        yield server, Where(server.url, place)


def _all_ended(server: Server) -> None:
    for _ in range(1000):
        if server.metric("mfn_streams_open") == 0:
            return
        time.sleep(0.02)
    raise AssertionError("streams are still open")


def _told(transport: str, where: Where) -> list[dict[str, Any]]:
    with watched(transport, where, **SLOW) as [messages]:
        return list(messages)


def test_silence_is_broken_and_the_time_of_a_stream_is_bounded(served: tuple[Server, Where]) -> None:
    server, where = served
    lines = _lines(server)
    with ThreadPoolExecutor(len(TRANSPORTS)) as pool:
        for told in pool.map(_told, TRANSPORTS, [where] * len(TRANSPORTS)):
            kinds = [message["type"] for message in told]
            assert kinds[:2] == ["started", "heartbeat"]
            assert set(kinds[2:-1]) == {"heartbeat"}
            assert (told[-1]["problem"]["code"], told[-1]["resume_after"]) == ("REQUEST_TIMEOUT", 0)
            assert "MFN_STREAM_SECONDS" in told[-1]["problem"]["message"]
    _all_ended(server)
    found = [(line["door"], line["ended"], line["frames"]) for line in _lines(server)[len(lines) :]]
    assert sorted(found) == [(transport, "REQUEST_TIMEOUT", 0) for transport in sorted(TRANSPORTS)]


@pytest.mark.parametrize("transport", TRANSPORTS)
def test_a_caller_has_half_of_the_streams(served: tuple[Server, Where], transport: str) -> None:
    server, where = served
    with watched(transport, where, 4, **SLOW) as opened:
        told = [next(messages) for messages in opened]
        refused = [message["problem"]["code"] for message in told if message["type"] == "error"]
        assert (refused, server.metric("mfn_streams_most")) == (["RATE_LIMIT_EXCEEDED"], 6)
    _all_ended(server)


@pytest.mark.parametrize("transport", TRANSPORTS)
def test_a_whole_stream_has_one_line_in_the_log(served: tuple[Server, Where], transport: str) -> None:
    server, where = served
    lines = _lines(server)
    with watched(transport, where, config=CONFIG, every=1) as [messages]:
        told = [message for message in messages if message["type"] != "heartbeat"]
    assert [message["sequence"] for message in told] == list(range(22))
    _all_ended(server)
    [line] = _lines(server)[len(lines) :]
    assert (line["door"], line["ended"], line["frames"]) == (transport, "COMPLETED", 20)


def _lines(server: Server) -> list[dict[str, Any]]:
    lines = [json.loads(line) for line in server.log.read_text().splitlines()]
    return [line for line in lines if line["event"] == "stream"]
