"""Jobs and events on the wire, read by a library that others use too."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any

import pytest
from cloudevents.v1.http import from_json

from mycelium_fractal_net.errors import ConfigurationError, InvalidInputError, MissingExtraError
from mycelium_fractal_net.integrations import (
    Connector,
    Event,
    Secret,
    event_id,
    kinds,
    load_worker_config,
    make_publisher,
    make_source,
    option_schema,
    read_job,
)

JOB = {"id": "a", "operation": "simulate", "request": {"steps": 8}, "key": "k"}


def test_an_event_is_a_cloudevent_to_others() -> None:
    event = Event("i", "net.mycelium.t.v1", "job-1", b'{"x":0.1}', "k", "00-trace")
    found = from_json(event.structured())
    assert (found["id"], found["type"], found["subject"], found["partitionkey"]) == ("i", event.type, "job-1", "k")
    assert found.data == {"x": 0.1}
    assert "trace" not in event.structured().decode()
    assert event.headers()["traceparent"] == "00-trace"
    assert Event.from_structured(event.structured()).structured() == event.structured()


@pytest.mark.parametrize(
    ("body", "headers"),
    [
        (JOB, {}),
        ({"specversion": "1.0", "id": "x", "type": "t", "source": "/", "data": JOB}, {}),
        ({"specversion": "1.0", "id": "x", "type": "t", "source": "/", "data": json.dumps(JOB)}, {}),
        ({"specversion": "1.0", "id": "x", "data_base64": base64.b64encode(json.dumps(JOB).encode()).decode()}, {}),
        ({"operation": "simulate", "request": {"steps": 8}}, {"ce_id": "a", "ce_partitionkey": "k"}),
        ({"operation": "simulate", "request": {"steps": 8}}, {"cloudevents:id": "a", "cloudevents:partitionkey": "k"}),
    ],
)
def test_a_job_is_read_from_plain_structured_and_binary_messages(body: Any, headers: dict[str, str]) -> None:
    job = read_job(json.dumps(body).encode(), headers)
    assert (job.id, job.operation, job.request, job.key) == ("a", "simulate", {"steps": 8}, "k")


@pytest.mark.parametrize(
    ("body", "text"),
    [
        (b"", "not JSON"),
        (b"[]", "JSON object"),
        (b"{}", "id must be"),
        (b'{"id": ""}', "id must be"),
        (b'{"id": "a\\u0000", "operation": "simulate"}', "id must be"),
        (b'{"id": "a", "operation": 3}', "operation must be"),
        (b'{"id": "a", "operation": "simulate", "request": []}', "request must be"),
        (b'{"id": "a", "operation": "simulate", "requests": {}}', "requests too"),
        (b'{"specversion": "1.0", "data_base64": "?"}', "base64"),
        (b'{"specversion": "1.0", "data": "{"}', "not JSON"),
        (b" " * (17 * 2**20), "at most"),
    ],
)
def test_a_message_that_is_no_job_says_why(body: bytes, text: str) -> None:
    with pytest.raises(InvalidInputError, match=text):
        read_job(body)


def test_ids_differ_by_each_part() -> None:
    assert len({event_id("ab", "c", b""), event_id("a", "bc", b""), event_id("a", "b", b"c")}) == 3


def test_a_secret_is_told_by_nothing_that_prints() -> None:
    secret = Secret("planted", "1")
    source = make_source({"kind": "redis", "url": "redis://:planted@127.0.0.1"})
    for text in (repr(secret), str(secret), f"{secret}", repr(source), str(source)):
        assert "planted" not in text
    assert secret == Secret("planted", "1")
    assert hash(secret) == hash(Secret("planted", "1"))


@pytest.mark.parametrize(
    ("options", "text"),
    [
        ({}, "give its kind"),
        ({"kind": "rediss"}, "did you mean 'redis'"),
        ({"kind": "redis", "url": "planted", "streams": "planted"}, "streams: Extra inputs"),
        ({"kind": "redis"}, "url: Field required"),
    ],
)
def test_options_that_are_wrong_are_named_and_no_value_is_told(options: dict[str, Any], text: str) -> None:
    for make in (make_source, make_publisher):
        with pytest.raises(ConfigurationError, match=text) as caught:
            make(options)
        assert "planted" not in str(caught.value)


def test_every_kind_describes_its_options() -> None:
    for side in ("sources", "publishers"):
        for kind in kinds(side):
            schema = option_schema(side, kind)
            assert all(member.get("description") for member in schema["properties"].values())
            assert schema["additionalProperties"] is False


def test_a_missing_client_names_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    import sys

    monkeypatch.setitem(sys.modules, "aio_pika", None)
    for name in [name for name in sys.modules if name.endswith(("integrations._amqp", "sources.rabbitmq"))]:
        monkeypatch.delitem(sys.modules, name)
    with pytest.raises(MissingExtraError, match="rabbitmq"):
        make_source({"kind": "rabbitmq", "url": "amqp://127.0.0.1"})


def test_a_worker_configuration_that_is_wrong_is_refused_without_values(tmp_path: Path) -> None:
    path = tmp_path / "worker.yaml"
    for text, expected in (
        ("- a", "must hold source"),
        ("a: [", "cannot be read"),
        ("source: {kind: file}\npublisher: {url: planted}\ndead_letters: {}\nmax_in_flight: 0", "max_in_flight"),
        ("source: planted", "publisher"),
        ("source: {}\npublisher: {}\ndead_letters: {}\nattempts: true", "attempts: .*not true or false"),
    ):
        path.write_text(text)
        with pytest.raises(ConfigurationError, match=expected) as caught:
            load_worker_config(path)
        assert "planted" not in str(caught.value)
    path.write_text("source: {kind: file}\npublisher: {kind: file}\ndead_letters: {kind: file}")
    assert load_worker_config(path, port=7).port == 7


def test_options_cannot_be_changed_after_the_start() -> None:
    source = make_source({"kind": "redis", "url": "redis://127.0.0.1"})
    assert isinstance(source, Connector)
    with pytest.raises(ValueError, match="frozen"):
        source.stream = "other"  # type: ignore[attr-defined]
