"""Machine code is kept for every process after, on any disk, and taken from nobody who should not give it."""

import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import numba
import pytest

from mycelium_fractal_net._compiled import cache
from mycelium_fractal_net._compiled.places import Place

KERNEL = """
from mycelium_fractal_net._compiled import njit

@njit(nogil=True)
def inner(x):
    return 2.0 * x

@njit(nogil=True)
def outer(x):
    return inner(x) + 1.0
"""
LOADED, COMPILED = (42.0, 1, 0), (42.0, 0, 1)

Use = Callable[..., tuple[float, int, int]]


@pytest.fixture
def use(monkeypatch: pytest.MonkeyPatch) -> Use:
    """Return what makes a kernel anew, as a new process would, calls it, and counts what was loaded and compiled."""

    def make_and_call(*places: Place, text: str = KERNEL, file: str = "kernel.py") -> tuple[float, int, int]:
        monkeypatch.setattr(cache, "places", lambda: places)
        module: Any = ModuleType("kernel_of_a_test")
        monkeypatch.setitem(sys.modules, module.__name__, module)
        exec(compile(text, file, "exec"), module.__dict__)  # noqa: S102
        value = module.outer(20.5)
        stats = module.outer.dispatcher.stats
        return value, sum(stats.cache_hits.values()), sum(stats.cache_misses.values())

    return make_and_call


@pytest.fixture
def warm(tmp_path: Path, use: Use) -> Place:
    """A directory that holds the machine code of the kernel."""
    place = Place(tmp_path, writable=True)
    assert use(place) == COMPILED
    return place


def test_what_was_compiled_once_is_loaded_wherever_the_source_and_the_cache_lie(warm: Place, use: Use) -> None:
    moved = Place(warm.path.rename(warm.path.with_name("moved")), writable=True)
    assert use(moved, file="/elsewhere/kernel.py") == LOADED


def test_a_change_of_a_function_that_is_called_is_compiled_and_both_are_kept(warm: Place, use: Use) -> None:
    assert use(warm, text=KERNEL.replace("2.0 * x", "x + x")) == COMPILED
    assert use(warm) == LOADED


def test_what_cannot_be_written_is_read_and_new_code_goes_elsewhere(tmp_path: Path, warm: Place, use: Use) -> None:
    fixed = warm._replace(writable=False)
    (tmp_path / "more").mkdir()
    more = Place(tmp_path / "more", writable=True)
    before = set(warm.path.glob("*.kernel"))
    assert use(fixed, more) == LOADED
    other = KERNEL.replace("+ 1.0", "- -1.0")
    assert use(fixed, more, text=other) == COMPILED
    assert use(fixed, more, text=other) == LOADED
    assert set(warm.path.glob("*.kernel")) == before


def test_where_nothing_can_be_written_it_compiles_in_memory(use: Use) -> None:
    assert use() == COMPILED


def test_a_directory_that_is_gone_or_full_costs_a_compilation_and_nothing_else(use: Use) -> None:
    gone = Place(Path("/proc/nowhere"), writable=True)
    assert use(gone) == use(gone) == COMPILED


@pytest.mark.parametrize("damage", ["cut", "changed", "empty"])
def test_a_damaged_file_is_replaced(warm: Place, use: Use, damage: str) -> None:
    for path in warm.path.glob("*.kernel"):
        content = path.read_bytes()
        changed = content[:-1] + bytes([content[-1] ^ 1])
        path.write_bytes({"cut": content[:-9], "changed": changed, "empty": b""}[damage])
    assert use(warm) == COMPILED
    assert use(warm) == LOADED


@pytest.mark.parametrize("tampering", ["mode", "link"])
def test_a_file_that_another_could_have_written_is_not_loaded(warm: Place, use: Use, tampering: str) -> None:
    for path in list(warm.path.glob("*.kernel")):
        if tampering == "mode":
            path.chmod(0o666)
        else:
            path.symlink_to(path.rename(path.with_suffix(".aside")))
    assert use(warm) == COMPILED


def test_code_for_another_processor_is_not_loaded_and_that_for_a_level_is(
    monkeypatch: pytest.MonkeyPatch, warm: Place, use: Use
) -> None:
    codes = [("triple", "other", ""), ("triple", "x86-64-v3", ""), ("triple", "x86-64-v2", "")]
    monkeypatch.setattr(cache, "levels", lambda: ("x86-64-v2",))

    class Codegen:
        def magic_tuple(self) -> tuple[str, ...]:
            return codes[0]

    assert list(cache._processors(Codegen())) == [codes[0], codes[2]]
    monkeypatch.setattr(numba.config, "CPU_NAME", "other")  # who asks for one processor gets no other
    assert list(cache._processors(Codegen())) == [codes[0]]


def test_threads_and_processes_that_keep_the_same_kernel_leave_one_whole_file(warm: Place, use: Use) -> None:
    (one,) = warm.path.glob("outer-*.kernel")
    cache._write(one, b"first")
    cache._write(one, b"second")
    assert cache._read(one) == b"second"
    assert {path.suffix for path in warm.path.iterdir()} == {".kernel"}
