import os
import re
import subprocess
import sys
from importlib import import_module
from pathlib import Path

import click
import pytest

from mycelium_fractal_net import cli
from mycelium_fractal_net.cli import _main
from mycelium_fractal_net.cli._lazy import COMMANDS, load
from tests.cli.conftest import Mfn

PROGRAM = str(Path(sys.executable).parent / "mfn")


def test_version_names_program_and_version(mfn: Mfn) -> None:
    assert re.fullmatch(r"mfn \d+\.\d+\.\d+\S*\n", mfn("--version").out)


@pytest.mark.parametrize("arguments", [(), ("--help",)])
def test_help_lists_every_command_and_the_exit_codes(mfn: Mfn, arguments: tuple[str, ...]) -> None:
    outcome = mfn(*arguments)
    assert outcome.code == 0
    assert all(re.search(rf"^  {name} ", outcome.out, re.MULTILINE) for name in COMMANDS)
    assert "130 interrupted" in outcome.out


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_loads_and_explains_itself(mfn: Mfn, name: str) -> None:
    outcome = mfn(name, "--help")
    assert outcome.code == 0
    assert outcome.out.startswith(f"Usage: mfn {name} ")
    assert load(COMMANDS[name]).help
    assert "\\[" not in outcome.out


def test_every_public_file_of_the_room_is_in_the_table() -> None:
    files = {path.stem for path in Path(cli.__file__).parent.glob("[!_]*.py")}
    assert files == {entry.target.split(":")[0] for entry in COMMANDS.values()}


@pytest.mark.parametrize(("group", "command"), [("keys", "create"), ("config", "check")])
def test_a_group_without_a_command_shows_its_help(mfn: Mfn, group: str, command: str) -> None:
    outcome = mfn(group)
    assert (outcome.code, outcome.err) == (0, "")
    assert re.search(rf"^  {command} ", outcome.out, re.MULTILINE)


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_stands_on_its_page(name: str) -> None:
    assert f"`mfn {name}" in (Path(__file__).parents[2] / "docs" / "cli.md").read_text()


@pytest.mark.parametrize("arguments", [["--help"], ["--version"], ["bogus"]])
def test_light_calls_load_no_heavy_room(arguments: list[str]) -> None:
    code = f"import sys; from mycelium_fractal_net.cli import main; main({arguments}); print(*sys.modules)"
    loaded = set(subprocess.check_output([sys.executable, "-c", code], text=True).split())
    assert loaded.isdisjoint({"numpy", "numba", "scipy", "pydantic", "rich", "matplotlib", "fastapi"})


@pytest.mark.parametrize(
    "arguments",
    [
        ["config", "show"],
        ["config", "check"],
        ["config", "reference"],
        ["keys", "create", "x", "--file", "keys.json", "--pepper", "p"],
        ["keys", "list", "--file", "keys.json"],
        ["keys", "revoke", "x", "--file", "keys.json"],
        ["openapi"],
        ["serve"],
    ],
    ids=" ".join,
)
def test_commands_of_the_service_name_the_extra_that_is_missing(arguments: list[str]) -> None:
    hidden = "import sys; sys.modules['pydantic_settings'] = None; from mycelium_fractal_net.cli import main"
    code = f"{hidden}; sys.exit(main({arguments}))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (2, "")
    command = 'pip install "mycelium-fractal-net[server]"'
    assert done.stderr == f"mfn: pydantic_settings is not installed. Run: {command} [MISSING_EXTRA]\n"


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        (("simulat",), "mfn: No such command 'simulat'"),
        (("--bogus",), "mfn: No such option '--bogus'. (see mfn --help)"),
        (("stability", "--bogus"), "mfn stability: No such option '--bogus'. (see mfn stability --help)"),
        (("stability",), "mfn stability: Missing argument 'KINETICS'"),
    ],
)
def test_wrong_usage_is_answered_in_one_line(mfn: Mfn, arguments: tuple[str, ...], why: str) -> None:
    outcome = mfn(*arguments)
    assert outcome.code == 2
    assert outcome.err.startswith(why)
    assert outcome.err.count("\n") == 1


def test_a_fault_of_the_program_is_one_line_with_code_70(mfn: Mfn, monkeypatch: pytest.MonkeyPatch) -> None:
    module = import_module("mycelium_fractal_net.cli.potentials")
    monkeypatch.setattr(module, "nernst_potential_mv", lambda *_: dict[str, int]()["missing\nkey"])
    outcome = mfn("nernst", 1, 0.1, 0.1)
    assert outcome.code == 70
    assert outcome.err.startswith("mfn: internal error, please report it: KeyError")
    assert outcome.err.count("\n") == 1


def test_traceback_is_shown_on_demand(mfn: Mfn) -> None:
    outcome = mfn("--traceback", "nernst", 4, 0.1, 0.1)
    assert outcome.code == 2
    assert "Traceback (most recent call last)" in outcome.err
    assert outcome.err.splitlines()[-1].startswith("mfn: valence must be")


@pytest.mark.parametrize("interruption", [KeyboardInterrupt, click.Abort])
def test_an_interruption_outside_a_simulation_is_130(
    mfn: Mfn, monkeypatch: pytest.MonkeyPatch, interruption: type[BaseException]
) -> None:
    def interrupted(**_: object) -> None:
        raise interruption

    monkeypatch.setattr(_main, "application", interrupted)
    outcome = mfn("nernst", 1, 0.1, 0.1)
    assert (outcome.code, outcome.err) == (130, "mfn: interrupted\n")


def test_an_exit_that_a_command_asks_for_is_passed_on(mfn: Mfn, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_main, "application", lambda **_: sys.exit(3))
    with pytest.raises(SystemExit, match="3"):
        mfn("nernst", 1, 0.1, 0.1)


def test_a_closed_pipe_ends_the_program_without_complaint() -> None:
    reading, writing = os.pipe()
    os.close(reading)
    done = subprocess.run([PROGRAM, "nernst", "1", "0.1", "0.1"], stdout=writing, stderr=subprocess.PIPE, check=False)
    os.close(writing)
    assert (done.returncode, done.stderr) == (141, b"")


def test_the_program_returns_its_exit_code_to_the_shell() -> None:
    assert subprocess.run([PROGRAM, "nernst", "1", "0", "1"], capture_output=True, check=False).returncode == 2
    assert subprocess.run([PROGRAM, "nernst", "1", "1", "1"], capture_output=True, check=False).returncode == 0
