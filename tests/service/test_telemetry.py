from __future__ import annotations

import asyncio
import gc
import io
import json
import logging
import sys
import threading
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from mycelium_fractal_net import __version__
from mycelium_fractal_net.service.core.record import trace_id_of
from mycelium_fractal_net.service.settings import load_settings
from mycelium_fractal_net.service.telemetry.logging import adopt_standard_logging, make_logger
from mycelium_fractal_net.service.telemetry.metrics import ErrorShare
from mycelium_fractal_net.service.telemetry.tracing import Tracing
from tests.service.helpers import AUTH, ION, SMALL, Log, client_of, make_app, sample

CALLER = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
TRACE_ID = "0af7651916cd43dd8448eb211c80319c"


@pytest.mark.anyio
@pytest.mark.parametrize("given", ["a", "A-b_c.9", "x" * 128])
async def test_a_usable_request_id_is_taken(given: str, log: Log) -> None:
    async with client_of(make_app(log)) as client:
        answer = await client.get("/health", headers={"X-Request-ID": given})
    assert answer.headers["x-request-id"] == given == log.named("request")[0]["request_id"]


@pytest.mark.anyio
@pytest.mark.parametrize("given", [b"", b"a b", b"x" * 129, b"\xff", b'{"a":1}', b"a\tb", b"../x"])
async def test_another_request_id_is_replaced(given: bytes) -> None:
    async with client_of(make_app()) as client:
        answer = await client.get("/health", headers={b"X-Request-ID": given})
    assert len(answer.headers["x-request-id"]) == 32


@pytest.mark.anyio
async def test_a_line_tells_all_about_a_request(log: Log) -> None:
    async with client_of(make_app(log), headers={**AUTH, "traceparent": CALLER}) as client:
        await client.post("/nernst", json=ION)
    line = log.named("request")[0]
    expected = {
        "level": "info",
        "env": "prod",
        "method": "POST",
        "path": "/nernst",
        "route": "/nernst",
        "status": 200,
        "client_ip": "203.0.113.7",
        "key_id": "plain-1",
        "trace_id": TRACE_ID,
    }
    assert expected.items() <= line.items()
    assert line["duration_ms"] > 0
    assert {"timestamp", "event", "logger", "version", "request_id"} <= set(line)


@pytest.mark.anyio
async def test_validation_errors_are_logged_with_their_details(log: Log) -> None:
    async with client_of(make_app(log), headers=AUTH) as client:
        await client.post("/nernst", json={**ION, "temperature_k": 37, "password": "tell-nobody"})
    line = log.named("request")[0]
    assert line["code"] == "VALIDATION_ERROR"
    assert [detail["field"] for detail in line["details"]] == ["temperature_k", "password"]
    assert "tell-nobody" not in log.getvalue().decode()


@pytest.mark.anyio
@pytest.mark.parametrize(("level", "count"), [("DEBUG", 1), ("INFO", 0)])
async def test_parameters_are_logged_at_debug_without_large_arrays(level: str, count: int, log: Log) -> None:
    async with client_of(make_app(log, log_level=level), headers=AUTH) as client:
        await client.post("/features", json={"field": [[1.0] * 64] * 64})
    lines = log.named("parameters")
    assert len(lines) == count
    expected = {"method": "POST", "path": "/features", "client_ip": "203.0.113.7", "key_id": "plain-1"}
    for line in lines:
        assert line["parameters"] == {"field": "<64 x 64 values>"}
        assert {**expected, "trace_id": None}.items() <= line.items()


def test_the_console_is_for_people() -> None:
    stream = io.BytesIO()
    make_logger(load_settings(env="dev"), stream).info("started", threads=2)
    assert b"started" in stream.getvalue()
    assert not stream.getvalue().startswith(b"{")


def test_levels_below_the_one_wanted_are_silent() -> None:
    log = Log()
    logger = make_logger(load_settings(log_level="WARN", log_format="json"), log)
    logger.info("not this")
    logger.warning("this")
    assert [line["event"] for line in log.lines] == ["this"]


def test_members_named_like_secrets_are_masked_and_odd_values_do_not_stop_a_line() -> None:
    log = Log()
    logger = make_logger(load_settings(log_format="json"), log)
    logger.info("a", token=5, password="tell-nobody", key_id="abc", value=2**70, text="mfn_dev_0123456789ab_secret")
    line = log.lines[0]
    assert (line["token"], line["password"], line["key_id"]) == ("***", "***", "abc")
    assert line["text"] == "mfn_dev_0123456789ab_***"
    assert line["value"] == "<integer of 71 bits>"


@pytest.fixture
def adopted(monkeypatch: pytest.MonkeyPatch) -> Iterator[Log]:
    """Lines of a process that serves: whatever the standard library would write goes there."""
    for place, name in (
        (logging.getLogger(), "handlers"),
        (logging.getLogger(), "level"),
        (threading, "excepthook"),
        (sys, "unraisablehook"),
    ):
        monkeypatch.setattr(place, name, getattr(place, name))
    log = Log()
    adopt_standard_logging(make_logger(load_settings(log_format="json"), log), "INFO")
    yield log
    logging.captureWarnings(False)


def test_libraries_log_through_the_same_lines(adopted: Log) -> None:
    logging.getLogger("uvicorn.error").warning("slow %s", "socket")
    assert {"event": "slow socket", "logger": "uvicorn.error", "level": "warning"}.items() <= adopted.lines[0].items()


@pytest.mark.filterwarnings("default::UserWarning")
def test_warnings_of_python_are_lines(adopted: Log) -> None:
    warnings.warn("this will not go on for ever", UserWarning, stacklevel=1)
    (line,) = adopted.lines
    assert (line["logger"], line["level"]) == ("py.warnings", "warning")
    assert "this will not go on for ever" in line["event"]


def test_a_thread_that_dies_has_a_line(adopted: Log) -> None:
    thread = threading.Thread(target=lambda: 1 // 0, name="unlucky")
    thread.start()
    thread.join()
    (line,) = adopted.named("a thread failed")
    assert (line["thread"], line["level"]) == ("unlucky", "error")
    assert "ZeroDivisionError" in line["exception"]


def test_what_nobody_can_catch_has_a_line(adopted: Log) -> None:
    class Broken:
        def __del__(self) -> None:
            raise ZeroDivisionError("in the end")

    Broken()
    gc.collect()
    (line,) = adopted.named("unhandled exception")
    assert "Broken.__del__" in line["about"]
    assert "in the end" in line["exception"]


def test_a_task_that_fails_unseen_has_a_line(adopted: Log) -> None:
    async def fail() -> None:
        raise ZeroDivisionError("unseen")

    async def forget() -> None:
        asyncio.get_running_loop().create_task(fail())
        await asyncio.sleep(0.01)
        gc.collect()

    asyncio.run(forget())
    assert "unseen" in next(line for line in adopted.lines if line["logger"] == "asyncio")["exception"]


def test_an_exporter_says_the_same_once_a_minute_and_other_libraries_say_all(
    adopted: Log, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = [0.0]
    monkeypatch.setattr("mycelium_fractal_net.service.telemetry.logging.time.monotonic", lambda: now[0])
    for second in (0.0, 59.0, 60.0):
        now[0] = second
        logging.getLogger("opentelemetry.exporter").warning("no answer for %s s", second)
        logging.getLogger("uvicorn.error").warning("slow")
    assert [line["event"] for line in adopted.lines if line["event"] != "slow"] == [
        "no answer for 0.0 s",
        "no answer for 60.0 s",
    ]
    assert len(adopted.named("slow")) == 3


@pytest.mark.anyio
async def test_a_trace_has_the_callers_parent_and_a_span_for_each_stage(log: Log) -> None:
    exporter = InMemorySpanExporter()
    app = make_app(log, span_exporter=exporter, tracing_enabled=True)
    async with client_of(app, headers={**AUTH, "traceparent": CALLER}) as client:
        answer = await client.post("/simulate", json=SMALL)
        await client.post("/federated/aggregate", json={"gradients": [[1.0]] * 3, "rule": "median"})
    await app.state.services.close()
    spans: dict[str, Any] = {span.name: span for span in exporter.get_finished_spans()}
    assert set(spans) == {
        "POST /simulate", "POST /federated/aggregate", "queue", "simulation", "features", "aggregation",
    }  # fmt: skip
    request = spans["POST /simulate"]
    assert format(request.parent.span_id, "016x") == CALLER.split("-")[2]
    assert {format(span.context.trace_id, "032x") for span in spans.values()} == {TRACE_ID}
    assert spans["simulation"].parent.span_id == request.context.span_id
    assert request.attributes["http.response.status_code"] == 200
    assert answer.headers["traceparent"].split("-")[1] == TRACE_ID == log.named("request")[0]["trace_id"]


@pytest.mark.anyio
async def test_a_failure_marks_its_spans(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object, **__: object) -> None:
        raise RuntimeError("no")

    monkeypatch.setattr("mycelium_fractal_net.service.operations.simulate.simulate", fail)
    exporter = InMemorySpanExporter()
    app = make_app(span_exporter=exporter, tracing_enabled=True)
    async with client_of(app, headers=AUTH) as client:
        assert (await client.post("/simulate", json=SMALL)).status_code == 500
    await app.state.services.close()
    failed = {span.name for span in exporter.get_finished_spans() if not span.status.is_ok}
    assert {"POST /simulate", "simulation"} <= failed


@pytest.mark.parametrize(
    ("traceparent", "trace_id"),
    [
        (CALLER, TRACE_ID),
        (f"cc{CALLER[2:]}", TRACE_ID),
        (f"cc{CALLER[2:]}-what-a-later-version-says", TRACE_ID),
        (f"{CALLER}-more", None),
        (f"cc{CALLER[2:]}.more", None),
        (f"ff{CALLER[2:]}", None),
        (CALLER.replace(TRACE_ID, "0" * 32), None),
        (CALLER.upper(), None),
    ],
)
def test_a_later_version_of_traceparent_is_understood(traceparent: str, trace_id: str | None) -> None:
    assert trace_id_of(traceparent) == trace_id


@pytest.mark.anyio
async def test_with_opentelemetry_switched_off_requests_are_answered_without_spans(
    log: Log, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OTEL_SDK_DISABLED", "True")
    async with client_of(make_app(log, tracing_enabled=True), headers={**AUTH, "traceparent": CALLER}) as client:
        answer = await client.post("/nernst", json=ION)
    assert (answer.status_code, answer.headers.get("traceparent")) == (200, None)
    assert log.named("request")[0]["trace_id"] == TRACE_ID


@pytest.mark.anyio
async def test_a_tracer_that_fails_is_logged_and_nobody_waits_for_it(log: Log, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise KeyError("traceparent")

    monkeypatch.setattr(Tracing, "request", fail)
    app = make_app(log, span_exporter=InMemorySpanExporter(), tracing_enabled=True, metrics_public=True)
    async with client_of(app, headers=AUTH) as client:
        answer = await client.post("/nernst", json=ION)
    assert answer.status_code == 200
    assert [line["status"] for line in log.named("request")] == [200]
    assert "KeyError" in log.named("could not create a span")[0]["exception"]
    text = app.state.services.metrics.text().decode()
    assert sample(text, "mfn_http_requests_total", endpoint="/nernst", status="200") == 1
    assert sample(text, "mfn_http_requests_in_progress", endpoint="/nernst") == 0


@pytest.mark.anyio
async def test_metrics_tell_what_runs_here_and_with_how_much_room() -> None:
    async with client_of(make_app(compute_threads=3, compute_queue=5), headers=AUTH) as client:
        text = (await client.get("/metrics")).text
    assert sample(text, "mfn_build_info", version=__version__, env="prod") == 1
    assert (sample(text, "mfn_compute_threads"), sample(text, "mfn_compute_queue_limit")) == (3, 5)


@pytest.mark.anyio
async def test_a_field_without_an_active_cell_has_a_bucket_of_its_own() -> None:
    async with client_of(make_app(), headers=AUTH) as client:
        assert (await client.post("/simulate", json={**SMALL, "steps": 1})).json()["fractal_dimension"] == 0
        text = (await client.get("/metrics")).text
    assert sample(text, "mfn_fractal_dimension_bucket", le="0.0") == 1


def test_the_share_of_errors_is_that_of_the_last_minute(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [1000.0]
    monkeypatch.setattr("mycelium_fractal_net.service.telemetry.metrics.time.monotonic", lambda: now[0])
    share = ErrorShare()
    assert share.value() == 0.0
    for failed in (True, False, False, False):
        share.count(failed)
    assert share.value() == 0.25
    now[0] += 59
    share.count(True)
    assert share.value() == 0.4
    now[0] += 1
    assert share.value() == 1.0
    now[0] += 60
    assert share.value() == 0.0


@pytest.mark.anyio
async def test_requests_in_progress_return_to_zero() -> None:
    async with client_of(make_app(), headers=AUTH) as client:
        await client.post("/nernst", json=ION)
        text = (await client.get("/metrics")).text
    assert sample(text, "mfn_http_requests_in_progress", endpoint="/nernst") == 0
    assert sample(text, "mfn_http_requests_in_progress", endpoint="/metrics") == 1
    assert "mfn_http_error_rate 0.0" in text


def test_the_lines_are_what_aggregators_read(tmp_path: Path) -> None:
    path = tmp_path / "log"
    with path.open("wb") as stream:
        make_logger(load_settings(log_format="json"), stream).info("two\nlines")
    (line,) = path.read_text().splitlines()
    assert json.loads(line)["event"] == "two\nlines"


@pytest.mark.anyio
async def test_probes_do_not_count_in_the_share_of_errors() -> None:
    app = make_app()
    app.state.services.warm = False
    async with client_of(app, headers=AUTH) as client:
        assert {(await client.get("/health/ready")).status_code for _ in range(9)} == {503}
        text = (await client.get("/metrics")).text
    assert "mfn_http_error_rate 0.0" in text
    assert sample(text, "mfn_http_requests_total", endpoint="/health/ready", status="503") == 9
