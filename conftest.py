"""Run the examples of README.md and docs/: Python blocks as they stand, and shell lines that call ``mfn``."""

from __future__ import annotations

import io
import os
import shlex
import tempfile
import warnings
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings
from sybil import Example, Sybil
from sybil.parsers.markdown import CodeBlockParser, PythonCodeBlockParser, SkipParser

_HOME = Path.cwd()
collect_ignore_glob = ["docs/conf.py", "docs/_ext/*", "docs/notebooks/*"]  # Sphinx's, and its copies of notebooks

# Elsewhere every run tries new examples; a change is judged by the same ones each time.
settings.register_profile("ci", derandomize=True)
if os.environ.get("CI"):
    settings.load_profile("ci")


@pytest.fixture
def built_in_kinetics(monkeypatch: pytest.MonkeyPatch) -> None:
    """Forget the kinetics that pages and tests have registered in this process."""
    from mycelium_fractal_net.fields.models import _base

    ours = "mycelium_fractal_net.fields.models"
    own = {name: found for name, found in _base._register.items() if (found.function.__module__ or "").startswith(ours)}
    monkeypatch.setattr(_base, "_register", own)


def _enter_scratch(namespace: dict[str, Any]) -> None:
    namespace["__scratch__"] = tempfile.TemporaryDirectory(prefix="mfn-docs-", ignore_cleanup_errors=True)
    os.chdir(namespace["__scratch__"].name)


def _leave_scratch(namespace: dict[str, Any]) -> None:
    os.chdir(_HOME)
    namespace["__scratch__"].cleanup()


def _run_mfn_lines(example: Example) -> None:
    """Run the ``mfn`` lines of a ``bash`` block in this process, but no server (a line that ends in ``&``)."""
    from mycelium_fractal_net.cli import main

    for line in example.parsed.replace("\\\n", " ").splitlines():
        if line.startswith("mfn ") and not line.rstrip().endswith("&"):
            out, err = io.StringIO(), io.StringIO()
            with redirect_stdout(out), redirect_stderr(err), warnings.catch_warnings():
                warnings.simplefilter("default")  # what a library says to users is no error of the page
                code = main(shlex.split(line, comments=True)[1:])
            assert code == 0, f"{line}\n{out.getvalue()}{err.getvalue()}"


pytest_collect_file = Sybil(
    parsers=[
        PythonCodeBlockParser(),
        CodeBlockParser(language="bash", evaluator=_run_mfn_lines),
        SkipParser(),
    ],
    patterns=["README.md", "docs/*.md", "docs/*/*.md"],
    setup=_enter_scratch,
    teardown=_leave_scratch,
).pytest()
