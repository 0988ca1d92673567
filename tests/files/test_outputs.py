"""Files that are written: whole or not at all, locked, and on the disk in the right order."""

import multiprocessing
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

import mycelium_fractal_net as mfn
from mycelium_fractal_net import _outputs
from mycelium_fractal_net._outputs import locked, whole_file
from mycelium_fractal_net.datasets import _journal
from mycelium_fractal_net.errors import ConfigurationError
from mycelium_fractal_net.integrations.sources.http import _keep as keep_cursor
from mycelium_fractal_net.service.core.keys import add_key, make_key, read_key_file

TINY = {
    "name": "tiny",
    "samples": 3,
    "base": {"grid_size": 8, "steps": 2},
    "sweep": {"alpha": {"min": 0.1, "max": 0.2}},
}


class Crash(BaseException):
    """The machine goes off."""


def crash_at(monkeypatch: pytest.MonkeyPatch, number: int) -> list[str]:
    """Let the machine go off at the n-th operation on the disk, and return the operations done."""
    done: list[str] = []

    def counted(name: str) -> None:
        real: Callable[..., Any] = getattr(_outputs, name)

        def operation(*arguments: Any) -> None:
            if len(done) == number:
                raise Crash
            done.append(name)
            real(*arguments)

        monkeypatch.setattr(_outputs, name, operation)

    counted("sync")
    counted("rename")
    return done


def write(path: Path, text: bytes) -> None:
    with whole_file(path) as file:
        file.write(text)


def test_a_file_is_on_the_disk_before_it_has_its_name_and_the_name_after_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    done = crash_at(monkeypatch, 99)
    write(tmp_path / "x", b"new")
    assert done == ["sync", "rename", "sync"]


@pytest.mark.parametrize(("number", "left"), [(0, b"old"), (1, b"old"), (2, b"new")])
def test_a_crash_at_any_moment_leaves_the_old_file_or_the_new_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int, left: bytes
) -> None:
    (tmp_path / "x").write_bytes(b"old")
    crash_at(monkeypatch, number)
    with pytest.raises(Crash):
        write(tmp_path / "x", b"new")
    assert [(file.name, file.read_bytes()) for file in tmp_path.iterdir()] == [("x", left)]


@pytest.mark.parametrize("number", range(9))
def test_a_data_set_survives_a_crash_at_every_operation_on_the_disk(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    target = tmp_path / "d.parquet"
    with monkeypatch.context() as patch:
        done = crash_at(patch, number)
        patch.setattr(_journal, "sync", _outputs.sync)
        try:
            mfn.generate_dataset(TINY, target, threads=1)
        except Crash:
            assert len(done) == number
    summary = mfn.generate_dataset(TINY, target, threads=1, resume=True)
    assert (summary.rows, pq.read_table(target).num_rows) == (3, 3)
    assert sorted(file.name for file in tmp_path.iterdir() if not file.name.endswith(".journal")) == ["d.parquet"]


def test_the_journal_outlives_the_table_until_the_table_is_on_the_disk(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    crash_at(monkeypatch, 2)  # after the table has its name, before the directory is on the disk
    with pytest.raises(Crash):
        mfn.generate_dataset(TINY, tmp_path / "d.parquet", threads=1)
    assert (tmp_path / "d.parquet.journal").exists()


@pytest.mark.parametrize(("number", "left"), [(0, ["first"]), (1, ["first"]), (2, ["first", "second"])])
def test_a_key_file_survives_a_crash_at_every_operation_on_the_disk(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int, left: list[str]
) -> None:
    path, pepper = tmp_path / "keys.json", b"x" * 32
    add_key(path, make_key("first", "prod", pepper)[1])
    second = make_key("second", "prod", pepper)[1]
    with monkeypatch.context() as patch:
        crash_at(patch, number)
        with pytest.raises(Crash):
            add_key(path, second)
    assert [key.name for key in read_key_file(path)] == left
    assert path.stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize(("number", "left"), [(0, b"1"), (1, b"1"), (2, b"2")])
def test_a_cursor_survives_a_crash_at_every_operation_on_the_disk(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int, left: bytes
) -> None:
    (tmp_path / "cursor").write_bytes(b"1")
    crash_at(monkeypatch, number)
    with pytest.raises(Crash):
        keep_cursor(tmp_path / "cursor", "2")
    assert (tmp_path / "cursor").read_bytes() == left


def test_what_a_killed_process_left_is_taken_away_by_the_next(tmp_path: Path) -> None:
    code = f"""
import os, signal
from pathlib import Path
from mycelium_fractal_net._outputs import whole_file
with whole_file(Path({str(tmp_path)!r}) / "x.npz") as file:
    file.write(b"half")
    file.flush()
    os.kill(os.getpid(), signal.SIGKILL)
"""
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == -signal.SIGKILL
    assert len(list(tmp_path.iterdir())) == 1
    write(tmp_path / "x.npz", b"whole")
    assert [file.name for file in tmp_path.iterdir()] == ["x.npz"]


def test_what_another_process_is_writing_stays(tmp_path: Path) -> None:
    with whole_file(tmp_path / "x") as file:
        file.write(b"first")
        write(tmp_path / "x", b"second")
        assert Path(file.name).exists()
    assert (tmp_path / "x").read_bytes() == b"first"


def test_a_directory_belongs_to_one_process_at_a_time(tmp_path: Path) -> None:
    context = multiprocessing.get_context("spawn")
    with (
        locked(tmp_path, "into out"),
        context.Pool(1) as pool,
        pytest.raises(ConfigurationError, match="another process"),
    ):
        pool.apply(_lock, (tmp_path,))
    _lock(tmp_path)


def _lock(path: Path) -> None:
    with locked(path, "into out"):
        pass


def test_names_with_stars_and_brackets_are_names(tmp_path: Path) -> None:
    (tmp_path / ".ab-1.tmp").write_bytes(b"somebody's own")
    write(tmp_path / "[a]*", b"x")
    assert sorted(file.name for file in tmp_path.iterdir()) == [".ab-1.tmp", "[a]*"]
