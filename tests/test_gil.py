from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

from mycelium_fractal_net._gil import lazy


class Meeting:
    """Something whose property is found only if another thread looks for that of another object."""

    def __init__(self, barrier: threading.Barrier) -> None:
        self.barrier = barrier
        self.calls = 0

    @lazy
    def place(self) -> int:
        """Where they meet."""
        self.calls += 1
        return self.barrier.wait(120)


def test_two_threads_compute_the_property_of_two_objects_at_the_same_time() -> None:
    barrier = threading.Barrier(2)
    with ThreadPoolExecutor(2) as pool:
        places = pool.map(lambda meeting: meeting.place, [Meeting(barrier), Meeting(barrier)])
    assert sorted(places) == [0, 1]


def test_a_lazy_property_is_computed_once() -> None:
    meeting = Meeting(threading.Barrier(1))
    assert (meeting.place, meeting.place, meeting.calls) == (0, 0, 1)


def test_a_lazy_property_keeps_its_description() -> None:
    assert Meeting.place.__doc__ == "Where they meet."
