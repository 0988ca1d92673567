"""Spans on their way to a collector, from a real process."""

from __future__ import annotations

import json
import signal
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from mycelium_fractal_net import __version__
from mycelium_fractal_net.errors import ConfigurationError, MissingExtraError
from mycelium_fractal_net.service.settings import load_settings
from mycelium_fractal_net.service.telemetry.delivery import Delivery, make_exporter
from mycelium_fractal_net.service.telemetry.tracing import make_tracing
from tests.service.collector import Collector, collecting
from tests.service.helpers import AUTH, ION, SMALL, Server, free_port, running

pytestmark = pytest.mark.slow

TRACE_ID, CALLER_SPAN = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
CALLER = {**AUTH, "traceparent": f"00-{TRACE_ID}-{CALLER_SPAN}-01", "X-Request-ID": "ticket-4711"}
GRADIENTS = {"gradients": [[1.0]] * 3, "rule": "median"}
AWAY = "spans cannot be sent to the collector and are lost"
BACK = "spans are sent to the collector again"


@pytest.fixture
def collector() -> Iterator[Collector]:
    with collecting() as collector:
        yield collector


@pytest.fixture
def _at_the_end(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let spans leave when the service ends, and not before."""
    monkeypatch.setenv("OTEL_BSP_SCHEDULE_DELAY", "600000")


@pytest.fixture
def _at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OTEL_BSP_SCHEDULE_DELAY", "20")
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_TIMEOUT", "1")
    monkeypatch.setenv("OTEL_EXPORTER_ZIPKIN_TIMEOUT", "1")


def _point_to(monkeypatch: pytest.MonkeyPatch, exporter: str, url: str) -> dict[str, str]:
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", url)
    monkeypatch.setenv("OTEL_EXPORTER_ZIPKIN_ENDPOINT", f"{url}/api/v2/spans")
    return {"TRACING_ENABLED": "true", "TRACING_EXPORTER": exporter, "WARMUP": "false"}


def _end(server: Server) -> list[dict[str, Any]]:
    server.terminate()
    assert server.process.wait(60) == 0
    return [json.loads(line) for line in server.log.read_text().splitlines()]


def _named(lines: list[dict[str, Any]], event: str) -> list[dict[str, Any]]:
    return [line for line in lines if line["event"] == event]


def _wait_until_spans_are_lost(server: Server) -> None:
    for _ in range(6000):
        if server.metric("mfn_trace_spans_lost_total") > 0:
            return
        time.sleep(0.02)
    raise AssertionError("no span was counted as lost")


@pytest.mark.usefixtures("_at_the_end")
def test_every_span_arrives_before_the_service_ends(
    collector: Collector, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with running(tmp_path, **_point_to(monkeypatch, "otlp", collector.url)) as server:
        with httpx.Client(base_url=server.url, headers=AUTH, timeout=120) as client:
            assert {client.post("/nernst", json=ION).status_code for _ in range(200)} == {200}
        assert collector.requests == []
        lines = _named(_end(server), "request")
    traces = [span.trace_id.hex() for span in collector.all_spans]
    assert sorted(traces) == sorted(line["trace_id"] for line in lines)
    assert len(set(traces)) >= 200


@pytest.mark.usefixtures("_at_the_end")
def test_a_trace_runs_from_the_caller_through_every_stage_to_the_log(
    collector: Collector, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with running(tmp_path, **_point_to(monkeypatch, "otlp", collector.url)) as server:
        httpx.post(f"{server.url}/simulate", json=SMALL, headers=CALLER, timeout=60)
        httpx.post(f"{server.url}/federated/aggregate", json=GRADIENTS, headers=CALLER, timeout=60)
        lines = _end(server)
    request, aggregate = (collector.spans[name] for name in ("POST /simulate", "POST /federated/aggregate"))
    assert (request.trace_id.hex(), request.parent_span_id.hex()) == (TRACE_ID, CALLER_SPAN)
    stages = {name: collector.spans[name].parent_span_id for name in ("simulation", "features", "aggregation")}
    assert stages == {"simulation": request.span_id, "features": request.span_id, "aggregation": aggregate.span_id}
    queues = {span.parent_span_id for span in collector.all_spans if span.name == "queue"}
    assert queues == {request.span_id, aggregate.span_id}
    line = next(line for line in lines if line.get("route") == "/simulate")
    assert (line["trace_id"], line["request_id"]) == (TRACE_ID, "ticket-4711")
    attributes = {item.key: item.value.string_value for item in request.attributes}
    assert attributes["mfn.request_id"] == "ticket-4711"


@pytest.mark.usefixtures("_at_the_end")
def test_the_resource_names_service_version_and_environment(
    collector: Collector, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OTEL_RESOURCE_ATTRIBUTES", "k8s.pod.name=mfn-0")
    with running(tmp_path, **_point_to(monkeypatch, "otlp", collector.url)) as server:
        _end(server)
    expected = {
        "service.name": "mycelium-fractal-net",
        "service.version": __version__,
        "deployment.environment.name": "prod",
        "k8s.pod.name": "mfn-0",
    }
    assert expected.items() <= collector.resource.items()


@pytest.mark.usefixtures("_at_the_end")
def test_zipkin_takes_the_same_spans(collector: Collector, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with running(tmp_path, **_point_to(monkeypatch, "zipkin", collector.url)) as server:
        httpx.post(f"{server.url}/simulate", json=SMALL, headers=CALLER, timeout=60)
        _end(server)
    spans = {span["name"]: span for span in collector.zipkin if span["traceId"] == TRACE_ID}
    assert set(spans) == {"POST /simulate", "queue", "simulation", "features"}
    request = spans["POST /simulate"]
    assert (request["parentId"], request["kind"]) == (CALLER_SPAN, "SERVER")
    assert spans["simulation"]["parentId"] == request["id"]
    assert request["localEndpoint"]["serviceName"] == "mycelium-fractal-net"
    assert request["tags"]["service.version"] == __version__


@pytest.mark.usefixtures("_at_once")
@pytest.mark.parametrize("exporter", ["otlp", "zipkin"])
def test_a_collector_that_does_not_answer_holds_up_no_request(
    exporter: str,
    collector: Collector,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    collector.open.clear()
    with running(tmp_path, **_point_to(monkeypatch, exporter, collector.url)) as server:
        assert collector.arrived.wait(120)
        with httpx.Client(base_url=server.url, headers=AUTH, timeout=120) as client:
            assert {client.post("/nernst", json=ION).status_code for _ in range(100)} == {200}
        _wait_until_spans_are_lost(server)
        lines = _end(server)
    assert len(_named(lines, AWAY)) == 1
    assert not any("Traceback" in json.dumps(line) for line in lines)
    assert "Traceback" not in capfd.readouterr().err


@pytest.mark.usefixtures("_at_once")
@pytest.mark.parametrize("exporter", ["otlp", "zipkin"])
def test_a_collector_that_is_not_there_is_told_of_once(
    exporter: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    nowhere = f"http://127.0.0.1:{free_port()}"
    with running(tmp_path, **_point_to(monkeypatch, exporter, nowhere)) as server:
        for _ in range(5):
            assert httpx.post(f"{server.url}/simulate", json=SMALL, headers=AUTH, timeout=60).status_code == 200
            _wait_until_spans_are_lost(server)
        lines = _end(server)
    assert len(_named(lines, AWAY)) == 1
    assert not any("Traceback" in json.dumps(line) for line in lines)
    assert "Traceback" not in capfd.readouterr().err


@pytest.mark.usefixtures("_at_the_end")
def test_a_second_signal_does_not_wait_for_a_collector(
    collector: Collector, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_TIMEOUT", "1000")
    collector.open.clear()
    with running(tmp_path, **_point_to(monkeypatch, "otlp", collector.url)) as server:
        server.terminate()
        assert collector.arrived.wait(120)
        server.terminate()
        assert server.process.wait(120) == 128 + signal.SIGTERM
    assert collector.requests == []


def test_losses_are_counted_and_the_return_of_the_collector_is_told(
    collector: Collector, monkeypatch: pytest.MonkeyPatch
) -> None:
    _point_to(monkeypatch, "otlp", collector.url)
    lost: list[int] = []
    told: list[str] = []
    delivery = Delivery(make_exporter(load_settings()), lost.append, lambda message, **_: told.append(message))
    collector.status = 404
    assert [delivery.export([]).name for _ in range(2)] == ["FAILURE", "FAILURE"]
    collector.status = 200
    assert delivery.export([]).name == "SUCCESS"
    assert (lost, told) == ([0, 0], [AWAY, BACK])
    delivery.shutdown()


def test_at_the_end_a_collector_that_failed_before_is_not_asked_again(
    collector: Collector, monkeypatch: pytest.MonkeyPatch
) -> None:
    _point_to(monkeypatch, "otlp", collector.url)
    collector.status = 404
    delivery = Delivery(make_exporter(load_settings()), lambda _: None, lambda *_, **__: None)
    delivery.export([])
    collector.arrived.clear()
    delivery.hurry()
    assert delivery.export([]).name == "FAILURE"
    assert not collector.arrived.is_set()


@pytest.mark.parametrize(
    ("variable", "value"),
    [("OTEL_BSP_MAX_QUEUE_SIZE", "10"), ("OTEL_BSP_SCHEDULE_DELAY", "-1"), ("OTEL_ATTRIBUTE_COUNT_LIMIT", "-3")],
)
def test_values_that_opentelemetry_cannot_use_are_wrong_settings(
    variable: str, value: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(variable, value)
    with pytest.raises(ConfigurationError, match=f"OpenTelemetry rejects its settings: .*: {variable}"):
        make_tracing(load_settings(tracing_enabled=True), lambda _: None, print)


@pytest.mark.usefixtures("_at_the_end")
def test_what_opentelemetry_complains_of_at_the_start_is_a_line_without_its_secret(
    collector: Collector, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_HEADERS", "tell-nobody")
    monkeypatch.setenv("OTEL_RESOURCE_ATTRIBUTES", "broken")
    with running(tmp_path, **_point_to(monkeypatch, "otlp", collector.url)) as server:
        lines = _end(server)
    assert {line["level"] for line in lines if line["logger"].startswith("opentelemetry")} == {"warning"}
    assert "tell-nobody" not in json.dumps(lines)
    assert capfd.readouterr().err == ""


def test_zipkin_needs_its_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "opentelemetry.exporter.zipkin.json", None)
    with pytest.raises(MissingExtraError, match=r'pip install "mycelium-fractal-net\[zipkin\]"'):
        make_exporter(load_settings(tracing_exporter="zipkin"))


def test_without_tracing_there_is_no_tracer() -> None:
    assert make_tracing(load_settings(), lambda _: None, print) is None
