"""Plant bugs one by one and see who notices: ``python -m tests.mutants [--validate] [name ...]``.

Without ``--validate`` the test of each mutant runs, else the scientific checks of ``mfn validate`` alone. With
``--log FILE`` what was found is kept there, and is not run again. Kernels are kept in ``.cache/mutants``, so that only
what has changed is compiled.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from tests.mutants.catalogue import MUTANTS, Mutant

ROOT = Path(__file__).resolve().parents[2]
PACKAGE = Path("src/mycelium_fractal_net")
SHARE = {"tests": 0.95, "validate": 22 / 25}
SURVIVED = ""
PAGE, BEGIN, END = ROOT / "docs" / "validation.md", "<!-- mutants: begin -->", "<!-- mutants: end -->"

_CHECKS = """
import sys
from mycelium_fractal_net.validation.validate import _run
found = next((c.name for c in _run(None) if not c.passed and not c.name.startswith("digest")), None)
if found is not None:
    print("FAILED", found)
    sys.exit(1)
"""


def planted(mutant: Mutant, folder: Path) -> Path:
    """Copy the package into a folder with one line changed, and return what goes on Python's path."""
    source = folder / "src"
    shutil.copytree(ROOT / PACKAGE, source / PACKAGE.name)
    file = source / PACKAGE.name / mutant.file
    text = file.read_text(encoding="utf-8")
    if text.count(mutant.old) != 1:
        raise SystemExit(f"{mutant.name}: {mutant.old!r} stands {text.count(mutant.old)} times in {mutant.file}")
    file.write_text(text.replace(mutant.old, mutant.new), encoding="utf-8")
    return source


def killer(mutant: Mutant, *, by_checks: bool) -> str:
    """Return the test, or the scientific check, that notices; nothing if all pass.

    Only a test that fails counts: what cannot be collected, or a process that ends otherwise, stops the run.
    """
    with tempfile.TemporaryDirectory() as folder:
        path = planted(mutant, Path(folder))
        kept = {name: value for name, value in os.environ.items() if not name.startswith("COV")}  # not of this copy
        environment = kept | {"PYTHONPATH": f"{path}{os.pathsep}{ROOT}", "MFN_CACHE_DIR": str(ROOT / ".cache/mutants")}
        tests = [sys.executable, "-m", "pytest", "-q", "-x", "-n0", "-p", "no:cacheprovider", mutant.test]
        command = [sys.executable, "-c", _CHECKS] if by_checks else tests
        done = subprocess.run(
            command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False, timeout=1800
        )
    failed = [line.removeprefix("FAILED ") for line in done.stdout.splitlines() if line.startswith("FAILED ")]
    if done.returncode not in {0, 1} or bool(failed) != bool(done.returncode):
        raise SystemExit(f"{mutant.name}: {' '.join(command)} ended with {done.returncode}\n{done.stdout}{done.stderr}")
    return failed[0].split(" - ")[0] if failed else SURVIVED


def _known(log: Path | None) -> dict[str, str]:
    if log is None or not log.exists():
        return {}
    return dict(json.loads(line) for line in log.read_text(encoding="utf-8").splitlines())


def _run(chosen: Sequence[Mutant], *, by_checks: bool, log: Path | None) -> dict[str, str]:
    """Return who killed each mutant, as far as the log does not know it."""
    known = _known(log)
    for mutant in chosen:
        if mutant.name not in known:
            known[mutant.name] = killer(mutant, by_checks=by_checks)
            if log is not None:
                with log.open("a", encoding="utf-8") as file:
                    file.write(json.dumps([mutant.name, known[mutant.name]]) + "\n")
        print(f"{mutant.name}: {known[mutant.name] or 'SURVIVED'}", flush=True)  # noqa: T201 # a command
    return {mutant.name: known[mutant.name] for mutant in chosen}


def _write(tests: Path, checks: Path) -> int:
    """Put a table of who kills what on the page, and return 1 if too many survive."""
    found = {name: _known(log) for name, log in (("tests", tests), ("validate", checks))}
    missing = [mutant.name for mutant in MUTANTS if not all(mutant.name in known for known in found.values())]
    if missing:
        raise SystemExit(f"not run yet: {', '.join(missing)}")
    shares = {name: sum(known[m.name] != SURVIVED for m in MUTANTS) / len(MUTANTS) for name, known in found.items()}
    head = f"Of {len(MUTANTS)} mutants the tests kill {shares['tests']:.0%}, the checks {shares['validate']:.0%}.\n\n"
    rows = ["| mutant | in | test that kills it | check that does |", "|---|---|---|---|"]
    for m in MUTANTS:
        test, check = (known[m.name] or "none" for known in found.values())
        rows.append(f"| {m.name} | `{m.file}` | {test.rpartition('::')[2].partition('[')[0]} | {check} |")
    before, rest = PAGE.read_text(encoding="utf-8").split(BEGIN)
    table = "\n".join(rows)
    PAGE.write_text(f"{before}{BEGIN}\n{head}{table}\n{END}{rest.split(END)[1]}", encoding="utf-8")
    return int(any(shares[name] < SHARE[name] for name in shares))


def main(arguments: Sequence[str] | None = None) -> int:
    """Run what is asked for, print who survived, and return 1 if too many did."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*", help="of mutants; all by default")
    parser.add_argument("--validate", action="store_true", help="let the scientific checks find the bugs")
    parser.add_argument("--log", type=Path, help="keep results in this file, and do not run what it holds")
    parser.add_argument("--write", type=Path, nargs=2, metavar=("TESTS", "CHECKS"), help="put two logs on the page")
    asked = parser.parse_args(arguments)
    if asked.write:
        return _write(*asked.write)
    chosen = [mutant for mutant in MUTANTS if not asked.names or mutant.name in asked.names]
    killers = _run(chosen, by_checks=asked.validate, log=asked.log)
    survivors = [name for name, found in killers.items() if found == SURVIVED]
    share = 1.0 - len(survivors) / len(chosen)
    print(f"{share:.1%} of {len(chosen)} killed; survivors: {', '.join(survivors) or 'none'}")  # noqa: T201
    return int(share < SHARE["validate" if asked.validate else "tests"])


if __name__ == "__main__":
    raise SystemExit(main())
