from __future__ import annotations

import asyncio
import threading
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

    def departure(self, tell: Callable[[], object]) -> Callable[[], object]:
        self.listeners.add(tell)
        return partial(self.listeners.discard, tell)

    def leave(self) -> None:
        for tell in list(self.listeners):
            tell()


def _until_cancelled(cancel: threading.Event) -> None:
    cancel.wait(20)
    raise CancelledError("stopped")


async def _settle() -> None:
    for _ in range(20):
        await asyncio.sleep(0.005)


@pytest.mark.anyio
async def test_a_full_queue_refuses_at_once_and_says_when_to_return(metrics: Metrics) -> None:
    compute, gate = Compute(1, 1, metrics), threading.Event()
    jobs = [asyncio.create_task(compute.run(lambda _: gate.wait(20))) for _ in range(2)]
    await _settle()
    assert (_value(metrics, "mfn_compute_queue_depth"), _value(metrics, "mfn_compute_threads_busy")) == (1, 1)
    with pytest.raises(ServiceError, match="1 compute threads are busy and 1 requests wait") as caught:
        await compute.run(lambda _: None)
    assert caught.value.refusal == "QUEUE_FULL"
    assert caught.value.headers["Retry-After"] == "2"
    gate.set()
    assert await asyncio.gather(*jobs) == [True, True]
    assert (_value(metrics, "mfn_compute_queue_depth"), _value(metrics, "mfn_compute_threads_busy")) == (0, 0)
    assert _value(metrics, "mfn_compute_refused_total") == 1
    assert compute.idle
    compute.close()


@pytest.mark.anyio
async def test_retry_after_follows_the_measured_durations(metrics: Metrics) -> None:
    compute = Compute(2, 8, metrics)
    compute._mean_s = 10.0
    compute.waiting = 3
    assert compute.retry_after_s() == 20
    compute._mean_s = 0.001
    assert compute.retry_after_s() == 1
    compute.close()


@pytest.mark.anyio
async def test_a_running_computation_stops_when_its_caller_leaves(metrics: Metrics) -> None:
    compute, caller = Compute(1, 1, metrics), _Caller()
    job = asyncio.create_task(compute.run(_until_cancelled, departure=caller.departure))
    await _settle()
    caller.leave()
    with pytest.raises(ServiceError, match="left before the answer"):
        await job
    assert _value(metrics, "mfn_compute_cancelled_total") == 1
    assert compute.idle
    compute.close()


@pytest.mark.anyio
async def test_a_waiting_computation_never_starts_when_its_caller_leaves(metrics: Metrics) -> None:
    compute, gate, caller = Compute(1, 1, metrics), threading.Event(), _Caller()
    started: list[bool] = []
    first = asyncio.create_task(compute.run(lambda _: gate.wait(20)))
    second = asyncio.create_task(compute.run(lambda _: started.append(True), departure=caller.departure))
    await _settle()
    caller.leave()
    with pytest.raises(ServiceError, match="left before the answer"):
        await second
    gate.set()
    assert await first
    assert started == []
    compute.close()


@pytest.mark.anyio
@pytest.mark.parametrize("watched", [True, False])
async def test_a_cancelled_task_stops_its_thread(metrics: Metrics, watched: bool) -> None:
    compute = Compute(1, 0, metrics)
    departure = _Caller().departure if watched else None
    job = asyncio.create_task(compute.run(_until_cancelled, departure=departure))
    await _settle()
    job.cancel()
    with pytest.raises(asyncio.CancelledError):
        await job
    assert compute.idle
    assert _value(metrics, "mfn_compute_threads_busy") == 0
    compute.close()


@pytest.mark.anyio
async def test_errors_of_a_computation_reach_its_caller(metrics: Metrics) -> None:
    def fail(_: threading.Event) -> None:
        raise ValueError("no")

    compute, caller = Compute(1, 0, metrics), _Caller()
    with pytest.raises(ValueError, match="no"):
        await compute.run(fail, departure=caller.departure)
    assert compute.idle
    assert not caller.listeners
    compute.close()


@pytest.mark.anyio
async def test_draining_finishes_what_was_accepted_and_refuses_the_rest(metrics: Metrics) -> None:
    compute, gate = Compute(1, 1, metrics), threading.Event()
    jobs = [asyncio.create_task(compute.run(lambda _: gate.wait(20))) for _ in range(2)]
    await _settle()
    compute.draining = True
    with pytest.raises(ServiceError, match="shutting down"):
        await compute.run(lambda _: None)
    gate.set()
    assert await asyncio.gather(*jobs) == [True, True]
    compute.close()


@pytest.mark.anyio
async def test_as_many_run_at_a_time_as_there_are_threads(metrics: Metrics) -> None:
    compute, barrier = Compute(3, 0, metrics), threading.Barrier(3)
    indices = await asyncio.gather(*(compute.run(lambda _: barrier.wait(20)) for _ in range(3)))
    assert sorted(indices) == [0, 1, 2]
    compute.close()


@pytest.mark.anyio
async def test_a_waiting_computation_starts_while_the_event_loop_is_busy(metrics: Metrics) -> None:
    compute, gate, began = Compute(1, 1, metrics), threading.Event(), threading.Event()
    first = asyncio.create_task(compute.run(lambda _: gate.wait(20)))
    second = asyncio.create_task(compute.run(lambda _: began.set()))
    await _settle()
    gate.set()
    assert began.wait(20)  # and nothing else may run on the event loop
    await asyncio.gather(first, second)
    compute.close()


@pytest.mark.anyio
async def test_an_abandoned_computation_is_not_waited_for_even_if_it_does_not_stop(metrics: Metrics) -> None:
    compute, gate = Compute(1, 1, metrics), threading.Event()
    jobs = [asyncio.create_task(compute.run(lambda _: gate.wait(20))) for _ in range(2)]
    await _settle()
    compute.abandon()
    for job in jobs:
        with pytest.raises(ServiceError, match="shutting down"):
            await job
    assert compute.idle
    gate.set()
    compute.close()


@pytest.mark.anyio
async def test_abandoning_cancels_what_runs(metrics: Metrics) -> None:
    compute, seen = Compute(1, 0, metrics), threading.Event()

    def work(cancel: threading.Event) -> None:
        if cancel.wait(20):
            seen.set()

    job = asyncio.create_task(compute.run(work))
    await _settle()
    compute.abandon()
    with pytest.raises(ServiceError, match="shutting down"):
        await job
    assert seen.wait(20)
    compute.close()


@pytest.mark.anyio
async def test_the_wait_for_a_thread_is_measured(metrics: Metrics) -> None:
    compute, gate = Compute(1, 1, metrics), threading.Event()
    jobs = [asyncio.create_task(compute.run(lambda _: gate.wait(20))) for _ in range(2)]
    await _settle()
    gate.set()
    await asyncio.gather(*jobs)
    assert _value(metrics, "mfn_compute_queue_wait_seconds_count") == 2
    assert _value(metrics, "mfn_compute_queue_wait_seconds_sum") > 0.05
    compute.close()
