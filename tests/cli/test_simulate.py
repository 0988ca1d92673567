import contextlib
import json
import os
import pty
import re
import shlex
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image, ImageSequence

import mycelium_fractal_net as package
from mycelium_fractal_net.cli import _writers
from mycelium_fractal_net.cli import simulate as module
from mycelium_fractal_net.cli._report import VERDICTS, feature_rows
from tests.cli.conftest import Mfn

PROGRAM = str(Path(sys.executable).parent / "mfn")
SMALL: dict[str, Any] = {"grid_size": 16, "steps": 12, "seed": 3}
OPTIONS = ("--grid-size", 16, "--steps", 12, "--seed", 3)


@pytest.fixture(scope="module")
def expected() -> package.SimulationResult:
    return package.simulate(package.SimulationConfig(**SMALL))


def test_the_answer_is_the_one_that_python_gives(mfn: Mfn, expected: package.SimulationResult) -> None:
    answer = mfn("simulate", *OPTIONS, "--json").json
    assert answer["digest"] == expected.digest
    assert answer["config_digest"] == expected.config.digest()
    assert list(answer["features"]) == list(package.FEATURE_NAMES)
    assert list(answer["features"].values()) == expected.features.to_array().tolist()
    assert answer["growth_events"] == expected.growth_events
    assert answer["morphology"]["name"] == package.fields.classify_morphology(expected).name
    assert answer["files"] == []


def test_people_get_a_table_with_every_feature_and_words(mfn: Mfn) -> None:
    outcome = mfn("simulate", *OPTIONS)
    assert outcome.code == 0
    for name, _, unit, meaning in feature_rows(package.FeatureVector.from_array([0.0] * 18)):
        assert re.search(rf"^ *{name} +\S+ +{re.escape(unit)} *{re.escape(meaning)}", outcome.out, re.MULTILINE)
    assert "Fractal?" in outcome.out
    assert "Turing-unstable" in outcome.out
    assert "Measured on the activator:" in outcome.out


def test_a_field_without_wavelength_is_no_error(mfn: Mfn) -> None:
    outcome = mfn("simulate", "--grid-size", 8, "--steps", 1, "--seed", 3)
    assert outcome.code == 0
    assert "Measured on the activator: none" in outcome.out


def test_kinetics_that_cannot_pattern_have_nothing_to_measure(mfn: Mfn) -> None:
    out = mfn("simulate", *OPTIONS, "--kinetics", "classic").out
    assert "no pattern grows" in out
    assert "Measured" not in out


def test_without_turing_pair_no_word_is_said_of_patterns(mfn: Mfn) -> None:
    assert "Pattern?" not in mfn("simulate", *OPTIONS, "--no-turing-enabled").out


def test_meanings_and_verdicts_are_complete() -> None:
    assert set(VERDICTS) == {"fractal", "crossover", "filled", "empty", "insufficient"}


def test_out_holds_arrays_and_numbers_by_default(mfn: Mfn, tmp_path: Path, expected: package.SimulationResult) -> None:
    mfn("simulate", *OPTIONS, "--out", tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["field.npz", "result.json"]
    stored = np.load(tmp_path / "field.npz")
    np.testing.assert_array_equal(stored["field_mv"], expected.field_mv)
    np.testing.assert_array_equal(stored["step_statistics"], expected.step_statistics)
    assert package.SimulationConfig.model_validate_json(str(stored["config"])) == expected.config
    assert json.loads((tmp_path / "result.json").read_text())["digest"] == expected.digest


def test_a_result_file_repeats_its_run(mfn: Mfn, tmp_path: Path, expected: package.SimulationResult) -> None:
    mfn("simulate", *OPTIONS, "--out", tmp_path)
    assert mfn("simulate", "--config", tmp_path / "result.json", "--json").json["digest"] == expected.digest


def test_the_fit_is_drawn_where_there_is_one_whatever_the_verdict(mfn: Mfn, tmp_path: Path) -> None:
    options = ("--grid-size", 16, "--out", tmp_path, "--format", "png", "--json")
    written = mfn("simulate", "--steps", 64, *options).json
    assert written["box_counting"]["verdict"] == "insufficient"
    assert (tmp_path / "box-counting.png").is_file()


@pytest.mark.parametrize("spelling", [("--format", "npz,png"), ("--format", "npz", "--format", "png")])
def test_formats_may_be_repeated_or_separated_by_commas(mfn: Mfn, tmp_path: Path, spelling: tuple[str, ...]) -> None:
    written = mfn("simulate", *OPTIONS, "--out", tmp_path, *spelling, "--json").json["files"]
    assert {"field.npz", "field.png"} <= {Path(path).name for path in written}
    assert all(Path(path).stat().st_size > 0 for path in written)


def test_every_keeps_the_history_that_python_gives(mfn: Mfn, tmp_path: Path) -> None:
    mfn("simulate", *OPTIONS, "--out", tmp_path, "--every", 5)
    stored = np.load(tmp_path / "field.npz")
    assert stored["history_steps"].tolist() == [0, 5, 10, 12]
    history = package.simulate_history(package.SimulationConfig(**SMALL), every=5)
    np.testing.assert_array_equal(stored["history_mv"], history)


def _frames_in(path: Path) -> int:
    with Image.open(path) as picture:
        return sum(1 for _ in ImageSequence.Iterator(picture))


def test_a_gif_has_a_frame_for_every_kept_step(mfn: Mfn, tmp_path: Path) -> None:
    mfn("simulate", *OPTIONS, "--out", tmp_path, "--format", "gif", "--every", 4)
    assert _frames_in(tmp_path / "evolution.gif") == 4


def test_a_long_gif_chooses_a_stride(mfn: Mfn, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_FRAMES_IN_A_GIF", 3)
    mfn("simulate", *OPTIONS, "--out", tmp_path, "--format", "gif")
    assert _frames_in(tmp_path / "evolution.gif") == 4


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        (("--format", "png"), "add --out DIR"),
        (("--format", "bmp", "--out", "x"), "--format must be one of npz, json, png, gif; got 'bmp'"),
        (("--every", 0), "0 is not in the range"),
        (("--resume", "nowhere.npz"), "'nowhere.npz' does not exist"),
    ],
)
def test_impossible_wishes_are_refused_before_a_step_is_taken(
    mfn: Mfn, arguments: tuple[object, ...], why: str
) -> None:
    outcome = mfn("simulate", "--grid-size", 4096, "--steps", 1_000_000, *arguments)
    assert outcome.code == 2
    assert why in outcome.err


def test_pictures_without_their_library_are_refused_before_a_step_is_taken(
    mfn: Mfn, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_writers, "find_spec", lambda _: None)
    outcome = mfn("simulate", "--steps", 1_000_000, "--out", tmp_path, "--format", "png")
    assert outcome.code == 2
    assert 'pip install "mycelium-fractal-net[visualization]"' in outcome.err


def test_a_directory_that_cannot_be_made_is_refused_before_a_step_is_taken(mfn: Mfn, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    outcome = mfn("simulate", "--steps", 1_000_000, "--out", tmp_path / "file" / "out")
    assert outcome.code == 2
    assert outcome.err.count("\n") == 1


def test_a_failed_write_leaves_the_old_file(mfn: Mfn, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "result.json").write_text("old")
    monkeypatch.setattr(_writers, "summary", lambda _: {"not": float("nan")})
    assert mfn("simulate", *OPTIONS, "--out", tmp_path, "--format", "json").code == 70
    assert [(path.name, path.read_text()) for path in tmp_path.iterdir()] == [("result.json", "old")]


def test_resume_takes_no_other_parameters(mfn: Mfn, tmp_path: Path) -> None:
    package.Simulation(package.SimulationConfig(**SMALL)).save(tmp_path / "c.npz")
    outcome = mfn("simulate", "--resume", tmp_path / "c.npz", "--alpha", 0.1, "--seed", 2)
    assert outcome.code == 2
    assert "leave out: seed, alpha" in outcome.err


def test_a_damaged_checkpoint_is_code_2(mfn: Mfn, tmp_path: Path) -> None:
    (tmp_path / "c.npz").write_bytes(b"no checkpoint")
    outcome = mfn("simulate", "--resume", tmp_path / "c.npz")
    assert outcome.code == 2
    assert "INVALID_CHECKPOINT" in outcome.err


def test_divergence_is_code_1(mfn: Mfn) -> None:
    diverging = ("--kinetics", "mycelium", "-p", "r_a=1e6", "-p", "r_h=1e-9")
    outcome = mfn("simulate", *OPTIONS, *diverging)
    assert (outcome.code, "NUMERICAL_DIVERGENCE" in outcome.err) == (1, True)


def _interrupt(directory: Path, number: int) -> tuple[int, str]:
    """Start a long run on a terminal, signal it once it advances; return exit code and what was shown."""
    command = [PROGRAM, "simulate", "--grid-size", "256", "--steps", "1000000", "--out", str(directory)]
    master, slave = pty.openpty()
    with subprocess.Popen(command, stderr=slave, stdout=subprocess.DEVNULL) as running:
        os.close(slave)
        seen = b""
        while not re.search(rb"[1-9]\d*/1000000", seen):
            seen += os.read(master, 4096)
        running.send_signal(number)
        with contextlib.suppress(OSError):  # how a terminal says that the other side has left
            while chunk := os.read(master, 4096):
                seen += chunk
    os.close(master)
    return running.returncode, re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]", "", seen.decode())


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_run_leaves_a_checkpoint_and_says_how_to_go_on(tmp_path: Path, number: signal.Signals) -> None:
    code, seen = _interrupt(tmp_path, number)
    step, command = re.findall(r"mfn: interrupted at step (\d+) of 1000000; to go on: (.+) \[CANCELLED\]", seen)[0]
    assert code == 130
    assert "simulating" in seen
    words = shlex.split(command)
    assert words == ["mfn", "simulate", "--resume", str(tmp_path / "checkpoint.npz"), *words[4:]]
    resumed = package.Simulation.load(words[3])
    assert resumed.step == int(step) > 0
    straight = package.Simulation(resumed.config)
    straight.advance(resumed.step)
    assert resumed.result.digest == straight.result.digest


def test_a_resumed_run_ends_with_the_bits_of_one_that_was_not_interrupted(
    mfn: Mfn, tmp_path: Path, expected: package.SimulationResult
) -> None:
    half = package.Simulation(expected.config)
    half.advance(5)
    half.save(tmp_path / "c.npz")
    answer = mfn("simulate", "--resume", tmp_path / "c.npz", "--json").json
    assert answer["digest"] == expected.digest
    assert answer["features"] == {name: float(v) for name, v in expected.features.to_dict().items()}


def test_the_field_to_show_is_that_of_pictures_and_history(mfn: Mfn, tmp_path: Path) -> None:
    arguments = ["--grid-size", "16", "--steps", "6", "--every", "3", "--show", "activator", "--json"]
    mfn("simulate", *arguments, "--out", str(tmp_path), "--format", "npz,png,gif")
    with np.load(tmp_path / "field.npz") as arrays:
        assert np.array_equal(arrays["history_activator"][-1], arrays["activator"])
    assert {path.name for path in tmp_path.glob("*.*")} >= {"field.png", "evolution.gif"}
