"""``mfn stability``, ``mfn kinetics`` and ``mfn warmup``."""

import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import mycelium_fractal_net as package
from mycelium_fractal_net.cli import warmup
from mycelium_fractal_net.fields import REGIMES
from tests.cli.conftest import Mfn


def test_stability_explains_in_words(mfn: Mfn) -> None:
    assert mfn("stability", "mycelium").out == package.linear_stability("mycelium").explain() + "\n"


@pytest.mark.parametrize("kinetics", package.list_kinetics())
def test_stability_as_json_equals_python(mfn: Mfn, kinetics: str) -> None:
    answer, report = mfn("stability", kinetics, "--json").json, package.linear_stability(kinetics)
    assert answer["turing_unstable"] == report.turing_unstable
    assert answer["jacobian"] == report.jacobian.tolist()
    assert (answer["wavelength_cells"] is None) == (not report.turing_unstable)


def test_stability_takes_parameters(mfn: Mfn) -> None:
    answer = mfn("stability", "mycelium", "-p", "bias=0.04", "--parameter", "D_h=3", "--json").json
    assert (answer["parameters"]["bias"], answer["parameters"]["D_h"]) == (0.04, 3.0)


def test_stability_draws_the_dispersion_relation(mfn: Mfn, tmp_path: Path) -> None:
    assert mfn("stability", "mycelium", "--plot", tmp_path / "d.png").code == 0
    assert (tmp_path / "d.png").read_bytes().startswith(b"\x89PNG")


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        (("bogus",), "bogus"),
        (("mycelium", "-p", "x=1"), "no parameter 'x'"),
        (("mycelium", "-p", "x"), "NAME=VALUE"),
    ],
)
def test_stability_refuses_what_it_does_not_know(mfn: Mfn, arguments: tuple[str, ...], why: str) -> None:
    outcome = mfn("stability", *arguments)
    assert outcome.code == 2
    assert why in outcome.err


def test_kinetics_lists_each_with_parameters_and_source(mfn: Mfn) -> None:
    answer = mfn("kinetics", "--json").json
    assert tuple(answer) == tuple(package.list_kinetics())
    built_in = [answer[name] for name in ("mycelium", "gray-scott", "schnakenberg", "brusselator", "classic")]
    assert all(model["source"] and model["summary"] and model["parameters"] for model in built_in)


def test_kinetics_for_people_names_each_one(mfn: Mfn) -> None:
    out = mfn("kinetics").out
    assert [line for line in out.splitlines() if line and line[0] != " "] == list(package.list_kinetics())
    assert out.count("  source: ") == len(package.list_kinetics())


@pytest.mark.slow
def test_after_warmup_another_process_compiles_nothing(tmp_path: Path) -> None:
    program = str(Path(sys.executable).parent / "mfn")
    warm = [program, "warmup", "--kinetics", "schnakenberg", "--dtype", "float32"]
    warmed = subprocess.run(warm, capture_output=True, text=True, check=True)
    assert "kernels are compiled and cached" in warmed.stdout
    filled = os.environ.get("MFN_CACHE_DIR") or os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
    environment = {**os.environ, "XDG_CACHE_HOME": filled, "MFN_CACHE_DIR": str(tmp_path)}
    run = [program, "simulate", "--kinetics", "schnakenberg", "--dtype", "float32", "--steps", "3", "--json"]
    for variant in (["--quantum-jitter"], ["--boundary", "dirichlet"], ["--grid-size", "700"]):
        subprocess.run([*run, *variant], env=environment, capture_output=True, check=True)
    assert [path.name for path in tmp_path.rglob("*.kernel")] == []


def test_warmup_for_other_machines_tells_the_compiler_where_and_for_which_processor(
    tmp_path: Path, mfn: Mfn, monkeypatch: pytest.MonkeyPatch
) -> None:
    started: list[dict[str, Any]] = []

    def start(_command: list[str], **options: Any) -> subprocess.CompletedProcess[str]:
        started.append(options)
        return subprocess.CompletedProcess([], 0)

    monkeypatch.setattr(warmup, "levels", lambda: ("x86-64-v2",))
    monkeypatch.setattr(subprocess, "run", start)
    assert mfn("warmup", "--into", str(tmp_path / "kernels"), "--cpu", "x86-64-v2").code == 0
    environment = started[0]["env"]
    assert {environment["MFN_CACHE_DIR"], environment["XDG_CACHE_HOME"]} == {str(tmp_path / "kernels")}
    assert (environment["NUMBA_CPU_NAME"], environment["NUMBA_CPU_FEATURES"]) == ("x86-64-v2", "")


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (("--cpu", "x86-64-v3"), "a level that this processor supports.*x86-64-v2; got 'x86-64-v3'"),
        (("--into", "/proc/nowhere"), "a directory that this user can write to and others cannot"),
    ],
)
def test_warmup_refuses_what_it_could_not_fill(
    mfn: Mfn, monkeypatch: pytest.MonkeyPatch, arguments: tuple[str, str], complaint: str
) -> None:
    monkeypatch.setattr(warmup, "levels", lambda: ("x86-64-v2",))
    outcome = mfn("warmup", *arguments)
    assert outcome.code == 2
    assert re.search(complaint, outcome.err)


def test_warmup_reaches_every_kernel_of_aggregation() -> None:
    code = (
        "from mycelium_fractal_net.cli import main; from mycelium_fractal_net.federated import _kernels as k\n"
        "from mycelium_fractal_net._compiled import kernel; kernel.library = lambda: None\n"
        "main(['warmup', '--kinetics', 'mycelium', '--dtype', 'float64', '--json'])\n"
        "kernels = {name: item for name, item in vars(k).items() if name[0] != '_' and hasattr(item, 'signatures')}\n"
        "print([name for name, item in kernels.items() if not item.signatures])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "[]"


def test_warmup_as_json_counts_its_jobs(mfn: Mfn) -> None:
    answer = mfn("warmup", "--kinetics", "mycelium", "--dtype", "float64", "--json").json
    assert answer["jobs"] >= 4
    assert answer["seconds"] > 0


@pytest.mark.parametrize("arguments", [("--kinetics", "bogus"), ("--dtype", "float16")])
def test_warmup_refuses_what_it_does_not_know(mfn: Mfn, arguments: tuple[str, str]) -> None:
    outcome = mfn("warmup", *arguments)
    assert outcome.code == 2
    assert arguments[1] in outcome.err


def test_regimes_are_listed_with_settings_and_sources(mfn: Mfn) -> None:
    listed = mfn("regimes", "--json").json
    assert {name: entry["morphology"] for name, entry in listed.items()} == {
        name: entry.morphology for name, entry in REGIMES.items()
    }
    text = mfn("regimes").out
    assert "pearson-mu\n  worms" in text
    assert "doi:10.1126/science.261.5118.189" in text


def test_a_regime_is_a_starting_point_that_options_change(mfn: Mfn) -> None:
    config = mfn("simulate", "--regime", "pearson-mu", "--grid-size", 8, "--steps", 1, "--json").json["config"]
    assert (config["kinetics"], config["kinetics_parameters"]["feed"], config["grid_size"]) == ("gray-scott", 0.046, 8)
    assert "give one of them" in mfn("simulate", "--regime", "pearson-mu", "--preset", "spots").err
