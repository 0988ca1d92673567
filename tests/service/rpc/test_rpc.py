"""RPCs of a real server, called through grpcio and through buf's client."""

from __future__ import annotations

import base64
import json
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import grpc
import httpx
import numpy as np
import pytest
from grpc_health.v1 import health_pb2

import mycelium_fractal_net as mfn
from mycelium_fractal_net._proto import mfn_pb2
from mycelium_fractal_net.service.core.errors import CATALOGUE, Problem
from mycelium_fractal_net.service.rpc.status import status_of
from tests.service.helpers import AUTH, KEY, Server
from tests.service.rpc.helpers import METADATA, SERVICE, Caller, details_of, grpc_server

CONFIG: dict[str, Any] = {"grid_size": 16, "steps": 20, "seed": 7}
RESULT = mfn.simulate(mfn.SimulationConfig(**CONFIG))
LONG = {"grid_size": 512, "steps": 7000}
ROOT = Path(__file__).parents[3]
BUF = Path(sys.executable).with_name("buf")


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Server, str]]:
    with grpc_server(tmp_path_factory.mktemp("rpc"), STREAM_IDLE_SECONDS="2") as found:
        yield found


@pytest.fixture(scope="module")
def caller(served: tuple[Server, str]) -> Caller:
    return Caller(served[1])


def _idle(server: Server) -> None:
    """Wait until nothing computes and no stream is open."""
    for _ in range(15_000):
        if server.metric("mfn_streams_open") == server.metric("mfn_compute_threads_busy") == 0:
            return
        time.sleep(0.02)
    raise AssertionError("the run went on")


def test_unary_calls_answer_as_rest_does(served: tuple[Server, str], caller: Caller) -> None:
    ion: dict[str, Any] = {"concentration_out_molar": 0.005, "concentration_in_molar": 0.14}
    potential = caller.unary("Nernst", mfn_pb2.NernstRequest(**ion), mfn_pb2.NernstResponse)
    rest = httpx.post(f"{served[0].url}/nernst", json=ion, headers=AUTH).json()
    assert potential.potential_mv == rest["potential_mV"]
    health = caller.unary("Health", mfn_pb2.HealthRequest(), mfn_pb2.HealthResponse, metadata=())
    assert (health.status, health.env) == ("healthy", "prod")
    stability = caller.unary("Stability", mfn_pb2.StabilityRequest(), mfn_pb2.StabilityResponse)
    rest = httpx.post(f"{served[0].url}/stability", json={}, headers=AUTH).json()
    assert [list(row.values) for row in stability.jacobian] == rest["jacobian"]
    assert [stability.band.low, stability.band.high] == rest["band"]


@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_features_of_an_array_are_those_of_the_library(caller: Caller, dtype: str) -> None:
    field = RESULT.field_mv.astype(dtype)
    array = mfn_pb2.Array(shape=field.shape, dtype=dtype, data=field.astype(field.dtype.newbyteorder("<")).tobytes())
    request = mfn_pb2.ExtractFeaturesRequest(array=array, spectrum=True)
    answer = caller.unary("ExtractFeatures", request, mfn_pb2.ExtractFeaturesResponse)
    assert dict(answer.features) == mfn.extract_features(field.astype(np.float64)).to_dict()
    assert answer.box_counting.verdict
    assert len(answer.spectrum.power) == len(answer.spectrum.wavenumbers) > 1


def test_a_stream_gives_the_bits_of_simulate(caller: Caller) -> None:
    started, *frames, completed = caller.simulate(config=CONFIG, every=8, include=["features", "field"])
    assert (started.WhichOneof("event"), started.sequence, started.started.total_steps) == ("started", 0, 20)
    assert [(one.sequence, one.frame.step) for one in frames] == [(1, 8), (2, 16), (3, 20)]
    last = frames[-1].frame
    assert np.array_equal(np.frombuffer(last.field.data, "<f4").reshape(16, 16), RESULT.field_mv.astype(np.float32))
    assert dict(last.features) == pytest.approx(RESULT.features.to_dict())
    assert sum(len(one.frame.growth_events) for one in frames) == RESULT.growth_events
    assert completed.completed.receipt.result_digest == RESULT.digest
    assert completed.completed.result.fractal_dimension == RESULT.features.D_box


@pytest.mark.parametrize(("known", "follow"), [(0, [1, 2, 3, 4]), (2, [3, 4]), (4, [])])
def test_a_stream_goes_on_after_what_is_known(caller: Caller, known: int, follow: list[int]) -> None:
    events = list(caller.simulate(config=CONFIG, every=8, resume_after=known))
    assert [event.sequence for event in events] == follow
    assert not events or events[-1].completed.receipt.result_digest == RESULT.digest


@pytest.mark.parametrize("how", ["cancel while it computes", "cancel while it writes", "deadline"])
def test_a_reader_that_leaves_stops_the_run(served: tuple[Server, str], caller: Caller, how: str) -> None:
    every, include = (1, ["field"]) if how.endswith("writes") else (7000, [])
    call = caller.simulate(config=LONG, every=every, include=include, timeout=2 if how == "deadline" else 300)
    assert next(call).WhichOneof("event") == "started"
    if how == "deadline":
        with pytest.raises(grpc.RpcError) as late:
            list(call)
        assert late.value.code() is grpc.StatusCode.DEADLINE_EXCEEDED
    else:
        if how.endswith("writes"):
            next(call)
        call.cancel()
    _idle(served[0])
    assert "Traceback" not in served[0].log.read_text()


def _updates(rows: Any, chunk: int = 2, **start: Any) -> Iterator[mfn_pb2.AggregateRequest]:
    yield mfn_pb2.AggregateRequest(start={"length": len(rows[0]), **start})
    for number, row in enumerate(rows):
        data = np.asarray(row, "<f8")
        for place in range(0, len(data), chunk):
            part = {"values": data[place : place + chunk].tobytes(), "last": place + chunk >= len(data)}
            yield mfn_pb2.AggregateRequest(chunk={"client": f"c{number}", **part})


def test_updates_in_chunks_are_aggregated_as_behind_rest(served: tuple[Server, str], caller: Caller) -> None:
    rows = np.random.default_rng(3).normal(size=(12, 5))
    rows[4, 2] = np.nan
    *parts, end = caller.aggregate(_updates(rows, rule="krum"))
    acknowledged = [part.acknowledgement for part in parts if part.WhichOneof("part") == "acknowledgement"]
    assert [(one.client, one.index, one.accepted) for one in acknowledged] == [(f"c{n}", n, n != 4) for n in range(12)]
    assert acknowledged[4].reason == "a value is not finite"
    vector = np.concatenate([np.frombuffer(part.chunk.values) for part in parts if part.HasField("chunk")])
    body = {"gradients": [[None if v != v else v for v in row] for row in rows], "rule": "krum"}
    rest = httpx.post(f"{served[0].url}/federated/aggregate", json=body, headers=AUTH).json()
    assert vector.tolist() == rest["aggregated_gradient"]
    assert list(end.result.rejected) == rest["rejected"] == [4]
    assert end.result.receipt.result_digest == rest["receipt"]["result_digest"]
    assert end.result.receipt.gradients_digest == rest["receipt"]["gradients_digest"]


def test_updates_that_cannot_be_used_count_as_hostile(caller: Caller) -> None:
    def requests() -> Iterator[mfn_pb2.AggregateRequest]:
        yield from _updates(np.ones((8, 4)), rule="median")
        yield mfn_pb2.AggregateRequest(chunk={"client": "c0", "values": np.ones(4).tobytes(), "last": True})
        yield mfn_pb2.AggregateRequest(chunk={"client": "long", "values": np.ones(5).tobytes(), "last": True})
        yield mfn_pb2.AggregateRequest(chunk={"client": "short", "values": np.ones(3).tobytes()})

    answers = list(caller.aggregate(requests()))
    refused = [one.acknowledgement for one in answers if one.HasField("acknowledgement") and one.acknowledgement.reason]
    assert [(one.client, one.index, one.accepted) for one in refused] == [
        ("c0", 0, False), ("long", 8, False), ("short", 9, False),
    ]  # fmt: skip
    assert list(answers[-1].result.rejected) == [8, 9]


_BAD: list[tuple[list[mfn_pb2.AggregateRequest], str]] = [
    ([], "BAD_REQUEST"),
    ([mfn_pb2.AggregateRequest(chunk={"client": "a"})], "BAD_REQUEST"),
    ([mfn_pb2.AggregateRequest(start={"length": 0})], "VALIDATION_ERROR"),
    ([mfn_pb2.AggregateRequest(start={"length": 2})], "INVALID_INPUT"),
    ([mfn_pb2.AggregateRequest(start={"length": 2})] * 2, "BAD_REQUEST"),
    (list(_updates([[1.0]], rule="vote")), "VALIDATION_ERROR"),
    (list(_updates([[1.0]], rule="krum")), "AGGREGATION_FAILED"),
]


@pytest.mark.parametrize(("requests", "code"), _BAD, ids=range(len(_BAD)))
def test_what_cannot_be_aggregated_is_a_problem(caller: Caller, requests: Any, code: str) -> None:
    with pytest.raises(grpc.RpcError) as refused:
        list(caller.aggregate(requests))
    assert details_of(refused.value.trailing_metadata())["ErrorInfo"].reason == code


def test_a_coordinator_that_says_nothing_for_long_is_sent_away(caller: Caller) -> None:
    def silent() -> Iterator[mfn_pb2.AggregateRequest]:
        yield mfn_pb2.AggregateRequest(start={"length": 2})
        time.sleep(60)

    with pytest.raises(grpc.RpcError) as late:
        list(caller.aggregate(silent()))
    assert details_of(late.value.trailing_metadata())["ErrorInfo"].reason == "REQUEST_TIMEOUT"


@pytest.mark.parametrize(
    ("rpc", "metadata", "code"),
    [
        ("Nernst", (), "AUTHENTICATION_REQUIRED"),
        ("Nernst", (("authorization", "Bearer wrong"),), "INVALID_API_KEY"),
        ("Elsewhere", METADATA, "METHOD_NOT_ALLOWED"),
        ("/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo", METADATA, "METHOD_NOT_ALLOWED"),
    ],
)
def test_who_may_not_call_is_refused(caller: Caller, rpc: str, metadata: Any, code: str) -> None:
    with pytest.raises(grpc.RpcError) as refused:
        caller.unary(rpc, b"", mfn_pb2.NernstResponse, metadata=metadata)
    assert refused.value.code().name == CATALOGUE[code].grpc
    assert details_of(refused.value.trailing_metadata())["ErrorInfo"].reason == code


@pytest.mark.parametrize("content", [b"\xff\xff\xff", b"\x08"])
def test_bytes_that_are_no_message_are_refused(caller: Caller, content: bytes) -> None:
    with pytest.raises(grpc.RpcError) as refused:
        caller.unary("Nernst", content, mfn_pb2.NernstResponse)
    assert details_of(refused.value.trailing_metadata())["ErrorInfo"].reason == "BAD_REQUEST"


def test_a_message_that_is_too_long_is_refused(caller: Caller) -> None:
    array = mfn_pb2.Array(shape=[1], data=b"x" * (5 * 2**20))
    with pytest.raises(grpc.RpcError) as refused:
        caller.unary("ExtractFeatures", mfn_pb2.ExtractFeaturesRequest(array=array), mfn_pb2.ExtractFeaturesResponse)
    assert refused.value.code() is grpc.StatusCode.RESOURCE_EXHAUSTED


def test_a_call_is_known_by_its_id_and_its_trace(served: tuple[Server, str], caller: Caller) -> None:
    call = caller.simulate(config=CONFIG, metadata=(*METADATA, ("x-request-id", "batch-7")))
    assert dict(call.initial_metadata())["x-request-id"] == "batch-7"
    list(call)
    lines: list[dict[str, Any]] = []
    for _ in range(15_000):  # the line is written after the reader has its answer
        found = [json.loads(line) for line in served[0].log.read_text().splitlines() if "batch-7" in line]
        lines = [line for line in found if line["event"] == "request"]
        if lines:
            break
        time.sleep(0.02)
    assert [line["status"] for line in lines] == [200]
    assert KEY not in served[0].log.read_text()
    name = "mfn_http_requests_total"
    assert served[0].metric(name, endpoint=f"/{SERVICE}/Simulate", method="GRPC", status="200") >= 1


def test_health_is_open_and_says_that_the_service_serves(caller: Caller) -> None:
    for name in ("", SERVICE):
        answer = caller.unary(
            "/grpc.health.v1.Health/Check",
            health_pb2.HealthCheckRequest(service=name),
            health_pb2.HealthCheckResponse,
            metadata=(),
        )
        assert answer.status == health_pb2.HealthCheckResponse.SERVING


@pytest.mark.parametrize("code", CATALOGUE)
def test_every_error_of_the_catalogue_has_its_details(code: str) -> None:
    detail = {"field": "alpha", "message": "too much", "value": [1, 2.5, None, "x", float("inf")]}
    status = status_of(Problem(code, "told", [detail], {"retry_after_s": 3, "resume_after": 4}), "id-1")
    found = details_of([("grpc-status-details-bin", status.SerializeToString())])
    assert (found["ErrorInfo"].reason, found["RetryInfo"].retry_delay.seconds) == (code, 3)
    assert [(one.field, one.description) for one in found["BadRequest"].field_violations] == [("alpha", "too much")]
    problem = found["Problem"]
    assert (problem.status, problem.resume_after, problem.request_id) == (CATALOGUE[code].status, 4, "id-1")
    assert status.code == grpc.StatusCode[CATALOGUE[code].grpc].value[0]


def test_a_status_fits_into_the_metadata_that_clients_take() -> None:
    detail = {"field": "f" * 100, "message": "m" * 4000, "value": "v" * 200}
    assert status_of(Problem("VALIDATION_ERROR", "m" * 9000, [detail] * 20), "id").ByteSize() < 6_000


@pytest.mark.skipif(not BUF.exists(), reason="buf is not installed")
def test_the_protocol_is_linted_and_the_messages_are_those_it_generates(tmp_path: Path) -> None:
    subprocess.run([BUF, "lint", "proto"], cwd=ROOT, check=True)
    subprocess.run([BUF, "format", "--exit-code", "proto"], cwd=ROOT, check=True, stdout=subprocess.DEVNULL)
    command = ["-m", "grpc_tools.protoc", "-Iproto", f"--python_out={tmp_path}", f"--pyi_out={tmp_path}"]
    subprocess.run([sys.executable, *command, "proto/mfn/v1/mfn.proto"], cwd=ROOT, check=True)
    for name in ("mfn_pb2.py", "mfn_pb2.pyi"):
        assert (tmp_path / "mfn/v1" / name).read_bytes() == (Path(mfn_pb2.__file__).parent / name).read_bytes()


@pytest.mark.skipif(not BUF.exists(), reason="buf is not installed")
def test_a_client_in_another_language_gets_the_same(served: tuple[Server, str]) -> None:
    command = [str(BUF), "curl", "--protocol", "grpc", "--http2-prior-knowledge", "--schema", "proto"]
    told = ["-H", f"X-API-Key: {KEY}", "-d", json.dumps({"config": CONFIG, "every": 8})]
    url = f"http://{served[1]}/{SERVICE}/Simulate"
    answer = subprocess.run([*command, *told, url], cwd=ROOT, check=True, capture_output=True, text=True).stdout
    assert RESULT.digest in answer
    refused = subprocess.run([*command, "-d", "{}", url], cwd=ROOT, check=False, capture_output=True, text=True)
    error = json.loads(refused.stderr)
    assert (error["code"], error["details"][0]["type"]) == ("unauthenticated", "google.rpc.ErrorInfo")
    assert b"AUTHENTICATION_REQUIRED" in base64.b64decode(error["details"][0]["value"] + "==")


@pytest.mark.slow
def test_a_stream_ends_with_the_sequence_to_resume_at_when_the_service_drains(tmp_path: Path) -> None:
    with grpc_server(tmp_path) as (server, place):
        call = Caller(place).simulate(config=CONFIG, every=1, max_rate_hz=1)
        assert [next(call).sequence for _ in "ab"] == [0, 1]
        server.terminate()
        with pytest.raises(grpc.RpcError) as ended:
            list(call)
        assert server.process.wait(60) == 0
    details = details_of(ended.value.trailing_metadata())
    assert details["ErrorInfo"].reason == "SERVICE_UNAVAILABLE"
    assert details["Problem"].resume_after >= 1
