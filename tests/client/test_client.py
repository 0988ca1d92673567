"""The client against real servers, over REST, WebSocket and gRPC."""

from __future__ import annotations

import asyncio
import json
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import mycelium_fractal_net as mfn
from mycelium_fractal_net.client import AsyncClient, Client, Completed, Framed, RemoteError, Started
from mycelium_fractal_net.errors import AggregationError, InvalidInputError, StabilityError
from mycelium_fractal_net.federated import Krum
from tests.service.helpers import KEY, Server
from tests.service.rpc.helpers import grpc_server

CONFIG = mfn.SimulationConfig(grid_size=16, steps=20, seed=7, kinetics_parameters={"bias": -0.05})
RESULT = mfn.simulate(CONFIG)
GRADIENTS = np.random.default_rng(0).normal(size=(12, 5))


@pytest.fixture(scope="module")
def places(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    with grpc_server(tmp_path_factory.mktemp("client"), STREAM_IDLE_SECONDS="1") as (server, place):
        yield {"http": server.url, "grpc": f"grpc://{place}"}


@pytest.fixture(scope="module", params=["http", "grpc"])
def client(request: pytest.FixtureRequest, places: dict[str, str]) -> Iterator[Client]:
    with Client(places[request.param], KEY, patience_s=20) as made:
        yield made


def test_a_simulation_is_the_one_of_the_library(client: Client) -> None:
    found = client.simulate(CONFIG, field=True)
    assert found.receipt.result_digest == RESULT.digest
    assert found.receipt.parameters_digest == CONFIG.digest()
    assert (found.config, found.features, found.growth_events) == (CONFIG, RESULT.features, RESULT.growth_events)
    assert found.field_mv is not None
    assert np.allclose(found.field_mv, RESULT.field_mv, rtol=1e-6)
    assert client.simulate(CONFIG).field_mv is None


def test_a_stream_is_events_of_the_library(client: Client) -> None:
    started, *frames, completed = client.stream(CONFIG, every=8, fields=True, features=True)
    assert isinstance(started, Started)
    assert started.config == CONFIG
    last = frames[-1]
    assert isinstance(last, Framed)
    assert last.field is not None
    assert np.array_equal(last.field, RESULT.field_mv.astype(np.float32))
    assert last.features == RESULT.features
    assert sum(len(frame.growth_events) for frame in frames if isinstance(frame, Framed)) == RESULT.growth_events
    assert isinstance(completed, Completed)
    assert completed.result.receipt.result_digest == RESULT.digest


def test_a_stream_can_be_left_and_gone_on_with(client: Client) -> None:
    events = client.stream(CONFIG, every=4)
    for event in events:
        if event.sequence == 2:
            break
    events.close()
    assert [event.sequence for event in client.stream(CONFIG, every=4, resume_after=2)] == [3, 4, 5, 6]


def test_a_steered_stream_returns_the_configuration_that_gives_its_bits(client: Client) -> None:
    config = CONFIG.model_copy(update={"steps": 60})
    events, seen = client.stream(config, every=4, fields=True), []
    for event in events:
        seen.append(event)
        if event.sequence == 2:
            events.pause()
            events.set(every=6, field="activator")
            events.steer([mfn.Change(step=events.next_step(), parameter="alpha", value=0.1)])
            events.resume()
    assert [event.sequence for event in seen] == list(range(len(seen)))
    *_, last, completed = seen
    assert isinstance(last, Framed)
    assert isinstance(completed, Completed)
    result = mfn.simulate(events.config)
    assert len(events.config.schedule) == 1
    assert completed.result.config == events.config
    assert completed.result.receipt.result_digest == result.digest
    assert np.array_equal(np.asarray(last.field), result.activator.astype(np.float32))


def test_what_cannot_be_steered_is_told_before_it_is_sent(client: Client) -> None:
    events = client.stream(CONFIG, every=4, fields=True)
    assert [next(events).sequence for _ in range(3)] == [0, 1, 2]
    with pytest.raises(InvalidInputError, match="step"):
        events.steer([mfn.Change(step=1, parameter="alpha", value=0.1)])
    with pytest.raises(StabilityError, match="alpha"):
        events.steer([mfn.Change(step=events.next_step(), parameter="alpha", value=9.0)])
    assert [event.sequence for event in events] == [3, 4, 5, 6]
    with pytest.raises(InvalidInputError, match="fields=True"):
        client.stream(CONFIG).set(field="activator")


def test_a_stream_that_was_paused_for_too_long_goes_on(client: Client) -> None:
    events = client.stream(CONFIG, every=4, fields=True)
    seen = [next(events).sequence]
    events.pause()
    time.sleep(1.5)  # longer than the service waits
    events.resume()
    seen += [event.sequence for event in events]
    assert seen == list(range(7))


def test_features_potentials_and_aggregates_are_those_of_the_library(client: Client) -> None:
    assert client.features(RESULT.field_mv) == mfn.extract_features(RESULT.field_mv)
    assert client.nernst(1, 0.005, 0.14) == mfn.nernst_potential_mv(1, 0.005, 0.14)
    found, own = client.aggregate(GRADIENTS, "krum"), Krum(f=2).aggregate(GRADIENTS)
    assert (found.selected, found.rule, found.f, found.n) == (own.selected, own.rule, own.f, own.n)
    assert np.array_equal(found.vector, own.vector)


def test_a_refusal_is_an_error_of_the_library(client: Client) -> None:
    small = mfn.SimulationConfig(grid_size=4)
    with pytest.raises(InvalidInputError, match="grid_size") as refused:
        client.simulate(small)
    assert refused.value.details["problem"]["code"] == "VALIDATION_ERROR"
    with pytest.raises(InvalidInputError, match="grid_size"):
        list(client.stream(small))
    with pytest.raises(AggregationError, match="gradients"):
        client.aggregate(GRADIENTS[:3])
    with pytest.raises(InvalidInputError, match="two axes"):
        client.aggregate([1.0])
    with pytest.raises(RemoteError, match="more than") as costly:
        client.simulate(mfn.SimulationConfig(grid_size=512, steps=10_000))
    assert costly.value.code == "COST_LIMIT_EXCEEDED"


@pytest.mark.parametrize("door", ["http", "grpc"])
def test_a_wrong_key_is_told_at_once(places: dict[str, str], door: str) -> None:
    with Client(places[door], "wrong") as client:
        for call in (lambda: client.nernst(1, 1, 2), lambda: list(client.stream(CONFIG))):
            with pytest.raises(RemoteError, match="unknown") as refused:
                call()
            assert refused.value.code == "INVALID_API_KEY"


@pytest.mark.parametrize("url", ["http://127.0.0.1:9", "grpc://127.0.0.1:9"])
def test_who_cannot_be_reached_is_given_up_on(url: str) -> None:
    with Client(url, patience_s=0.5) as client, pytest.raises(RemoteError, match=r"reached|UNAVAILABLE"):
        client.nernst(1, 1, 2)
    with Client(url, patience_s=0.5) as client, pytest.raises(RemoteError, match=r"reached|UNAVAILABLE"):
        list(client.stream(CONFIG))


def test_many_calls_of_one_loop_run_at_once(places: dict[str, str]) -> None:
    async def calls() -> list[Any]:
        async with AsyncClient(places["http"], KEY) as client:
            return await asyncio.gather(*(client.nernst(1, 0.005, 0.01 * n) for n in range(1, 9)))

    assert asyncio.run(calls()) == [mfn.nernst_potential_mv(1, 0.005, 0.01 * n) for n in range(1, 9)]


class _Busy(BaseHTTPRequestHandler):
    """Refuses two times, once as a proxy would."""

    asked = 0

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        type(self).asked += 1
        status = 200
        body: dict[str, Any] = {"potential_mV": 1.0}
        if self.asked < 3:
            status, body = (429, {"code": "QUEUE_FULL", "message": "full"}) if self.asked == 1 else (502, {})
        self.send_response(status)
        self.send_header("Retry-After", "0")
        self.end_headers()
        self.wfile.write(json.dumps(body).encode())

    def log_message(self, *_: Any) -> None:
        """Say nothing."""


def test_what_passes_is_tried_again() -> None:
    with HTTPServer(("127.0.0.1", 0), _Busy) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        with Client(f"http://127.0.0.1:{server.server_port}") as client:
            assert client.nernst(1, 1, 2) == 1.0
        server.shutdown()
    assert _Busy.asked == 3


@pytest.mark.slow
@pytest.mark.parametrize("door", ["http", pytest.param("grpc", marks=pytest.mark.long)])
def test_a_stream_survives_its_server(tmp_path: Path, door: str) -> None:
    """The process is killed in mid-stream; another one goes on, without a gap and with the same bits."""
    config = CONFIG.model_copy(update={"steps": 40})
    with grpc_server(tmp_path, STREAM_HEARTBEAT_SECONDS="1") as (first, place):
        second: Server | None = None
        url = first.url if door == "http" else f"grpc://{place}"
        try:
            with Client(url, KEY, patience_s=120) as client:
                events = []
                for event in client.stream(config, every=1, fields=True, max_rate_hz=10):
                    events.append(event)
                    if event.sequence == 5:
                        first.process.kill()
                        first.process.wait()
                        port = place.rpartition(":")[2]
                        second = Server(
                            tmp_path, WARMUP="false", GRPC_PORT=port, PORT=str(first.port), RATE_LIMIT_ENABLED="false"
                        )
        finally:
            if second is not None:
                second.close()
    assert [event.sequence for event in events] == list(range(42))
    fields = [np.asarray(event.field) for event in events if isinstance(event, Framed)]
    assert all(np.array_equal(a, b.astype(np.float32)) for a, b in zip(fields, _fields(config), strict=True))
    assert isinstance(events[-1], Completed)
    assert events[-1].result.receipt.result_digest == mfn.simulate(config).digest


def _fields(config: mfn.SimulationConfig) -> Iterator[Any]:
    simulation = mfn.Simulation(config)
    for _ in range(config.steps):
        simulation.advance(1)
        yield simulation.field_mv.copy()
