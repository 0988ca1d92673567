"""What a newcomer meets: compilation is announced and can be stopped, and no finished run is lost."""

import contextlib
import errno
import json
import os
import pty
import re
import shlex
import shutil
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any, NamedTuple

import pytest

import mycelium_fractal_net as package
from mycelium_fractal_net.cli import _writers
from tests.cli.conftest import Mfn
from tests.deploy.test_pod import can_make_pods

PROGRAM = str(Path(sys.executable).parent / "mfn")
SMALL = ("--grid-size", 16, "--steps", 12, "--seed", 3)


class Usage(NamedTuple):
    """As ``shutil.disk_usage`` gives it."""

    total: int
    used: int
    free: int


def cold(tmp_path: Path, **streams: Any) -> "subprocess.Popen[bytes]":
    """Start a simulation that finds no machine code."""
    environment = {**os.environ, "MFN_CACHE_DIR": str(tmp_path), "XDG_CACHE_HOME": str(tmp_path)}
    return subprocess.Popen([PROGRAM, "simulate", "--json"], env=environment, stdout=subprocess.PIPE, **streams)


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_compiling_is_announced_in_a_pipe_and_a_signal_stops_it(tmp_path: Path, number: signal.Signals) -> None:
    with cold(tmp_path, stderr=subprocess.PIPE) as process:
        assert process.stderr is not None
        line = process.stderr.readline()
        process.send_signal(number)
        rest = process.stderr.read()
    assert re.fullmatch(rb"mfn: compiling kernels, once, about \d+ s\n", line)
    assert (process.returncode, rest) == (130, b"mfn: interrupted\n")


@pytest.mark.slow
def test_compiling_is_shown_on_a_terminal_and_control_c_stops_it(tmp_path: Path) -> None:
    master, slave = pty.openpty()
    with cold(tmp_path, stderr=slave) as process:
        os.close(slave)
        seen = b""
        while b"compiling kernels, once, about" not in seen:
            seen += os.read(master, 4096)
        process.send_signal(signal.SIGINT)
        with contextlib.suppress(OSError):  # how a terminal says that the other side has left
            while chunk := os.read(master, 4096):
                seen += chunk
    os.close(master)
    assert process.returncode == 130
    assert b"mfn: interrupted" in seen
    assert b"Traceback" not in seen


def test_a_disk_that_is_too_full_is_refused_before_a_step_is_taken(
    mfn: Mfn, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda _: Usage(10**9, 9 * 10**8, 10**8))
    outcome = mfn("simulate", "--grid-size", 512, "--steps", 1_000_000, "--every", 1, "--out", tmp_path)
    assert outcome.code == 2
    assert re.search(r"the results take up to 2,097,1\d\d\.\d MB, and .* has 100\.0 MB free", outcome.err)
    assert mfn("simulate", *SMALL, "--every", 1, "--out", tmp_path).code == 0


def test_a_directory_that_cannot_be_written_to_is_refused_before_a_step_is_taken(mfn: Mfn) -> None:
    outcome = mfn("simulate", "--steps", 1_000_000, "--out", "/proc/self")
    assert outcome.code == 2
    assert outcome.err.startswith("mfn: ")
    assert outcome.err.count("\n") == 1


def full(*_: object) -> list[Path]:
    raise OSError(errno.ENOSPC, "No space left on device", "field.png")


def test_a_finished_run_is_reported_and_kept_when_a_file_cannot_be_written(
    mfn: Mfn, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(_writers.FORMATS, "png", full)
    outcome = mfn("simulate", *SMALL, "--out", tmp_path / "out", "--format", "png,json")
    assert outcome.code == 2
    assert "D_box" in outcome.out
    assert (tmp_path / "out" / "result.json").exists()  # the others are written all the same
    assert "No space left on device" in outcome.err
    (command,) = re.findall(r"to write it elsewhere: (mfn simulate --resume .* --out) DIR", outcome.err)
    again = mfn(*shlex.split(command)[1:], tmp_path / "more", "--json").json
    expected = package.simulate(package.SimulationConfig(grid_size=16, steps=12, seed=3))
    assert again["digest"] == expected.digest


FULL_DISK = 'mount --make-rprivate / && mount -t tmpfs -o size=16m,nr_inodes=3 none "$0" && exec "$@"'


@pytest.mark.skipif(not can_make_pods(), reason="mounts a small disk in a namespace of its own")
def test_a_disk_that_gets_full_loses_no_finished_run(mfn: Mfn, tmp_path: Path) -> None:
    disk, elsewhere = tmp_path / "disk", tmp_path / "elsewhere"
    for directory in (disk, elsewhere):
        directory.mkdir()
    command = [PROGRAM, "simulate", *map(str, SMALL), "--out", str(disk), "--format", "json,npz,png", "--json"]
    done = subprocess.run(
        ["unshare", "--mount", "sh", "-c", FULL_DISK, str(disk), *command],
        env=os.environ | {"TMPDIR": str(elsewhere)}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    expected = package.simulate(package.SimulationConfig(grid_size=16, steps=12, seed=3))
    assert (done.returncode, json.loads(done.stdout)["digest"]) == (2, expected.digest), done.stderr
    assert "No space left on device" in done.stderr
    (again,) = re.findall(r"to write it elsewhere: (mfn simulate --resume .* --out) DIR", done.stderr)
    assert mfn(*shlex.split(again)[1:], tmp_path / "more", "--json").json["digest"] == expected.digest


def test_json_is_printed_though_a_file_could_not_be_written(
    mfn: Mfn, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(_writers.FORMATS, "npz", full)
    outcome = mfn("simulate", *SMALL, "--out", tmp_path, "--json")
    assert outcome.code == 2
    assert [Path(path).name for path in outcome.json["files"]] == ["result.json"]
