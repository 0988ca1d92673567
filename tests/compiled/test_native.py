"""Kernels built ahead: the bits of the compiled ones and of Python's, without Numba, on processors that reach them."""

import os
import platform
import shutil
import subprocess
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import mycelium_fractal_net as mfn
from mycelium_fractal_net._compiled import kernel, native
from mycelium_fractal_net._compiled.kernel import Kernel
from mycelium_fractal_net._compiled.native import Library
from mycelium_fractal_net.errors import MissingExtraError
from native import build
from tests.compiled import kernels_of_a_test as kernels

pytestmark = pytest.mark.skipif(sys.platform != "linux" or shutil.which("cc") is None, reason="needs a C compiler")

needs_emulator = pytest.mark.skipif(
    not shutil.which("qemu-x86_64-static") and not os.environ.get("CI"), reason="qemu-x86_64-static is not installed"
)

ROOT = Path(__file__).parents[2]
ROWS = np.arange(12.0).reshape(3, 4)
CALLS: list[tuple[Kernel, Callable[[], tuple[Any, ...]]]] = [
    (kernels.weigh, lambda: (ROWS[0], 0.1, (True, (False, 2)), 3)),
    (kernels.weigh, lambda: (ROWS[:, 1], np.float32(0.1), (np.bool_(True), (True, np.int64(2))), np.int32(-3))),
    (kernels.mirror, lambda: (np.arange(9.0).reshape(3, 3),)),
    (kernels.mirror, lambda: (np.arange(9.0, dtype=np.float32).reshape(3, 3).T,)),
    (kernels.mirror, lambda: (np.arange(36).reshape(6, 6)[::2, ::2],)),
    (kernels.draw, lambda: (np.random.default_rng(1), np.random.default_rng(2))),
    (kernels.stack, lambda: (100,)),
    (kernels.divide, lambda: (7, 2)),
]


@pytest.fixture(scope="module")
def parts() -> list[build.Part]:
    def call_all() -> None:
        for called, arguments in CALLS:
            called(*arguments())

    return [build.compile_part("zero", call_all), build.compile_part("one", partial(kernels.borrow, 3))]


@pytest.fixture(scope="module")
def library(parts: list[build.Part], tmp_path_factory: pytest.TempPathFactory) -> Library:
    return Library(build.write_library("x86-64-v2", parts, tmp_path_factory.mktemp("libraries")))


@pytest.fixture
def ahead(library: Library, monkeypatch: pytest.MonkeyPatch) -> Library:
    """Let kernels of this test find their library, and no compiler."""
    monkeypatch.setattr(kernel, "library", lambda: library)
    monkeypatch.setattr(kernel, "find_spec", lambda _: None)
    return library


def same(one: Any, other: Any) -> bool:
    """Tell whether numbers are equal, and arrays to the bit."""
    if isinstance(one, tuple):
        return len(one) == len(other) and all(map(same, one, other))
    if isinstance(one, np.ndarray):
        return bool(one.dtype == other.dtype and one.shape == other.shape and one.tobytes() == other.tobytes())
    return bool(one == other)


@pytest.mark.slow
@pytest.mark.parametrize("number", range(len(CALLS)))
def test_code_built_ahead_gives_the_bits_of_the_compiler_and_of_python(library: Library, number: int) -> None:
    called, arguments = CALLS[number]
    ahead, compiled, plain = (arguments() for _ in range(3))
    found = library.prepare(called.name, ahead)
    assert found is not None
    result = found()
    assert same(result, called.dispatcher(*compiled))
    assert same(result, called.py_func(*plain))
    if called is kernels.mirror:
        assert same(ahead, compiled)
        assert same(ahead, plain)


def test_kernels_built_ahead_raise_what_python_does(ahead: Library) -> None:
    with pytest.raises(ZeroDivisionError, match="division by zero"):
        kernels.divide(1, 0)
    with pytest.raises(MemoryError, match="Allocation failed"):
        kernels.borrow(1 << 60)


def test_results_are_pythons_own_and_their_memory_is_given_back(ahead: Library) -> None:
    found, (flag, _), total, nothing = kernels.weigh(*CALLS[0][1]())
    assert type(flag) is bool
    assert type(total) is float
    assert found.flags.owndata
    assert found.flags.writeable
    assert nothing.size == 0


def test_without_numba_other_types_are_refused_with_the_line_that_installs_it(ahead: Library) -> None:
    fresh = Kernel(kernels.divide.py_func, {"nogil": True})
    assert fresh(7, 2) == 3
    with pytest.raises(MissingExtraError, match=r'Run: pip install "mycelium-fractal-net\[jit\]"'):
        fresh(7.0, 2)
    assert fresh.signatures == []


def test_a_kinetics_of_ones_own_needs_numba(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kernel, "find_spec", lambda _: None)
    with pytest.raises(MissingExtraError, match="numba is not installed"):

        @mfn.kinetics("needs-a-compiler", diffusion=(0.1, 0.2), steady_guess=(1.0, 1.0))
        def rates(a: Any, h: Any, k: float = 1.0) -> Any:
            return a - k * h, k * a - h


@pytest.mark.parametrize(
    ("machine", "names"),
    [
        ("x86_64", ["kernels-x86-64-v4.so", "kernels-x86-64-v3.so", "kernels-x86-64-v2.so"]),
        ("aarch64", ["kernels-aarch64.so"]),
        ("riscv64", []),
    ],
)
def test_a_machine_looks_for_its_libraries_the_highest_level_first(
    monkeypatch: pytest.MonkeyPatch, machine: str, names: list[str]
) -> None:
    monkeypatch.setattr(platform, "machine", lambda: machine)
    assert list(native.library_names()) == names


EMULATED = """
import sys
from pathlib import Path
from mycelium_fractal_net._compiled import kernel, native
from tests.compiled import kernels_of_a_test as kernels

native.DIRECTORY, native.source_stamp = Path(sys.argv[1]), lambda: sys.argv[2]
print(native.library().path.name, kernels.stack(100))
"""


@needs_emulator
def test_a_processor_without_vectors_of_four_takes_the_level_that_it_reaches(
    library: Library, parts: list[build.Part]
) -> None:
    build.write_library("x86-64-v4", parts, library.path.parent)
    emulator = ("qemu-x86_64-static", "-cpu", "Nehalem")
    command = [*emulator, sys.executable, "-c", EMULATED, str(library.path.parent), library.stamp]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.stdout.split() == ["kernels-x86-64-v2.so", repr(kernels.stack.py_func(100))], done.stderr


def test_only_a_library_of_these_sources_is_used(
    library: Library, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(native, "DIRECTORY", tmp_path)
    monkeypatch.setattr(native, "library_names", lambda: ["there-is-none.so", "kernels-x86-64-v2.so"])
    (tmp_path / "there-is-none.so").write_bytes(b"no library")
    assert native.library.__wrapped__() is None
    shutil.copy(library.path, tmp_path)
    found = native.library.__wrapped__()
    assert found is not None
    assert found.kernels == library.kernels
    monkeypatch.setattr(native, "source_stamp", lambda: "another")
    assert native.library.__wrapped__() is None


def test_every_function_that_python_calls_releases_the_gil_unless_it_says_held(library: Library) -> None:
    held = {name for name in library.kernels if name.endswith(" held")}
    assert held == {kernels.mirror.name}
