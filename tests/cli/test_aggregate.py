from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import typer
from typer.testing import CliRunner

from mycelium_fractal_net.cli.aggregate import aggregate
from mycelium_fractal_net.errors import MFNError
from mycelium_fractal_net.federated import RULES, make_rule

APP = typer.Typer()
APP.command()(aggregate)
UPDATES = np.random.default_rng(0).normal(size=(12, 3))


@pytest.fixture
def file(tmp_path: Path) -> Path:
    np.save(tmp_path / "updates.npy", UPDATES)
    return tmp_path / "updates.npy"


def run(*arguments: str | Path) -> str:
    result = CliRunner().invoke(APP, [str(argument) for argument in arguments], catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result.stdout


@pytest.mark.parametrize("rule", RULES)
def test_every_rule_prints_what_python_gives(file: Path, rule: str) -> None:
    report = json.loads(run(file, "--rule", rule, "--seed", "1", "--json"))
    assert report == make_rule(rule, 12, seed=1).aggregate(UPDATES).to_dict()


def test_one_cluster_is_krum_over_all_and_two_are_refused(file: Path) -> None:
    assert json.loads(run(file, "--num-clusters", "1", "--json"))["rule"] == "Krum(f=2, neighbors='paper')"
    with pytest.raises(MFNError, match="num_clusters must be 1, which is Krum over all clients, or at least 3; got 2"):
        run(file, "--num-clusters", "2")


def test_rejected_updates_are_reported_by_index(tmp_path: Path) -> None:
    spoilt = UPDATES.copy()
    spoilt[4, 1] = np.nan
    np.save(tmp_path / "x.npy", spoilt)
    report = json.loads(run(tmp_path / "x.npy", "--rule", "krum", "--json"))
    assert (report["rejected"], report["reasons"]) == ([4], ["1 NaN of 3 values"])
    assert "rejected update 4: 1 NaN" in run(tmp_path / "x.npy", "--rule", "krum")


def test_the_answer_is_written_as_npy(file: Path, tmp_path: Path) -> None:
    run(file, "--rule", "median", "--out", tmp_path / "answer.npy")
    np.testing.assert_array_equal(np.load(tmp_path / "answer.npy"), np.median(UPDATES, axis=0))


def test_people_read_a_few_lines(file: Path) -> None:
    text = run(file, "--rule", "krum")
    assert "n = 12, f = 2" in text
    assert "selected: " in text
    assert "holds if at most 2 of 12" in run(file, "--rule", "tree", "--seed", "1")


def test_an_npz_file_is_read_by_its_only_or_its_named_array(tmp_path: Path) -> None:
    np.savez(tmp_path / "one.npz", UPDATES)
    np.savez(tmp_path / "two.npz", a=UPDATES, b=UPDATES + 1)
    assert run(tmp_path / "one.npz", "--seed", "1") == run(tmp_path / "two.npz", "--key", "a", "--seed", "1")
    with pytest.raises(MFNError, match="holds a, b; choose one with --key"):
        run(tmp_path / "two.npz")
    with pytest.raises(MFNError, match="choose one with --key"):
        run(tmp_path / "two.npz", "--key", "c")


def test_files_that_are_not_arrays_of_numbers_are_refused(tmp_path: Path) -> None:
    (tmp_path / "text.npy").write_text("1 2 3")
    (tmp_path / "empty.npy").write_bytes(b"")
    np.save(tmp_path / "objects.npy", np.array([{}], dtype=object), allow_pickle=True)
    np.save(tmp_path / "scalar.npy", np.array(1.0))
    for name, message in [
        ("text.npy", "cannot be read as .npy of plain numbers"),
        ("empty.npy", "cannot be read as .npy of"),
        ("objects.npy", "cannot be read as .npy of"),
        ("missing.npy", "cannot read .*No such file"),
        ("scalar.npy", r"need shape \(n, d\)"),
    ]:
        with pytest.raises(MFNError, match=message):
            run(tmp_path / name, "--rule", "median")


def test_an_unknown_rule_and_an_unwritable_answer_are_named(file: Path, tmp_path: Path) -> None:
    with pytest.raises(MFNError, match=r"rule must be one of .*krum"):
        run(file, "--rule", "magic")
    with pytest.raises(MFNError, match="cannot write"):
        run(file, "--out", tmp_path / "no" / "where.npy")
