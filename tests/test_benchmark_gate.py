"""What the gate of the benchmarks makes of profiles and of times; benchmarks/trials.py shows it at work."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from benchmarks import compare, instructions
from benchmarks.workload import REFERENCE, WORK

PROFILE = """\
# callgrind format
desc: Trigger: Client Request: a piece
ob=(1) /usr/lib/libffi.so.8
fn=(1) ffi_call
0 7
cob=(2) /x/kernels-x86-64-v3.so
cfn=(2) 0x1000
calls=3 0
0 900
ob=(2)
fn=(2)
0 100
+4 20
* 3
+1
cob=(3) /usr/lib/libm.so.6
cfn=(3) exp
calls=1 0
* 40
ob=(3)
fn=(3)
0 40
"""


def test_only_what_happens_inside_the_kernels_is_counted(tmp_path: Path) -> None:
    profile = tmp_path / "callgrind.out.1"
    profile.write_text(PROFILE)
    assert instructions.read(profile, Path("kernels-x86-64-v3.so")) == ("a piece", 123)


def test_a_profile_of_no_piece_is_left_out(tmp_path: Path) -> None:
    profile = tmp_path / "callgrind.out.2"
    profile.write_text(PROFILE.replace("Client Request: a piece", "Program termination"))
    assert instructions.read(profile, Path("kernels-x86-64-v3.so")) is None


def test_a_piece_that_takes_more_or_is_gone_comes_first() -> None:
    verdicts = instructions.compare({"a": 100, "b": 100, "c": 100}, {"a": 100, "b": 106, "new": 5})
    assert [verdict.name for verdict in verdicts] == ["c", "b", "a", "new"]
    assert [verdict.name for verdict in verdicts if verdict.ratio > instructions.MOST] == ["c", "b"]


def test_the_baseline_is_of_the_pieces_that_there_are() -> None:
    blessed = json.loads(instructions.BASELINE.read_text())["instructions"]
    assert set(blessed) == set(WORK) - {REFERENCE}
    assert len(blessed) >= 12
    assert all(value > 100_000 for value in blessed.values())


@pytest.mark.parametrize(("factor", "refused"), [(1.0, False), (1.15, False), (1.3, True)])
def test_the_interval_tells_a_slower_side_from_noise(factor: float, refused: bool) -> None:
    stream = np.random.default_rng(7)
    a, b = stream.lognormal(0.0, 0.1, (2, 40))
    ratio = compare.ratio_of(a.tolist(), (factor * b).tolist())
    assert ratio.low <= ratio.median <= ratio.high
    assert (ratio.low > compare.MOST) is refused
