"""The mutation run itself works; it takes many minutes and is ``make mutants``."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.mutants.__main__ import PACKAGE, ROOT, killed, planted
from tests.mutants.catalogue import MUTANTS, Mutant

_HARMLESS = Mutant(
    "harmless", "biophysics/stdp.py", "trace_pre += counts_pre[step]", "trace_pre += 1.0 * counts_pre[step]",
    ("tests/biophysics/test_stdp.py::test_trains_follow_the_window_with_time_constants_of_their_own",),
)  # fmt: skip


@pytest.mark.parametrize("mutant", MUTANTS, ids=[mutant.name for mutant in MUTANTS])
def test_every_mutant_can_be_planted_and_is_code(mutant: Mutant) -> None:
    text = (ROOT / PACKAGE / mutant.file).read_text(encoding="utf-8")
    assert text.count(mutant.old) == 1
    compile(text.replace(mutant.old, mutant.new), mutant.file, "exec")
    assert all((ROOT / tests).exists() for tests in mutant.tests)


def test_planting_changes_the_copy_alone(tmp_path: Path) -> None:
    mutant = MUTANTS[0]
    source = planted(mutant, tmp_path)
    assert mutant.new in (source / PACKAGE.name / mutant.file).read_text(encoding="utf-8")
    assert mutant.old in (ROOT / PACKAGE / mutant.file).read_text(encoding="utf-8")


def test_a_bug_is_killed_and_what_is_none_survives() -> None:
    trace = next(mutant for mutant in MUTANTS if mutant.name == "stdp-trace")
    assert killed(trace._replace(tests=_HARMLESS.tests), by_checks=False)
    assert not killed(_HARMLESS, by_checks=False)
