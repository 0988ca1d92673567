"""Workers that are killed with -9 lose nothing; ``python -m tests.integrations.kills`` prints the table."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from tests.integrations.kills import BROKER_PAIRS, PAIRS, run_broker, run_pair


@pytest.mark.slow
def test_a_worker_that_is_killed_loses_nothing_and_repeats_the_same_bits(tmp_path: Path) -> None:
    found = asyncio.run(run_pair("redis", "file", 120, 2, tmp_path))
    assert (found.lost, found.conflicts, found.disorder, found.dead) == (0, 0, 0, 1)


@pytest.mark.long
@pytest.mark.parametrize(("source", "sink"), PAIRS)
def test_no_pair_loses_anything_when_workers_are_killed(source: str, sink: str, tmp_path: Path) -> None:
    found = asyncio.run(run_pair(source, sink, 1000, 5, tmp_path))
    assert (found.lost, found.conflicts, found.disorder, found.dead) == (0, 0, 0, 10)


@pytest.mark.long
@pytest.mark.parametrize(("source", "sink"), BROKER_PAIRS)
def test_nothing_is_lost_when_brokers_are_killed(source: str, sink: str, tmp_path: Path) -> None:
    found = asyncio.run(run_broker(source, sink, 1000, 5, tmp_path))
    assert (found.lost, found.conflicts, found.dead) == (0, 0, 10)
