import os
import subprocess
import sys
from pathlib import Path

import pytest

import mycelium_fractal_net as mfn
from mycelium_fractal_net.fields import _compile, get_kinetics
from tests.fields.helpers import quiet

SCRIPT = """
import mycelium_fractal_net as mfn
from mycelium_fractal_net.fields._compile import load_kernels
simulation = mfn.Simulation(mfn.SimulationConfig(grid_size=16, steps=4, spike_probability=0.0))
simulation.advance(4)
stats = simulation._engine.kernels.advance_whole.stats
print(sum(stats.cache_hits.values()), sum(stats.cache_misses.values()), simulation.result.digest)
"""


def run(script: str, **environment: str) -> str:
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True, env={**os.environ, **environment}
    )
    return done.stdout


def test_a_second_process_does_not_compile() -> None:
    digest = mfn.simulate(quiet(grid_size=16, steps=4)).digest
    assert run(SCRIPT).split() == ["1", "0", digest]


def test_kernels_are_loaded_once_in_a_process() -> None:
    trace = get_kinetics("mycelium").trace
    assert _compile.load_kernels(trace, "float64") is _compile.load_kernels(trace, "float64")
    assert _compile.load_kernels(trace, "float64") is not _compile.load_kernels(trace, "float32")


def test_the_cache_lies_where_it_was_asked_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MFN_CACHE_DIR", str(tmp_path / "own"))
    directory = _compile.cache_directory()
    assert directory.is_relative_to(tmp_path / "own")
    assert directory.stat().st_mode & 0o077 == 0


def test_without_an_own_place_it_lies_in_the_users_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("MFN_CACHE_DIR", raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert _compile.cache_directory().is_relative_to(tmp_path)
    monkeypatch.delenv("XDG_CACHE_HOME")
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    assert _compile.cache_directory().is_relative_to(tmp_path / "home" / ".cache")


def is_private_and_temporary(directory: Path, base: Path) -> bool:
    return not directory.is_relative_to(base) and directory.is_dir() and directory.stat().st_mode & 0o077 == 0


def test_a_place_that_cannot_be_made_falls_back_to_a_private_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("in the way")
    monkeypatch.setenv("MFN_CACHE_DIR", str(tmp_path / "file"))
    assert is_private_and_temporary(_compile.cache_directory(), tmp_path)


@pytest.mark.parametrize("refusal", ["access", "getuid"])
def test_a_place_that_is_read_only_or_anothers_is_not_used(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, refusal: str
) -> None:
    monkeypatch.setenv("MFN_CACHE_DIR", str(tmp_path / "own"))
    answer = False if refusal == "access" else 424_242
    monkeypatch.setattr(os, refusal, lambda *_: answer)
    assert is_private_and_temporary(_compile.cache_directory(), tmp_path / "own")


def test_the_text_of_a_module_names_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_compile, "_directory", tmp_path)
    one = _compile._write_module("x = 1\n", "")
    assert _compile._write_module("x = 1\n", "") == one
    others = {_compile._write_module("x = 2\n", ""), _compile._write_module("x = 1\n", "other")}
    assert one not in others
    assert len(others) == 2
    assert one.read_text("utf-8") == "x = 1\n"
    assert sorted(tmp_path.iterdir()) == sorted({one, *others})


def test_the_template_itself_has_no_reaction() -> None:
    from mycelium_fractal_net.fields._reaction import reaction

    assert reaction(0.3, 0.7, ()) == (0.0, 0.0)
