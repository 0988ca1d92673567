import linecache
import os
import subprocess
import sys

import pytest

import mycelium_fractal_net as mfn
from mycelium_fractal_net.fields import _compile, get_kinetics
from tests.fields.helpers import quiet

SCRIPT = """
import mycelium_fractal_net as mfn
from mycelium_fractal_net._compiled import kernel
kernel.library = lambda: None  # what was built ahead is never compiled
simulation = mfn.Simulation(mfn.SimulationConfig(grid_size=16, steps=4, spike_probability=0.0))
simulation.advance(4)
stats = simulation._engine.kernels.advance_whole.dispatcher.stats
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


def test_generated_kernels_are_no_file_and_are_named_by_their_reaction(monkeypatch: pytest.MonkeyPatch) -> None:
    trace = get_kinetics("mycelium").trace
    module = _compile.load_kernels(trace, "float64")
    name = module.__name__
    assert sys.modules[name] is module
    assert not hasattr(module, "__file__")
    assert name != _compile.load_kernels(trace, "float32").__name__
    assert "def reaction(a, h, p):" in "".join(linecache.getlines(f"<{name}>"))


def test_the_template_itself_has_no_reaction() -> None:
    from mycelium_fractal_net.fields._reaction import reaction

    assert reaction(0.3, 0.7, ()) == (0.0, 0.0)
