"""SIGTERM under load: what was accepted is answered, and every stream is told where to go on."""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest

from mycelium_fractal_net._proto import mfn_pb2
from tests.service.helpers import AUTH, Server
from tests.service.rpc.helpers import SERVICE, Caller, grpc_server
from tests.service.watching import TRANSPORTS, Where, watched

pytestmark = pytest.mark.slow

LONG = {"grid_size": 128, "steps": 1500}
SLOW: dict[str, Any] = {"config": {"grid_size": 16, "steps": 20}, "every": 1, "max_rate_hz": 1.0}


def _until(condition: Callable[[], bool]) -> None:
    for _ in range(2000):
        if condition():
            return
        time.sleep(0.02)
    raise AssertionError("that never happened")


def _simulated(server: Server) -> int:
    return httpx.post(f"{server.url}/simulate", json=LONG, headers=AUTH, timeout=300).status_code


def _extracted(place: str) -> int:
    array = mfn_pb2.Array(shape=[64, 64], data=np.full((64, 64), -60.0).tobytes())
    request = mfn_pb2.ExtractFeaturesRequest(array=array)
    return len(Caller(place).unary("ExtractFeatures", request, mfn_pb2.ExtractFeaturesResponse).features)


def _in_progress(server: Server) -> tuple[float, float]:
    name = "mfn_http_requests_in_progress"
    rpc = server.metric(name, endpoint=f"/{SERVICE}/ExtractFeatures", method="GRPC")
    return server.metric(name, endpoint="/simulate", method="POST"), rpc


def test_what_was_accepted_is_answered_and_streams_say_where_to_go_on(tmp_path: Path) -> None:
    with (
        grpc_server(tmp_path, COMPUTE_THREADS="1", SHUTDOWN_SECONDS="120") as (server, place),
        ThreadPoolExecutor(9) as pool,
    ):
        simulated = [pool.submit(_simulated, server) for _ in range(3)]
        _until(lambda: _in_progress(server)[0] == 3)
        extracted = [pool.submit(_extracted, place) for _ in range(3)]
        where = Where(server.url, place)
        ended = [pool.submit(_watched, transport, where) for transport in TRANSPORTS]
        _until(lambda: _in_progress(server)[1] == 3 or any(one.done() for one in extracted))
        _until(lambda: server.metric("mfn_streams_open") == 3)
        server.terminate()
        assert [one.result() for one in simulated] == [200] * 3
        assert [one.result() for one in extracted] == [18] * 3
        for last, error in (one.result() for one in ended):
            assert (error["problem"]["code"], error["resume_after"]) == ("SERVICE_UNAVAILABLE", last)
        assert server.process.wait(120) == 0
    assert "Traceback" not in server.log.read_text()


def _watched(transport: str, where: Where) -> tuple[int | None, dict[str, Any]]:
    """Return the last sequence that was seen, and the message that ended the stream."""
    last = None
    with watched(transport, where, **SLOW) as [messages]:
        for message in messages:
            last = message.get("sequence", last)
    return last, message
