from __future__ import annotations

import subprocess
import sys

import pytest

from mycelium_fractal_net.service.core.errors import ServiceError
from mycelium_fractal_net.service.core.memory import MemoryBudget
from mycelium_fractal_net.service.settings import load_settings


def test_what_is_released_can_be_held_again() -> None:
    budget = MemoryBudget(1_000)
    for _ in range(3):
        with budget.hold(600) as held:
            held.grow(400)
            assert budget.used == 1_000
        assert budget.used == 0


def test_more_than_is_left_is_refused_and_nothing_is_taken() -> None:
    budget = MemoryBudget(1_000, lambda: 7)
    first = budget.hold(700)
    with pytest.raises(ServiceError, match=r"other requests are using the memory .* try again in 7 s") as caught:
        budget.hold(301)
    assert caught.value.refusal == "SERVICE_UNAVAILABLE"
    assert budget.used == 700
    budget.hold(200)
    with pytest.raises(ServiceError, match="other requests are using"):
        first.grow(101)
    assert (first.size, budget.used) == (700, 900)


def test_more_than_there_ever_is_will_not_fit_later_either() -> None:
    budget = MemoryBudget(1_000)
    with pytest.raises(
        ServiceError, match=r"needs 1,001 bytes of memory, more than .* 1,000 \(MFN_MAX_MEMORY_BYTES\)"
    ) as caught:
        budget.hold(1_001)
    assert caught.value.refusal == "PAYLOAD_TOO_LARGE"


def test_less_is_never_refused_and_a_second_release_gives_nothing_back() -> None:
    budget = MemoryBudget(1_000)
    held, other = budget.hold(800), budget.hold(200)
    held.resize(100)
    assert budget.used == 300
    for _ in range(2):
        held.release()
    assert (budget.used, other.size) == (200, 200)


def test_what_fails_gives_its_memory_back() -> None:
    budget = MemoryBudget(1_000)
    with pytest.raises(ZeroDivisionError), budget.hold(500):
        _ = 1 / 0
    assert budget.used == 0


def test_the_budget_can_be_set() -> None:
    assert load_settings(max_memory_bytes=10_000_000).max_memory_bytes == 10_000_000
    assert load_settings().max_memory_bytes >= 64 * 2**20


def test_large_blocks_go_back_to_the_system_when_they_are_freed() -> None:
    code = """
import re, numpy as np
from mycelium_fractal_net.service.settings.machine import return_large_blocks
return_large_blocks()
def resident_kib():
    return int(re.search(r"RssAnon:\\s+(\\d+)", open("/proc/self/status").read())[1])
for _ in range(3):
    blocks = [np.ones(15 << 17) for _ in range(4)]
    small = [bytes(100_000) for _ in range(4)]
    high = resident_kib()
    del blocks
print(high - resident_kib())
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert int(done.stdout) > 55 * 1024
