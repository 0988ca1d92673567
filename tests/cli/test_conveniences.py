"""Completion, ``-h``, ``python -m``, kinetics from files, narrow terminals, and one writer to a directory."""

import json
import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from mycelium_fractal_net._compiled.watch import notify
from mycelium_fractal_net._outputs import locked
from mycelium_fractal_net.cli import validate
from mycelium_fractal_net.cli._console import print_table
from mycelium_fractal_net.errors import InvalidInputError
from tests.cli.conftest import Mfn

MODULE = [sys.executable, "-m", "mycelium_fractal_net"]
OWN = """
import mycelium_fractal_net as mfn

@mfn.kinetics("cli-own", diffusion=(0.05, 1.0), steady_guess=(0.0, 0.0))
def own(a, h, linear=-0.1, square=0.0, decay=0.5):  # the arithmetic of tests/fields/helpers.py, compiled once for all
    return linear * a + square * a * a, -decay * h
"""


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("mfn simulate --kinetics g", {"gierer-meinhardt", "gray-scott"}),
        ("mfn simulate --preset n", {"net", "neurospora"}),
        ("mfn dataset --scenario b", {"benchmark"}),
        ("mfn simul", {"simulate"}),
        ("mfn simulate --kinetics-f", {"--kinetics-file"}),
    ],
)
def test_the_shell_completes_names(line: str, expected: set[str]) -> None:
    words = {"COMP_WORDS": line, "COMP_CWORD": str(line.count(" ")), "_MFN_COMPLETE": "complete_bash"}
    run = subprocess.run(MODULE, env={**os.environ, **words}, capture_output=True, text=True, check=True)
    assert set(run.stdout.split()) == expected


@pytest.mark.parametrize("arguments", [["-h"], ["simulate", "-h"], ["keys", "-h"], ["config", "check", "-h"]])
def test_h_is_help(mfn: Mfn, arguments: list[str]) -> None:
    outcome = mfn(*arguments)
    assert (outcome.code, "Usage: mfn" in outcome.out) == (0, True)


def test_the_package_is_a_program_with_an_exit_code() -> None:
    run = subprocess.run([*MODULE, "nernst", "4", "1", "1"], capture_output=True, text=True, check=False)
    assert (run.returncode, run.stderr.startswith("mfn: valence must be")) == (2, True)


def test_a_kinetics_of_ones_own_comes_from_a_file(mfn: Mfn, tmp_path: Path) -> None:
    (tmp_path / "own.py").write_text(OWN)
    (tmp_path / "c.yaml").write_text("kinetics_file: own.py\nkinetics: cli-own\ngrid_size: 8\nsteps: 2\n")
    by_yaml = mfn("simulate", "--config", tmp_path / "c.yaml", "--json").json
    options = ("--kinetics-file", tmp_path / "own.py", "--kinetics", "cli-own", "--grid-size", 8, "--steps", 2)
    assert mfn("simulate", *options, "--json").json["digest"] == by_yaml["digest"]


@pytest.mark.slow
def test_a_checkpoint_of_a_kinetics_that_is_not_registered_says_what_to_do(tmp_path: Path) -> None:
    (tmp_path / "own.py").write_text(OWN)
    save = "mfn.Simulation(mfn.SimulationConfig(kinetics='cli-own', grid_size=8, steps=3)).save('c.npz')"
    subprocess.run([sys.executable, "-c", f"{OWN}\n{save}"], cwd=tmp_path, check=True)
    command = [*MODULE, "simulate", "--resume", "c.npz"]
    run = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert (run.returncode, "needs the kinetics 'cli-own'" in run.stderr) == (2, True)
    assert "--kinetics-file FILE" in run.stderr
    subprocess.run([*command, "--kinetics-file", "own.py"], cwd=tmp_path, capture_output=True, check=True)


ROWS = [("max_cluster_size", "-10.7667", "mV^2/step", "cells of the largest cluster above the first threshold")]


@pytest.mark.parametrize(("width", "meaning"), [(20, False), (40, False), (60, False), (90, True), (200, True)])
def test_a_narrow_terminal_loses_the_meaning_first_and_no_value(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], width: int, meaning: bool
) -> None:
    monkeypatch.setattr("sys.stdout.isatty", lambda: True)
    monkeypatch.setenv("COLUMNS", str(width))
    print_table("Features", ("feature", "value", "unit", "meaning"), ROWS, numbers="value")
    shown = capsys.readouterr().out
    assert all(text in shown for text in ROWS[0][:3])
    assert ("largest" in shown) is meaning


def test_fields_are_written_without_compression(mfn: Mfn, tmp_path: Path) -> None:
    assert mfn("simulate", "--grid-size", 8, "--steps", 2, "--out", tmp_path).code == 0
    with zipfile.ZipFile(tmp_path / "field.npz") as archive:
        assert {entry.compress_type for entry in archive.infolist()} == {zipfile.ZIP_STORED}


def test_two_runs_do_not_write_into_one_directory(mfn: Mfn, tmp_path: Path) -> None:
    with locked(tmp_path, "here"):
        outcome = mfn("simulate", "--grid-size", 8, "--steps", 2, "--out", tmp_path)
    assert (outcome.code, "another process is writing into" in outcome.err) == (2, True)


@pytest.mark.slow
def test_quick_validation_compiles_nothing_where_nothing_is_compiled(tmp_path: Path) -> None:
    empty = {**os.environ, "MFN_CACHE_DIR": str(tmp_path), "XDG_CACHE_HOME": str(tmp_path), "HOME": str(tmp_path)}
    run = subprocess.run(
        [*MODULE, "validate", "--quick", "--json"], env=empty, capture_output=True, text=True, check=True
    )
    report = json.loads(run.stdout)
    assert (report["passed"], len(report["checks"]) > 10, run.stderr) == (True, True, "")
    assert not list(tmp_path.rglob("*.kernel"))


def test_validation_names_the_quick_way_only_where_kernels_are_compiled(
    mfn: Mfn, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(validate, "validate", compile_and_stop)
    assert mfn("validate").err.count("--quick") == 1
    monkeypatch.setattr(validate, "validate", stop)
    assert "--quick" not in mfn("validate").err


def stop(*_: object, **__: object) -> None:
    raise InvalidInputError("enough")


def compile_and_stop(*_: object, **__: object) -> None:
    for kernel in ("play", "extents"):
        notify("begins", kernel)
        notify("ends", kernel)
    stop()
