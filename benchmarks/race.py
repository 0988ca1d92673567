"""Time rivals side by side: in turns, so that a slow moment of the machine meets all of them, and by medians."""

from __future__ import annotations

import time
from collections.abc import Callable
from statistics import median

Rival = Callable[[], object]


def race(rivals: dict[str, Rival], rounds: int, clock: Callable[[], float] = time.process_time) -> dict[str, float]:
    """Return each rival's median time in seconds over interleaved rounds, after one round that does not count.

    Rivals of one thread are timed in processor seconds, which do not count what other programs take; those of
    several threads need ``time.perf_counter`` and a machine that is otherwise idle.
    """
    times: dict[str, list[float]] = {name: [] for name in rivals}
    for attempt in range(rounds + 1):
        for name, rival in rivals.items():
            begin = clock()
            rival()
            if attempt:
                times[name].append(clock() - begin)
    return {name: median(values) for name, values in times.items()}
