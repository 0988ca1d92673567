"""Secrets reach no log line and no span, wherever somebody puts them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import httpx
import pytest
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from mycelium_fractal_net.service.core.redaction import redaction
from mycelium_fractal_net.service.settings import load_settings
from mycelium_fractal_net.service.telemetry.logging import make_logger
from tests.service.helpers import AUTH, ION, KEY, Log, client_of, make_app, running

SECRET = "S" * 43
OURS = f"mfn_prod_0123456789ab_{SECRET}"
PLAIN = 'plain "key" \\ of é'
PLACES: dict[str, dict[str, Any]] = {
    "value": {"json": {**ION, "temperature_k": "KEY"}},
    "name": {"json": {**ION, "KEY": 1}},
    "member": {"json": {**ION, "deep": [{"KEY": {"KEY": ["KEY"]}}]}},
    "long value": {"json": {**ION, "temperature_k": "KEY" * 30}},
    "cut value": {"json": {**ION, "temperature_k": f"{'x' * 190}KEY"}},
    "shown value": {"json": {**ION, "temperature_k": [["KEY"]]}},
    "doubled name": {"content": '{"KEY": 1, "KEY": 2}', "headers": {"Content-Type": "application/json"}},
    "no JSON": {"content": "KEY", "headers": {"Content-Type": "application/json"}},
    "request id": {"json": ION, "headers": {"X-Request-ID": "KEY"}},
    "trace": {"json": ION, "headers": {"traceparent": "KEY", "tracestate": "a=KEY"}},
    "query": {"json": ION, "params": {"KEY": "KEY"}},
}


def _with(key: str, place: Any) -> Any:
    """Return a request with a key in its place."""
    if isinstance(place, dict):
        return {_with(key, name): _with(key, value) for name, value in place.items()}
    if isinstance(place, list):
        return [_with(key, item) for item in place]
    return place.replace("KEY", key) if isinstance(place, str) else place


@pytest.mark.anyio
@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize(("key", "secret"), [(OURS, SECRET[:5]), (KEY, "a-pla")], ids=["ours", "plain"])
async def test_a_key_in_any_place_of_a_request_is_not_logged(place: str, key: str, secret: str, log: Log) -> None:
    exporter = InMemorySpanExporter()
    app = make_app(log, exporter, log_level="DEBUG", tracing_enabled=True)
    async with client_of(app, headers=AUTH) as client:
        answer = await client.post("/nernst", **_with(key, PLACES[place]))
    await app.state.services.close()
    assert len(log.named("request")) == 1
    assert secret not in log.getvalue().decode()
    assert exporter.get_finished_spans()
    assert secret not in "".join(span.to_json() for span in exporter.get_finished_spans())
    assert SECRET[:5] not in answer.text + str(answer.headers)


def test_keys_in_heads_and_in_paths_are_not_logged_by_a_real_server(tmp_path: Path) -> None:
    with running(tmp_path, LOG_LEVEL="DEBUG", WARMUP="false") as server:
        for key in (OURS, KEY):
            httpx.post(f"{server.url}/nernst", json={**ION, "api_key": key}, headers=AUTH, timeout=120)
            httpx.get(f"{server.url}/{key}", headers={"X-API-Key": key, "Authorization": f"Bearer {key}"}, timeout=120)
            httpx.get(f"{server.url}/health?key={key}", headers={"X-Request-ID": key}, timeout=120)
            httpx.get(f"{server.url}/{'x' * 190}{key}/{'x' * 9000}", timeout=120)
        server.terminate()
        server.process.wait(120)
        text = server.log.read_text()
    lines = [json.loads(line) for line in text.splitlines()]
    assert {"timestamp", "level", "event", "logger", "env", "version"} <= set.intersection(*map(set, lines))
    assert not {SECRET[:5], KEY[:5]} & {word for word in (SECRET[:5], KEY[:5]) if word in text}
    assert {"parameters", "request"} <= {line["event"] for line in lines}


@pytest.mark.anyio
@pytest.mark.parametrize("key", [OURS, KEY])
async def test_the_stack_of_a_fault_is_logged_and_traced_without_keys(
    key: str, log: Log, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise RuntimeError(f"what about {key}?")

    monkeypatch.setattr("mycelium_fractal_net.service.operations.nernst.nernst_potential_mv", fail)
    exporter = InMemorySpanExporter()
    app = make_app(log, exporter, tracing_enabled=True)
    async with client_of(app, headers=AUTH) as client:
        await client.post("/nernst", json=ION)
    await app.state.services.close()
    spans = "".join(span.to_json() for span in exporter.get_finished_spans())
    for text in (log.named("request failed")[0]["exception"], spans):
        assert "what about" in text
        assert key not in text


@pytest.mark.parametrize("log_format", ["json", "console"])
def test_a_secret_is_found_however_it_is_written(log_format: str) -> None:
    log = Log()
    logger = make_logger(load_settings(log_format=log_format, api_key=PLAIN, api_key_pepper="the-pepper"), log)
    logger.info(PLAIN, value=PLAIN, shown=repr(PLAIN), deep={"a": [PLAIN]}, bytes=b"the-pepper", other="the-pepper")
    text = log.getvalue().decode()
    assert "plain" not in text
    assert "the-pepper" not in text
    assert log_format == "console" or log.lines[0]["event"] == "***"


def test_what_the_collector_and_redis_want_is_hidden_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(
        "OTEL_EXPORTER_OTLP_HEADERS", "api-key=tell-nobody-1, Authorization=Basic%20tell-nobody-2,tell-nobody-3"
    )
    redact = redaction(
        load_settings(
            rate_limit_storage_url="redis://user:tell-nobody-4@cache:6379/1?password=tell-nobody-5",
            OTEL_EXPORTER_ZIPKIN_ENDPOINT="http://zipkin:9411/api/v2/spans?token=tell-nobody-6",
        )
    )
    told = redact(" ".join(f"tell-nobody-{number}" for number in range(1, 8)))
    assert told == "*** *** *** *** *** *** tell-nobody-7"


def test_short_words_of_the_settings_are_not_cut_out_of_everything() -> None:
    assert redaction(load_settings(api_key="request"))("request") == "request"


def test_people_see_control_characters_and_are_not_moved_by_them() -> None:
    log = Log()
    logger = make_logger(load_settings(log_format="console"), log)
    logger.info("a\x1b[2Jb\rc\nd", path="/\x1b]0;title\x07", message="\u202eabc\x9b", exc_info=ValueError("\x1b[31m"))
    text = log.getvalue().decode()
    assert not set("\x1b\r\x07\x9b\u202e") & set(text)
    assert r"a\x1b[2Jb\rc\nd" in text
    assert r"/\x1b]0;title\x07" in text
