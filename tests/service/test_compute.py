from __future__ import annotations

import asyncio
import gc
import threading
import time
from collections.abc import Callable
from functools import partial

import pytest

from mycelium_fractal_net.errors import CancelledError
from mycelium_fractal_net.service.core.compute import Compute
from mycelium_fractal_net.service.core.errors import ServiceError
from mycelium_fractal_net.service.settings import load_settings
from mycelium_fractal_net.service.telemetry.metrics import Metrics
from tests.service.helpers import sample


@pytest.fixture
def metrics() -> Metrics:
    return Metrics(load_settings())


def _value(metrics: Metrics, name: str) -> float:
    return sample(metrics.text().decode(), name)


class _Caller:
    """Leaves when it is told to."""

    def __init__(self) -> None:
        self.listeners: set[Callable[[], object]] = set()

    def on_disconnect(self, tell: Callable[[], object]) -> Callable[[], object]:
        self.listeners.add(tell)
        return partial(self.listeners.discard, tell)

    def leave(self) -> None:
        for tell in list(self.listeners):
            tell()


def _until_cancelled(cancel: threading.Event) -> None:
    cancel.wait(120)
    raise CancelledError("stopped")


async def _settle(compute: Compute) -> None:
    """Wait until something runs, and what else was asked for waits."""
    while not compute.running:
        await asyncio.sleep(0.001)
    for _ in range(20):
        await asyncio.sleep(0)


async def _begun(log: list[str]) -> None:
    """Wait until something has begun."""
    while not log:
        await asyncio.sleep(0.005)


@pytest.mark.anyio
async def test_a_full_queue_refuses_at_once_and_says_when_to_return(metrics: Metrics) -> None:
    compute, gate = Compute(1, 1, metrics), threading.Event()
    jobs = [asyncio.create_task(compute.run(lambda _: gate.wait(120))) for _ in range(2)]
    await _settle(compute)
    assert (_value(metrics, "mfn_compute_queue_depth"), _value(metrics, "mfn_compute_threads_busy")) == (1, 1)
    with pytest.raises(ServiceError, match="1 compute threads are busy and 1 requests are waiting") as caught:
        await compute.run(lambda _: None)
    assert caught.value.refusal == "QUEUE_FULL"
    assert caught.value.facts["retry_after_s"] == 1
    gate.set()
    assert await asyncio.gather(*jobs) == [True, True]
    assert (_value(metrics, "mfn_compute_queue_depth"), _value(metrics, "mfn_compute_threads_busy")) == (0, 0)
    assert _value(metrics, "mfn_compute_refused_total") == 1
    assert compute.idle
    compute.close()


@pytest.mark.anyio
async def test_retry_after_follows_the_cost_of_what_runs_and_waits(metrics: Metrics) -> None:
    compute, gate = Compute(1, 2, metrics), threading.Event()
    await compute.run(lambda _: None, cost=1)
    compute._pace.measured("", cost=1_000_000_000, duration_s=100.0)
    jobs = [asyncio.create_task(compute.run(lambda _: gate.wait(120), key=key, cost=10**8)) for key in "abc"]
    await _settle(compute)
    assert 10 <= compute.retry_after_s() <= 11
    assert 20 <= compute.retry_after_s("b") <= 22
    assert 30 <= compute.retry_after_s("c") <= 33
    gate.set()
    await asyncio.gather(*jobs)
    compute.close()


@pytest.mark.anyio
async def test_a_running_computation_stops_when_its_caller_leaves(metrics: Metrics) -> None:
    compute, caller = Compute(1, 1, metrics), _Caller()
    job = asyncio.create_task(compute.run(_until_cancelled, on_disconnect=caller.on_disconnect))
    await _settle(compute)
    caller.leave()
    with pytest.raises(ServiceError, match="client disconnected before the response"):
        await job
    assert _value(metrics, "mfn_compute_cancelled_total") == 1
    assert compute.idle
    compute.close()


@pytest.mark.anyio
async def test_a_waiting_computation_never_starts_when_its_caller_leaves(metrics: Metrics) -> None:
    compute, gate, caller = Compute(1, 1, metrics), threading.Event(), _Caller()
    started: list[bool] = []
    first = asyncio.create_task(compute.run(lambda _: gate.wait(120)))
    second = asyncio.create_task(compute.run(lambda _: started.append(True), on_disconnect=caller.on_disconnect))
    await _settle(compute)
    caller.leave()
    with pytest.raises(ServiceError, match="client disconnected before the response"):
        await second
    gate.set()
    assert await first
    assert started == []
    compute.close()


@pytest.mark.anyio
@pytest.mark.parametrize("watched", [True, False])
async def test_a_cancelled_task_stops_its_thread(metrics: Metrics, watched: bool) -> None:
    compute = Compute(1, 0, metrics)
    on_disconnect = _Caller().on_disconnect if watched else None
    job = asyncio.create_task(compute.run(_until_cancelled, on_disconnect=on_disconnect))
    await _settle(compute)
    job.cancel()
    with pytest.raises(asyncio.CancelledError):
        await job
    assert compute.idle
    assert _value(metrics, "mfn_compute_threads_busy") == 0
    compute.close()
    del job
    gc.collect()  # an outcome that nobody has retrieved fails the test here


@pytest.mark.anyio
async def test_errors_of_a_computation_reach_its_caller(metrics: Metrics) -> None:
    def fail(_: threading.Event) -> None:
        raise ValueError("no")

    compute, caller = Compute(1, 0, metrics), _Caller()
    with pytest.raises(ValueError, match="no"):
        await compute.run(fail, on_disconnect=caller.on_disconnect)
    assert compute.idle
    assert not caller.listeners
    compute.close()


@pytest.mark.anyio
async def test_draining_finishes_what_was_accepted_and_refuses_the_rest(metrics: Metrics) -> None:
    compute, gate = Compute(1, 1, metrics), threading.Event()
    jobs = [asyncio.create_task(compute.run(lambda _: gate.wait(120))) for _ in range(2)]
    await _settle(compute)
    compute.draining = True
    with pytest.raises(ServiceError, match="not accepting requests now"):
        await compute.run(lambda _: None)
    gate.set()
    assert await asyncio.gather(*jobs) == [True, True]
    compute.close()


@pytest.mark.anyio
async def test_as_many_run_at_a_time_as_there_are_threads(metrics: Metrics) -> None:
    compute, barrier = Compute(3, 0, metrics), threading.Barrier(3)
    indices = await asyncio.gather(*(compute.run(lambda _: barrier.wait(120)) for _ in range(3)))
    assert sorted(indices) == [0, 1, 2]
    compute.close()


@pytest.mark.anyio
async def test_a_waiting_computation_starts_while_the_event_loop_is_busy(metrics: Metrics) -> None:
    compute, gate, began = Compute(1, 1, metrics), threading.Event(), threading.Event()
    first = asyncio.create_task(compute.run(lambda _: gate.wait(120)))
    second = asyncio.create_task(compute.run(lambda _: began.set()))
    await _settle(compute)
    gate.set()
    assert began.wait(120)  # and nothing else may run on the event loop
    await asyncio.gather(first, second)
    compute.close()


@pytest.mark.anyio
async def test_an_abandoned_computation_is_not_waited_for_even_if_it_does_not_stop(metrics: Metrics) -> None:
    compute, gate = Compute(1, 1, metrics), threading.Event()
    jobs = [asyncio.create_task(compute.run(lambda _: gate.wait(120))) for _ in range(2)]
    await _settle(compute)
    compute.abandon()
    for job in jobs:
        with pytest.raises(ServiceError, match="not accepting requests now"):
            await job
    assert compute.idle
    gate.set()
    compute.close()


@pytest.mark.anyio
async def test_abandoning_cancels_what_runs(metrics: Metrics) -> None:
    compute, seen = Compute(1, 0, metrics), threading.Event()

    def work(cancel: threading.Event) -> None:
        if cancel.wait(120):
            seen.set()

    job = asyncio.create_task(compute.run(work))
    await _settle(compute)
    compute.abandon()
    with pytest.raises(ServiceError, match="not accepting requests now"):
        await job
    assert seen.wait(120)
    compute.close()


@pytest.mark.anyio
async def test_the_wait_for_a_thread_is_measured(metrics: Metrics) -> None:
    compute, gate = Compute(1, 1, metrics), threading.Event()
    jobs = [asyncio.create_task(compute.run(lambda _: gate.wait(120))) for _ in range(2)]
    await _settle(compute)
    gate.set()
    await asyncio.gather(*jobs)
    assert _value(metrics, "mfn_compute_queue_wait_seconds_count") == 2
    assert _value(metrics, "mfn_compute_queue_wait_seconds_sum") > 0
    compute.close()


def _work_for(seconds: float, log: list[str], name: str) -> Callable[[threading.Event], None]:
    """Return a computation that asks every few milliseconds whether it is cancelled, as all do."""

    def work(cancel: threading.Event) -> None:
        log.append(f"{name} begins")
        spent = 0
        while spent < seconds * 200:
            if cancel.is_set():
                raise CancelledError("stopped")
            time.sleep(0.005)
            spent += 1
        log.append(f"{name} ends")

    return work


@pytest.mark.anyio
async def test_a_key_that_fills_the_queue_shares_it_with_those_that_come(metrics: Metrics) -> None:
    compute, gate = Compute(1, 4, metrics), threading.Event()

    async def ask(key: str, count: int) -> list[asyncio.Task[bool]]:
        jobs = [asyncio.create_task(compute.run(lambda _: gate.wait(120), key=key)) for _ in range(count)]
        await _settle(compute)
        return jobs

    greedy = await ask("greedy", 5)
    with pytest.raises(ServiceError, match="4 requests are waiting"):
        await compute.run(lambda _: None, key="greedy")
    other = await ask("other", 2)
    assert [job.done() for job in greedy] == [False] * 3 + [True] * 2
    third = await ask("third", 1)
    gate.set()
    for late in greedy[2:]:
        with pytest.raises(
            ServiceError, match=r"others are waiting too, so only [321] of yours may wait; try again in"
        ):
            await late
    assert await asyncio.gather(*greedy[:2], *other, *third) == [True] * 5
    assert compute.idle
    compute.close()


@pytest.mark.anyio
async def test_keys_take_turns_whoever_came_first(metrics: Metrics) -> None:
    compute, gate, log = Compute(1, 20, metrics), threading.Event(), list[str]()
    first = asyncio.create_task(compute.run(lambda _: gate.wait(120), key="z"))
    while not compute.running:
        await asyncio.sleep(0.005)
    order = ["a", "a", "a", "b", "b", "c"]
    jobs = [asyncio.create_task(compute.run(_work_for(0, log, key), key=key)) for key in order]
    await _settle(compute)
    gate.set()
    await asyncio.gather(first, *jobs)
    assert [line[0] for line in log[::2]] == ["a", "b", "c", "a", "b", "a"]
    compute.close()


@pytest.mark.anyio
async def test_a_long_computation_lends_its_thread_to_another_key(metrics: Metrics) -> None:
    compute, log = Compute(1, 20, metrics), list[str]()
    long = asyncio.create_task(compute.run(_work_for(0.5, log, "long"), key="a"))
    await _begun(log)
    same = asyncio.create_task(compute.run(_work_for(0.01, log, "same"), key="a"))
    await compute.run(_work_for(0.01, log, "other"), key="b")
    assert log == ["long begins", "other begins", "other ends"]
    await asyncio.gather(long, same)
    assert log[3:] == ["long ends", "same begins", "same ends"]
    compute.close()


@pytest.mark.anyio
async def test_a_lender_gets_as_much_time_as_it_gave(metrics: Metrics) -> None:
    compute, log = Compute(1, 20, metrics), list[str]()
    tasks = [asyncio.create_task(compute.run(_work_for(0.3, log, "a"), key="a"))]
    await _begun(log)
    tasks += [asyncio.create_task(compute.run(_work_for(0.2, log, f"b{index}"), key="b")) for index in range(4)]
    await asyncio.gather(*tasks)
    assert log.index("a ends") < log.index("b3 begins")
    compute.close()


@pytest.mark.anyio
async def test_a_computation_that_takes_too_long_is_stopped_and_says_by_which_setting(metrics: Metrics) -> None:
    compute = Compute(1, 1, metrics, most_s=0.1)
    with pytest.raises(ServiceError, match=r"more than the 0\.1 s .* \(MFN_MAX_COMPUTE_SECONDS\)") as caught:
        await compute.run(_work_for(20, [], "a"))
    assert caught.value.refusal == "COST_LIMIT_EXCEEDED"
    await compute.run(_work_for(0.2, [], "warm-up"), bounded=False)
    compute.close()


@pytest.mark.anyio
async def test_time_that_was_lent_counts_for_the_borrower_alone(metrics: Metrics) -> None:
    compute, log, times = Compute(1, 4, metrics), list[str](), list[float]()

    def timed(work: Callable[[threading.Event], None]) -> Callable[[threading.Event], None]:
        def timed_work(cancel: threading.Event) -> None:
            begin = time.perf_counter()
            work(cancel)
            times.append(time.perf_counter() - begin)

        return timed_work

    lender = asyncio.create_task(compute.run(timed(_work_for(0.3, log, "a")), key="a", kind="a", cost=1))
    await _begun(log)
    await compute.run(timed(_work_for(0.3, log, "b")), key="b", kind="b", cost=1)
    await lender
    borrowed_s, whole_s = times
    assert compute._pace.seconds("a", 1) == pytest.approx(whole_s - borrowed_s, abs=0.2)
    compute.close()


@pytest.mark.anyio
async def test_a_failing_borrower_leaves_the_lender_alone(metrics: Metrics) -> None:
    def fail(_: threading.Event) -> None:
        raise ValueError("no")

    compute, log = Compute(1, 4, metrics), list[str]()
    lender = asyncio.create_task(compute.run(_work_for(0.3, log, "a"), key="a"))
    await _begun(log)
    with pytest.raises(ValueError, match="no"):
        await compute.run(fail, key="b")
    await lender
    assert log == ["a begins", "a ends"]
    assert compute.idle
    compute.close()


@pytest.mark.anyio
async def test_pieces_of_a_stream_wait_however_full_the_queue_is(metrics: Metrics) -> None:
    compute, gate = Compute(1, 0, metrics), threading.Event()
    first = asyncio.create_task(compute.run(lambda _: gate.wait(120), key="a"))
    await _settle(compute)
    lane = compute.lane("a", "stream")
    piece = asyncio.create_task(lane.run(lambda _: "frame"))
    await _settle(compute)
    assert not piece.done()
    gate.set()
    assert await piece == "frame"
    assert await first
    compute.close()


@pytest.mark.anyio
async def test_threads_are_there_from_the_start_and_where_none_can_be_started_the_answer_is_503(
    metrics: Metrics, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(_: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    working, starved = Compute(2, 4, metrics), Compute(2, 4, metrics)
    working.start()
    with monkeypatch.context() as limits:
        limits.setattr(threading.Thread, "start", refuse)
        assert await working.run(lambda _: 1) == 1
        with pytest.raises(ServiceError, match="the limit of processes is reached") as caught:
            await starved.run(lambda _: 1)
        assert (caught.value.refusal, starved.ready, working.ready) == ("SERVICE_UNAVAILABLE", False, True)
        assert (starved.waiting, starved.running, starved.idle) == (0, 0, True)
    assert await starved.run(lambda _: 1) == 1
    for compute in (working, starved):
        compute.close()


@pytest.mark.anyio
async def test_a_computation_that_can_start_no_thread_of_its_own_is_503_and_no_fault(metrics: Metrics) -> None:
    def work(_: threading.Event) -> None:
        raise RuntimeError("can't start new thread")

    compute = Compute(1, 1, metrics)
    with pytest.raises(ServiceError, match="cannot start a thread") as caught:
        await compute.run(work)
    assert (caught.value.refusal, compute.ready) == ("SERVICE_UNAVAILABLE", False)
    compute.close()
