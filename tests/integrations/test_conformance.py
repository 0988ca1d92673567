"""What every source and every publisher has to do, against real brokers."""

from __future__ import annotations

import asyncio
import hashlib
import json
from collections import Counter
from collections.abc import AsyncIterator, Callable, Coroutine
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from mycelium_fractal_net.integrations import (
    ConnectionFailedError,
    Event,
    Job,
    JobRefusedError,
    Worker,
    make_publisher,
    make_source,
    read_job,
)
from tests.integrations.place import Place
from tests.integrations.places import PLACES

TYPE = "net.mycelium.mfn.simulation.completed.v1"
DEADLINE_S = 60

_SLOW = {"kafka-mock": [pytest.mark.long]}  # it waits for seconds before it gives a group its partitions
KINDS = pytest.mark.parametrize("kind", [pytest.param(kind, marks=_SLOW.get(kind, [])) for kind in sorted(PLACES)])
pytestmark = pytest.mark.anyio


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture
async def place(kind: str, tmp_path: Path) -> AsyncIterator[Place]:
    made = PLACES[kind](tmp_path)
    await made.start()
    yield made
    await made.close()


class Seen:
    """What a worker told."""

    def __init__(self) -> None:
        self.counts: Counter[str] = Counter()

    def happened(self, what: str, **_facts: Any) -> None:
        self.counts[what] += 1


def body(number: int, **more: Any) -> bytes:
    request = {"n": number, **more}
    return json.dumps({"id": f"job-{number}", "operation": "simulate", "request": request}, ensure_ascii=False).encode()


async def compute(job: Job) -> Event:
    if job.request.get("poison"):
        raise JobRefusedError({"code": "VALIDATION_ERROR", "message": "as asked"})
    await asyncio.sleep(0)
    data = json.dumps(job.request, ensure_ascii=False).encode()
    return Event(hashlib.sha256(job.id.encode() + data).hexdigest(), TYPE, job.id, data, job.key)


def worker_of(place: Place, seen: Seen, run: Any = compute, **options: Any) -> Worker:
    dead = {"kind": "file", "path": str(place.directory / "dead.jsonl")}
    makers = [partial(make_source, place.source), partial(make_publisher, place.sink), partial(make_publisher, dead)]
    return Worker(makers[0], makers[1], makers[2], run, seen, first_wait_s=0.05, **options)  # type: ignore[arg-type]


async def until(found: Callable[[], Coroutine[Any, Any, bool]]) -> None:
    async with asyncio.timeout(DEADLINE_S):
        while not await found():
            await asyncio.sleep(0.05)


async def subjects(place: Place) -> list[str]:
    return [json.loads(event)["subject"] for event in await place.events()]


async def run_until(worker: Worker, found: Callable[[], Coroutine[Any, Any, bool]]) -> None:
    running = asyncio.create_task(worker.run())
    try:
        await until(found)
    finally:
        worker.stop(30)
        await running


@KINDS
async def test_every_job_ends_in_its_event_and_poison_in_the_dead_letters(place: Place) -> None:
    seen = Seen()
    bodies = [body(number) for number in range(20)]
    bodies[5], bodies[11] = body(5, poison=True), b"no job at all"
    await place.put(bodies)

    async def all_done() -> bool:
        return len(await subjects(place)) >= 18 and seen.counts["published"] >= 20

    await run_until(worker_of(place, seen), all_done)
    assert sorted(set(await subjects(place))) == sorted(
        f"job-{number}" for number in range(20) if number not in {5, 11}
    )
    dead = [json.loads(line)["data"] for line in (place.directory / "dead.jsonl").read_bytes().splitlines()]
    assert sorted(letter["reason"]["code"] for letter in dead) == ["INVALID_INPUT", "VALIDATION_ERROR"]
    assert {"attempts", "headers", "body"} <= set(dead[0])


@KINDS
async def test_what_was_not_acknowledged_comes_again_with_the_same_bits(place: Place) -> None:
    await place.put([body(number) for number in range(4)])
    seen, first = Seen(), make_source(place.source)
    async with asyncio.timeout(DEADLINE_S):
        stream = first.deliveries()
        taken = [await anext(stream)]
    publisher = make_publisher(place.sink)
    await publisher.publish(await compute(read_job(taken[0].body)))
    await publisher.close()
    await stream.aclose()  # type: ignore[attr-defined] # a generator, as of all of ours
    await first.close()  # published, and the process ends before it can acknowledge

    async def all_done() -> bool:
        return set(await subjects(place)) == {f"job-{number}" for number in range(4)} and seen.counts["published"] >= 4

    await run_until(worker_of(place, seen), all_done)
    by_id: dict[str, set[bytes]] = {}
    for event in await place.events():
        by_id.setdefault(json.loads(event)["id"], set()).add(event.strip())
    assert len(by_id) == 4
    assert all(len(bits) == 1 for bits in by_id.values())


@KINDS
async def test_jobs_of_a_key_keep_their_order(place: Place) -> None:
    seen = Seen()
    bodies = [
        json.dumps({"id": f"job-{n}", "operation": "simulate", "request": {}, "key": f"k{n % 2}"}).encode()
        for n in range(12)
    ]
    await place.put(bodies)

    async def uneven(job: Job) -> Event:
        await asyncio.sleep(0.02 if int(job.id[4:]) % 3 == 0 else 0.0)
        return await compute(job)

    async def all_done() -> bool:
        return len(await subjects(place)) >= 12

    await run_until(worker_of(place, seen, uneven), all_done)
    for parity in (0, 1):
        order = [int(text[4:]) for text in await subjects(place) if int(text[4:]) % 2 == parity]
        assert order == sorted(order)


@KINDS
async def test_unicode_and_a_mebibyte_arrive_as_they_are(place: Place) -> None:
    seen = Seen()
    text = "Ж" * 500_000
    await place.put([body(1, text=text)])

    async def done() -> bool:
        return bool(await place.events())

    await run_until(worker_of(place, seen), done)
    assert json.loads((await place.events())[0])["data"]["text"] == text


@KINDS
async def test_a_sink_that_is_away_stops_the_source_and_nothing_is_lost(place: Place) -> None:
    seen, away = Seen(), True
    await place.put([body(number) for number in range(30)])
    worker = worker_of(place, seen, max_in_flight=3)
    real = worker._results.publish

    async def publish(event: Event) -> None:
        if away:
            raise ConnectionFailedError("away")
        await real(event)

    worker._results.publish = publish  # type: ignore[method-assign]
    running = asyncio.create_task(worker.run())

    async def tried() -> bool:
        return seen.counts["retried"] > 6

    await until(tried)
    assert seen.counts["received"] == 3
    assert worker.in_flight == 3
    away = False

    async def all_done() -> bool:
        return len(set(await subjects(place))) == 30

    await until(all_done)
    worker.stop(30)
    await running


@pytest.mark.slow
@KINDS
async def test_shutdown_under_load_loses_nothing(place: Place) -> None:
    seen = Seen()
    await place.put([body(number) for number in range(60)])

    async def slow(job: Job) -> Event:
        await asyncio.sleep(0.01)
        return await compute(job)

    async def some() -> bool:
        return seen.counts["published"] >= 10

    await run_until(worker_of(place, seen, slow), some)

    async def all_done() -> bool:
        return len(set(await subjects(place))) == 60

    await run_until(worker_of(place, seen, slow), all_done)
    assert set(await subjects(place)) == {f"job-{number}" for number in range(60)}
