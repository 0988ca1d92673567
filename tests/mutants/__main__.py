"""Plant bugs one by one and see who notices: ``python -m tests.mutants [--validate] [name ...]``.

Without ``--validate`` the tests of the mutant's room run, else the scientific checks of ``mfn validate`` alone.
"""

from __future__ import annotations

import argparse
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

_CHECKS = """
import sys
from mycelium_fractal_net.validation.validate import _run
sys.exit(next((c.name for c in _run(None) if not c.passed and not c.name.startswith("digest")), 0))
"""


def planted(mutant: Mutant, folder: Path) -> Path:
    """Copy the package into a folder with one line changed, and return what goes on Python's path."""
    source = folder / "src"
    shutil.copytree(ROOT / PACKAGE, source / PACKAGE.name, ignore=shutil.ignore_patterns("__pycache__"))
    file = source / PACKAGE.name / mutant.file
    text = file.read_text(encoding="utf-8")
    if text.count(mutant.old) != 1:
        raise SystemExit(f"{mutant.name}: {mutant.old!r} stands {text.count(mutant.old)} times in {mutant.file}")
    file.write_text(text.replace(mutant.old, mutant.new), encoding="utf-8")
    return source


def killed(mutant: Mutant, *, by_checks: bool) -> bool:
    """Tell whether the tests, or the scientific checks, notice."""
    with tempfile.TemporaryDirectory() as folder:
        path = planted(mutant, Path(folder))
        kept = {name: value for name, value in os.environ.items() if not name.startswith("COV")}  # not of this copy
        environment = kept | {"PYTHONPATH": f"{path}{os.pathsep}{ROOT}", "NUMBA_CACHE_DIR": f"{folder}/cache"}
        tests = [sys.executable, "-m", "pytest", "-q", "-x", "-p", "no:cacheprovider", *mutant.tests]
        command = [sys.executable, "-c", _CHECKS] if by_checks else tests
        done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, check=False, timeout=1800)
    return done.returncode != 0


def main(arguments: Sequence[str] | None = None) -> int:
    """Run what is asked for, print who survived, and return 1 if too many did."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*", help="of mutants; all by default")
    parser.add_argument("--validate", action="store_true", help="let the scientific checks find the bugs")
    asked = parser.parse_args(arguments)
    chosen = [mutant for mutant in MUTANTS if not asked.names or mutant.name in asked.names]
    survivors = []
    for mutant in chosen:
        found = killed(mutant, by_checks=asked.validate)
        print(f"{'killed  ' if found else 'SURVIVED'} {mutant.name}", flush=True)  # noqa: T201 # a command
        survivors += [] if found else [mutant.name]
    share = 1.0 - len(survivors) / len(chosen)
    print(f"{share:.1%} of {len(chosen)} killed; survivors: {', '.join(survivors) or 'none'}")  # noqa: T201
    return int(share < SHARE["validate" if asked.validate else "tests"])


if __name__ == "__main__":
    raise SystemExit(main())
