"""Files that mean harm: each is refused in a line, within seconds, and without the memory that it asks for."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from mycelium_fractal_net._inputs import parse_json, parse_toml, parse_yaml, read_bytes
from mycelium_fractal_net.datasets import load_scenario
from mycelium_fractal_net.errors import ConfigurationError

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[2]
MOST_SECONDS = 5.0


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What every command said of every file, in a process that may take 2 GiB."""
    command = [sys.executable, "-m", "tests.files.run_hostile", str(tmp_path_factory.mktemp("hostile"))]
    environment = {
        **os.environ,
        "OPENBLAS_NUM_THREADS": "1",
        "PYTHONPATH": os.pathsep.join([str(ROOT / "src"), str(ROOT)]),
    }
    run = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, env=environment, timeout=900, check=False)
    assert run.returncode == 0, run.stderr[-2000:]
    found: dict[str, Any] = json.loads(run.stdout)
    return found


def test_the_corpus_is_large(told: dict[str, Any]) -> None:
    assert told["files"] >= 300


def test_no_file_is_a_fault_in_the_program(told: dict[str, Any]) -> None:
    assert [(run["command"], run["said"]) for run in told["runs"] if run["code"] not in (0, 1, 2)] == []


def test_no_file_takes_more_than_seconds(told: dict[str, Any]) -> None:
    slow = [(run["command"], run["seconds"]) for run in told["runs"] if run["seconds"] > MOST_SECONDS]
    assert slow == []


def test_every_refusal_is_one_short_line(told: dict[str, Any]) -> None:
    refused = [run for run in told["runs"] if run["code"] == 2]
    assert len(refused) > 600
    assert [run for run in refused if len(run["said"].splitlines()) != 1 or len(run["said"]) > 700] == []


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("a: &a 1\nb: *a", "line 1: anchors and aliases"),
        ("a: 1\nb: " + "[" * 40 + "]" * 40, "line 2: it is nested more than 32 deep"),
        ("a: 1\na: 2", "line 2: 'a' occurs twice"),
        ("a:\n" + "- 1\n" * 60_000, "more than 50000 values"),
        ("a: 2021-99-99", "month must be in"),
    ],
)
def test_yaml_is_measured_before_it_is_made(text: str, why: str) -> None:
    with pytest.raises(ValueError) as caught:  # noqa: PT011 # the line stands beside the text
        parse_yaml(text.encode())
    line = getattr(caught.value, "line", None)
    assert why in (f"line {line}: " if line else "") + str(caught.value)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("[" * 100_000, "nested more than 32 deep"),
        ('{"a": NaN}', "NaN is not JSON"),
        ('{"a": 1, "a": 2}', "occurs twice"),
        ('["\\ud800"]', "half a character"),
        ("9" * 5000, "limit"),
        ("[1", "not JSON"),
    ],
)
def test_json_is_what_it_is_defined_to_be(text: str, why: str) -> None:
    with pytest.raises(ValueError, match=why):
        parse_json(text.encode())


@pytest.mark.parametrize(
    "text", [".".join("a" * 40) + " = 1", "x = {" + ".".join("b" * 40) + " = 1}", "a = " + "[" * 99]
)
def test_toml_is_not_deep(text: str) -> None:
    with pytest.raises(ValueError, match=r"deep|TOML"):
        parse_toml(text.encode())


def test_numbers_with_points_are_no_dotted_keys() -> None:
    text = f"a = [{', '.join(['0.25'] * 1000)}]"
    assert parse_toml(text.encode()) == {"a": [0.25] * 1000}


@pytest.mark.parametrize("make", [os.mkfifo, os.mkdir, lambda path: path.symlink_to("/dev/zero")])
def test_what_is_no_regular_file_is_refused_without_a_wait(tmp_path: Path, make: Any) -> None:
    make(tmp_path / "x.json")
    with pytest.raises(ConfigurationError, match="must be a regular file"):
        read_bytes(tmp_path / "x.json")


def test_a_file_may_not_be_longer_than_said(tmp_path: Path) -> None:
    (tmp_path / "x").write_bytes(bytes(11))
    with pytest.raises(ConfigurationError, match="at most 10 bytes; it has 11"):
        read_bytes(tmp_path / "x", 10)


def test_a_grid_of_more_rows_than_can_be_is_refused_at_once() -> None:
    axis = {"min": 0.1, "max": 0.2, "count": 100_000}
    with pytest.raises(ConfigurationError, match="makes more than 1000000 rows"):
        load_scenario({"method": "grid", "sweep": {"alpha": axis, "leak": axis}})
