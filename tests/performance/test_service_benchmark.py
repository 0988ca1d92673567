from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks import benchmark_streams
from benchmarks.benchmark_service import BEGIN, END, PAGE, QUICK, Engine, Job, Pair, write

needs_wrk = pytest.mark.skipif(not shutil.which("wrk") and not os.environ.get("CI"), reason="wrk is not installed")


@pytest.mark.long
@needs_wrk
def test_the_benchmark_of_the_service_prints_its_tables() -> None:
    command = [sys.executable, "-m", "benchmarks.benchmark_service", "--quick", "nernst", "cancel"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=900)
    assert done.returncode == 0, done.stderr
    rows = [line for line in done.stdout.splitlines() if line.startswith("| ")]
    assert len(rows) == 6  # of each of the two tables the head, a rule and a row


@pytest.mark.long
@needs_wrk
def test_the_benchmark_of_streams_prints_its_tables() -> None:
    command = [sys.executable, "-m", "benchmarks.benchmark_streams", "--quick"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=900)
    assert done.returncode == 0, done.stderr
    headings = [line for line in done.stdout.splitlines() if line.startswith("### ")]
    assert headings == [f"### {heading}" for heading, _ in benchmark_streams.PARTS.values()]


def test_the_tables_replace_what_stands_between_the_markers(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text(f"before\n{BEGIN}\nold\n{END}\nafter\n", encoding="utf-8")
    write("new", page)
    assert page.read_text(encoding="utf-8") == f"before\n{BEGIN}\nnew\n{END}\nafter\n"


def test_the_page_has_the_markers_once() -> None:
    text = PAGE.read_text(encoding="utf-8")
    marks = (BEGIN, END, benchmark_streams.BEGIN, benchmark_streams.END)
    assert [text.count(mark) for mark in marks] == [1] * 4


def test_a_pair_is_judged_by_the_median_of_its_rounds() -> None:
    pair = Pair("it", [1.0, 8.0, 3.0], [2.0, 2.0, 4.0], "a second", "other", aim=0.8)
    assert pair.ratio == 0.75
    assert pair.row()[2:] == ["0.75 (0.62 to 2.38)", "at least 0.8", "no"]


def test_the_engine_answers_turn_after_turn() -> None:
    effort = QUICK._replace(seconds=0.05)
    with Engine() as engine:
        rates = [engine.rate(Job(side, 8, one_seed), effort) for side in (16, 64) for one_seed in (True, False)]
    assert all(rate > 0 for rate in rates)
