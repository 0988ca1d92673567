"""Run compiled loops on all cores, and stop them; what is computed never depends on how many cores there are."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from contextvars import ContextVar

import numpy as np

from mycelium_fractal_net._checks import available_cores
from mycelium_fractal_net.errors import CancelledError

__all__ = ["cancellable", "in_blocks", "in_turns", "stop_if_cancelled", "stretches", "worker_pool"]

_SMALLEST_PARALLEL = 1 << 22
_STRETCH = 1 << 19
_TURN = 1 << 22
_worker = threading.local()

# A context, because rules and pre-aggregations of anybody's making stand between the caller and the loops.
_cancel: ContextVar[threading.Event | None] = ContextVar("cancel", default=None)


@contextmanager
def cancellable(cancel: threading.Event | None) -> Iterator[None]:
    """Let an event stop what runs inside."""
    token = _cancel.set(cancel)
    try:
        yield
    finally:
        _cancel.reset(token)


def stop_if_cancelled() -> None:
    """Raise CancelledError if the event is set."""
    cancel = _cancel.get()
    if cancel is not None and cancel.is_set():
        raise CancelledError("cancelled during the aggregation")


def stretches(length: int, work: int, grain: int = 1) -> Iterator[slice]:
    """Cut 0..length so that each stretch takes a few ms, a multiple of ``grain``; look at the event before each.

    Nothing is cut where there is no event.
    """
    step = length
    if _cancel.get() is not None:
        step = -(-max(1, length * _STRETCH // max(work, 1)) // grain) * grain
    for start in range(0, length, max(step, 1)):
        stop_if_cancelled()
        yield slice(start, min(start + step, length))


def in_blocks(block: Callable[[int, int], None], length: int, work: int, grain: int = 1) -> None:
    """Run ``block(start, stop)`` over 0..length, on all cores if there is enough work.

    Of what can be cancelled a block is short, but has a multiple of ``grain``, where less would cost as much.
    """

    def part(start: int, stop: int) -> None:
        for stretch in stretches(stop - start, work * (stop - start) // max(length, 1), grain):
            block(start + stretch.start, start + stretch.stop)

    count = min(available_cores(), length)
    if work < _SMALLEST_PARALLEL or count == 1 or getattr(_worker, "busy", False):
        part(0, length)
        return
    edges = np.linspace(0, length, count + 1).astype(int).tolist()
    with worker_pool(count) as pool:
        list(pool.map(part, edges[:-1], edges[1:]))


def in_turns(task: Callable[[int, int], None], turns: int, work: int) -> None:
    """Run ``task(turn, turns)`` for every turn, on as many threads if there is enough work, else once.

    What can be cancelled has more turns, which threads take one after the other.
    """
    alone = work < _SMALLEST_PARALLEL or turns == 1 or getattr(_worker, "busy", False)
    threads = 1 if alone else turns
    rounds = 1 if _cancel.get() is None else max(1, work // (threads * _TURN))

    def share(thread: int) -> None:
        for turn in range(thread, threads * rounds, threads):
            stop_if_cancelled()
            task(turn, threads * rounds)

    if alone:
        share(0)
        return
    with worker_pool(turns) as pool:
        list(pool.map(share, range(turns)))


def worker_pool(count: int) -> ThreadPoolExecutor:
    """Make a pool whose threads do not start threads of their own, and stop when this one is to."""
    cancel = _cancel.get()

    def begin() -> None:
        _worker.busy = True
        _cancel.set(cancel)

    return ThreadPoolExecutor(count, initializer=begin)
