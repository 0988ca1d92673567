"""Run compiled loops on all cores; what is computed never depends on how many there are."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import numpy as np

__all__ = ["cores", "in_blocks", "in_turns", "worker_pool"]

_SMALLEST_PARALLEL = 1 << 22
_worker = threading.local()


def cores() -> int:
    """Return how many cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def in_blocks(block: Callable[[int, int], None], length: int, work: int) -> None:
    """Run ``block(start, stop)`` over 0..length, on all cores if there is enough work."""
    count = min(cores(), length)
    if work < _SMALLEST_PARALLEL or count == 1 or getattr(_worker, "busy", False):
        block(0, length)
        return
    edges = np.linspace(0, length, count + 1).astype(int).tolist()
    with worker_pool(count) as pool:
        list(pool.map(block, edges[:-1], edges[1:]))


def in_turns(task: Callable[[int, int], None], turns: int, work: int) -> None:
    """Run ``task(turn, turns)`` for every turn, on as many threads if there is enough work, else once."""
    if work < _SMALLEST_PARALLEL or turns == 1 or getattr(_worker, "busy", False):
        task(0, 1)
        return
    with worker_pool(turns) as pool:
        list(pool.map(task, range(turns), [turns] * turns))


def worker_pool(count: int) -> ThreadPoolExecutor:
    """Make a pool whose threads do not start threads of their own."""
    return ThreadPoolExecutor(count, initializer=lambda: setattr(_worker, "busy", True))
