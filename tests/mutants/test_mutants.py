"""The mutation run itself works; it takes many minutes and is ``make mutants``."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.mutants.__main__ import BEGIN, END, PACKAGE, ROOT, SURVIVED, killer, main, planted
from tests.mutants.catalogue import MUTANTS, Mutant

_HARMLESS = Mutant(
    "harmless", "biophysics/stdp.py", "trace_pre += counts_pre[step]", "trace_pre += 1.0 * counts_pre[step]",
    "tests/biophysics/test_stdp.py::test_trains_follow_the_window_with_time_constants_of_their_own",
)  # fmt: skip


@pytest.mark.parametrize("mutant", MUTANTS, ids=[mutant.name for mutant in MUTANTS])
def test_every_mutant_can_be_planted_and_is_code(mutant: Mutant) -> None:
    text = (ROOT / PACKAGE / mutant.file).read_text(encoding="utf-8")
    assert text.count(mutant.old) == 1
    compile(text.replace(mutant.old, mutant.new), mutant.file, "exec")
    file, _, test = mutant.test.partition("::")
    name = test.partition("[")[0]
    assert f"def {name}" in (ROOT / file).read_text(encoding="utf-8")


def test_planting_changes_the_copy_alone(tmp_path: Path) -> None:
    mutant = MUTANTS[0]
    source = planted(mutant, tmp_path)
    assert mutant.new in (source / PACKAGE.name / mutant.file).read_text(encoding="utf-8")
    assert mutant.old in (ROOT / PACKAGE / mutant.file).read_text(encoding="utf-8")


def test_a_bug_is_killed_what_is_none_survives_and_a_missing_test_is_no_killer() -> None:
    trace = next(mutant for mutant in MUTANTS if mutant.name == "stdp-trace")
    assert killer(trace, by_checks=False).startswith(trace.test)
    assert killer(_HARMLESS, by_checks=False) == SURVIVED
    with pytest.raises(SystemExit, match="ended with 4"):
        killer(trace._replace(test=f"{trace.test}_or_not"), by_checks=False)


def test_the_page_is_written_from_whole_logs_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    page = tmp_path / "page.md"
    page.write_text(f"above\n{BEGIN}\nold\n{END}\nbelow", encoding="utf-8")
    monkeypatch.setattr("tests.mutants.__main__.PAGE", page)
    logs = [tmp_path / "tests", tmp_path / "checks"]
    lines = [json.dumps([mutant.name, f"{mutant.test}[3]"]) for mutant in MUTANTS]
    logs[0].write_text("\n".join(lines))
    logs[1].write_text("\n".join(lines[1:]))
    arguments = ["--write", *map(str, logs)]
    with pytest.raises(SystemExit, match=f"not run yet: {MUTANTS[0].name}$"):
        main(arguments)
    logs[1].write_text("\n".join([json.dumps([MUTANTS[0].name, SURVIVED]), *lines[1:]]))
    assert main(arguments) == 0
    assert f"tests kill 100%, the checks {1 - 1 / len(MUTANTS):.0%}" in page.read_text()
    first, test = MUTANTS[0], MUTANTS[0].test.partition("::")[2]
    assert f"| {first.name} | `{first.file}` | {test} | none |" in page.read_text()
