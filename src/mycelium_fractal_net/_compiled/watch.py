"""Who wants to know that kernels are being compiled, and how long that takes about."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache

__all__ = ["Announcement", "Watch", "expecting", "loaded", "notify", "watching"]

_logger = logging.getLogger("mycelium_fractal_net")
_SECONDS = {"advance_whole": 8.5, "advance_tiles": 11.0, "_summarise": 16.0, "cover_counts": 5.5, "play": 1.0}
_OTHERS_SECONDS = 0.9
_WORTH_A_WORD_S = 2.0
_LOOPS, _LOOPS_S = 1_000_000, 0.031  # how long so many turns take where the seconds were measured

Watch = Callable[["Announcement"], object]


class Announcement:
    """Say that compilation begins, goes on (between two functions) or ends.

    Attributes
    ----------
    state : str
        "begins", "continues" or "ends".
    seconds : float
        About how long all of it takes on this machine as loaded as it is now.
    told : bool
        Whether an earlier announcement has counted it in.
    """

    def __init__(self, state: str, seconds: float, *, told: bool = True) -> None:
        self.state = state
        self.seconds = seconds
        self.told = told

    def __str__(self) -> str:
        return f"compiling kernels, once, about {max(1, round(self.seconds))} s"


_watches: list[Watch] = []
_expected: set[str] = set()
_told: set[str] = set()
_last_told_s = 0.0


@contextmanager
def watching(watch: Watch) -> Iterator[None]:
    """Call ``watch`` for what is compiled meanwhile, in the thread that compiles; what it raises stops it."""
    _watches.append(watch)
    try:
        yield
    finally:
        _watches.remove(watch)


@contextmanager
def expecting(*kernels: str) -> Iterator[None]:
    """Name kernels that will be needed one after the other; if one is compiled, the time told is that of all."""
    _expected.update(kernels)
    try:
        yield
    finally:
        _expected.difference_update(kernels)


def loaded(kernel: str) -> None:
    """Take back an expectation: the machine code was there."""
    _expected.discard(kernel)


def notify(state: str, kernel: str) -> None:
    """Tell the watches; called by the compiler, which is in one thread at a time."""
    global _last_told_s
    told = True
    if state == "begins" and kernel not in _told:
        names = _expected | {kernel} if kernel in _expected else {kernel}
        seconds = sum(_SECONDS.get(name, _OTHERS_SECONDS) for name in names) * _slowness()
        if seconds >= _WORTH_A_WORD_S:
            told, _last_told_s = False, seconds
            _told.update(names)
            _logger.info("%s", Announcement(state, seconds))
    for watch in tuple(_watches):
        watch(Announcement(state, _last_told_s, told=told))


@cache
def _slowness() -> float:
    """Return how much slower this machine is, as loaded as it is, than the one on which the seconds were measured."""
    begin = time.perf_counter()
    for _ in range(_LOOPS):
        pass
    return max(0.3, (time.perf_counter() - begin) / _LOOPS_S)
