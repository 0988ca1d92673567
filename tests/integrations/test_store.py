"""The outbox and dead letters: what is kept, what is sent, what is sent again."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from mycelium_fractal_net.cli import main
from mycelium_fractal_net.errors import ConfigurationError, InvalidInputError
from mycelium_fractal_net.integrations import (
    ConnectionFailedError,
    Delivery,
    Event,
    EventStore,
    Job,
    PublishRefusedError,
    Relay,
    back_to,
    job_event,
    make_publisher,
    read_job,
)
from mycelium_fractal_net.integrations.worker import failure_of


def event(number: int, key: str = "") -> Event:
    return Event(f"id-{number}", "t", f"job-{number}", json.dumps({"n": number}).encode(), key)


def quiet(_what: str, **_facts: object) -> None:
    return


class Sink:
    """A publisher that does what it is told."""

    def __init__(self, decide: Callable[[Event], object]) -> None:
        self.decide, self.taken = decide, []  # type: ignore[var-annotated]

    async def publish(self, event: Event) -> None:
        self.decide(event)
        self.taken.append(event.id)

    async def close(self) -> None:
        return


def flush(store: EventStore, sink: Sink) -> bool:
    return asyncio.run(Relay(store, lambda: sink, quiet).flush())


def test_an_event_is_kept_once_and_survives_closing(tmp_path: Path) -> None:
    store = EventStore(tmp_path / "events.db")
    assert store.add(event(1))
    assert not store.add(event(1))
    store.close()
    again = EventStore(tmp_path / "events.db")
    assert [item.event for item in again.select("pending")] == [event(1)]
    assert again.oldest_age_s("pending") >= 0
    assert again.oldest_age_s("dead") == 0
    again.close()


def test_an_event_is_sent_only_after_the_sink_has_confirmed(tmp_path: Path) -> None:
    store = EventStore(tmp_path / "events.db")
    for number in range(200):
        store.add(event(number, key=f"k{number % 3}"))

    def away(_event: Event) -> None:
        raise ConnectionFailedError("away")

    assert not flush(store, Sink(away))
    assert store.count("sent") == 0
    seen: list[int] = []

    def dies_once(event: Event) -> None:
        if event.id == "id-100" and len(seen) < 1:
            seen.append(1)
            raise ConnectionFailedError("gone")

    sink = Sink(dies_once)
    assert not flush(store, sink)
    assert store.count("sent") < 200
    assert flush(store, sink)
    assert store.count("sent") == 200
    for key in range(3):
        order = [int(text[3:]) for text in dict.fromkeys(sink.taken) if int(text[3:]) % 3 == key]
        assert order == sorted(order)
    store.close()


def test_what_the_sink_will_never_take_is_dead_with_its_reason_and_can_be_sent_again(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "events.db"
    store = EventStore(path)
    store.add(event(1))
    store.add(event(2))

    def refuses(event: Event) -> None:
        if event.id == "id-1":
            raise PublishRefusedError("too long")

    assert flush(store, Sink(refuses))
    assert [(item.state, item.reason) for item in store.select("dead")] == [("dead", "too long")]
    assert main(["events", "list", "--store", str(path), "--state", "dead", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)[0]["reason"] == "too long"
    assert main(["events", "replay", "--store", str(path), "--dead"]) == 0
    assert store.count("pending") == 1
    assert flush(store, Sink(lambda _: None))
    assert store.count("sent") == 2
    capsys.readouterr()
    assert main(["events", "tail", "--store", str(path), "--no-follow"]) == 0
    assert [json.loads(line)["id"] for line in capsys.readouterr().out.splitlines()] == ["id-1", "id-2"]
    assert store.forget(1e12) == 2
    store.close()


@pytest.mark.parametrize("arguments", [["replay"], ["replay", "x", "--dead"], ["replay", "nobody"]])
def test_events_to_replay_must_be_named_and_be_there(arguments: list[str], tmp_path: Path) -> None:
    EventStore(tmp_path / "events.db").close()
    assert main(["events", *arguments, "--store", str(tmp_path / "events.db")]) == 2


def test_a_file_that_is_no_store_is_refused(tmp_path: Path) -> None:
    (tmp_path / "events.db").write_bytes(b"no database at all, just text that is long enough to be looked at")
    with pytest.raises(ConfigurationError, match="cannot use"):
        EventStore(tmp_path / "events.db")


def test_a_failed_job_goes_back_to_where_it_came_from(tmp_path: Path) -> None:
    body = b'{"id": "a", "operation": "simulate", "request": {}}'
    letter = failure_of(Delivery(body), Job("a", "simulate", {}), {"code": "X", "message": "y"}, 1)
    store = make_publisher({"kind": "store", "path": str(tmp_path / "dead.db")})
    asyncio.run(_published(store, letter))
    again = job_event(letter)
    assert read_job(again.structured()) == read_job(body)
    assert EventStore(tmp_path / "dead.db").count("dead") == 1
    with pytest.raises(ConfigurationError, match="cannot be put back"):
        back_to({"kind": "http"})
    with pytest.raises(InvalidInputError, match="not a failed job"):
        job_event(event(1))
    broken = failure_of(Delivery(b"\xff"), Job("", "", {}), {}, 1)
    with pytest.raises(InvalidInputError, match="not JSON"):
        job_event(broken)


async def _published(publisher: Any, letter: Event) -> None:
    await publisher.publish(letter)
    await publisher.close()


def test_dead_letters_go_back_through_the_command_line(tmp_path: Path) -> None:
    from tests.integrations.places import RedisPlace

    place = RedisPlace(tmp_path)
    body = b'{"id": "a", "operation": "simulate", "request": {}}'
    letter = failure_of(Delivery(body), Job("a", "simulate", {}), {"code": "X", "message": "y"}, 1)
    store = EventStore(tmp_path / "dead.db")
    store.add(letter, "dead")
    config = {"source": place.source, "publisher": place.sink, "dead_letters": {"kind": "store", "path": "d"}}
    (tmp_path / "worker.json").write_text(json.dumps(config))
    given = ["--store", str(tmp_path / "dead.db"), "--dead", "--config", str(tmp_path / "worker.json")]
    assert main(["events", "replay", *given]) == 0

    async def entries() -> list[bytes]:
        await place.start()
        found = [fields[b"data"] for _, fields in await place.client.xrange(place.source["stream"])]
        await place.close()
        return found

    assert [read_job(text).id for text in asyncio.run(entries())] == ["a"]
    assert store.count("dead") == 0
    store.close()


def test_a_relay_goes_on_until_it_is_cancelled(tmp_path: Path) -> None:
    store = EventStore(tmp_path / "events.db")
    failures = iter([True, True])

    def sometimes(_event: Event) -> None:
        if next(failures, False):
            raise ConnectionFailedError("away")

    sink = Sink(sometimes)

    async def run() -> None:
        relay = Relay(store, lambda: sink, quiet, first_wait_s=0.01)
        running = asyncio.create_task(relay.run())
        store.add(event(1))
        relay.wake()
        async with asyncio.timeout(60):
            while store.count("sent") < 1:
                await asyncio.sleep(0.01)
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
        await relay.close()

    asyncio.run(run())
    assert sink.taken == ["id-1"]
    store.close()
