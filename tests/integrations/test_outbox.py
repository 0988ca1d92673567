"""What the REST service computes is published through its outbox."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest

from mycelium_fractal_net.cli import main
from mycelium_fractal_net.integrations import EventStore
from tests.service.helpers import AUTH, SMALL, running


def test_an_answer_becomes_an_event_and_a_sink_that_is_away_gets_it_later(tmp_path: Path) -> None:
    store, out = tmp_path / "events.db", tmp_path / "missing" / "file"
    (tmp_path / "missing").write_text("in the way of the directory")
    publisher = json.dumps({"kind": "file", "path": str(out)})
    given = {"EVENTS_STORE": str(store), "EVENTS_PUBLISHER": publisher, "WARMUP": "false"}
    with running(tmp_path, **given) as server:
        headers = {**AUTH, "X-Request-ID": "asked-1"}
        answer = httpx.post(f"{server.url}/simulate", json=SMALL, headers=headers, timeout=120)
        assert answer.status_code == 200
        _wait(lambda: server.metric("mfn_outbox_pending") == 1)
        (tmp_path / "missing").unlink()
        _wait(lambda: server.metric("mfn_outbox_pending") == 0)
    [event] = [json.loads(line) for line in out.read_text().splitlines()]
    assert (event["subject"], event["type"]) == ("asked-1", "net.mycelium.mfn.simulation.completed.v1")
    assert event["data"] == answer.json()
    kept = EventStore(store)
    assert [item.state for item in kept.select()] == ["sent"]
    kept.close()


def test_a_publisher_that_cannot_be_read_is_named(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("MFN_EVENTS_PUBLISHER", "{planted")
    assert main(["config", "check"]) == 2
    told = capsys.readouterr().err
    assert "MFN_EVENTS_PUBLISHER" in told
    assert "planted" not in told


def _wait(found: Callable[[], bool]) -> None:
    end = time.monotonic() + 90
    while time.monotonic() < end:
        if found():
            return
        time.sleep(0.05)
    raise AssertionError("it did not happen in time")
