"""The wheel with kernels, installed by pip into an environment of its own: no compiler, no SciPy, the same bits."""

import json
import os
import platform
import subprocess
import sys
from pathlib import Path

import pytest

import mycelium_fractal_net as mfn
from mycelium_fractal_net._compiled.native import library

ROOT = Path(__file__).parents[1]

pytestmark = [
    pytest.mark.long,
    pytest.mark.skipif(library() is None, reason="make kernels builds what is tested"),
]


@pytest.fixture(scope="module")
def programs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Install the wheel from outside this directory, and return where its programs are."""
    place = tmp_path_factory.mktemp("installed")
    build = [sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory", str(place)]
    subprocess.run(build, cwd=ROOT, check=True, capture_output=True)
    (wheel,) = place.glob(f"*-py3-none-manylinux_2_17_{platform.machine()}.whl")
    subprocess.run([sys.executable, "-m", "venv", str(place / "venv")], check=True)
    pip = [str(place / "venv/bin/python"), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    subprocess.run([*pip, "--constraint", str(ROOT / "constraints.txt"), str(wheel)], check=True)
    return place / "venv" / "bin"


def run(programs: Path, tmp_path: Path, *arguments: str) -> "subprocess.CompletedProcess[str]":
    clean = {key: value for key, value in os.environ.items() if not key.startswith(("PYTHON", "COV", "MFN_", "XDG_"))}
    return subprocess.run(
        [str(programs / arguments[0]), *arguments[1:]],
        env={**clean, "HOME": str(tmp_path)},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )


def test_nothing_of_a_compiler_is_installed(programs: Path) -> None:
    site = programs.parent / "lib" / f"python{sys.version_info.major}.{sys.version_info.minor}" / "site-packages"
    names = {path.name.split("-")[0] for path in site.glob("*.dist-info")}
    assert {"mycelium_fractal_net", "numpy", "pydantic"} <= names
    assert names.isdisjoint({"numba", "llvmlite", "scipy", "matplotlib"})


def test_a_first_simulation_compiles_nothing_and_gives_the_same_bits(programs: Path, tmp_path: Path) -> None:
    done = run(programs, tmp_path, "mfn", "simulate", "--json", "--out", "out", "--format", "json,npz")
    assert (done.returncode, done.stderr) == (0, "")
    assert json.loads(done.stdout)["digest"] == mfn.simulate(mfn.SimulationConfig()).digest
    assert list(tmp_path.rglob("*.kernel")) == []


@pytest.mark.parametrize(
    "options",
    [
        ("--dtype", "float32"),
        ("--scheme", "heun", "--grid-size", "32", "--steps", "4"),
        ("--resolution", "2", "--grid-size", "32", "--steps", "4"),
        ("--boundary", "neumann", "--quantum-jitter", "--grid-size", "32", "--steps", "4"),
    ],
)
def test_other_simulations_need_no_compiler_either(programs: Path, tmp_path: Path, options: tuple[str, ...]) -> None:
    here = subprocess.run(
        [str(Path(sys.executable).parent / "mfn"), "simulate", *options, "--json"],
        capture_output=True,
        text=True,
        check=True,
    )
    there = run(programs, tmp_path, "mfn", "simulate", *options, "--json")
    assert there.returncode == 0, there.stderr
    assert json.loads(there.stdout)["digest"] == json.loads(here.stdout)["digest"]


def test_what_needs_more_names_the_line_for_pip(programs: Path, tmp_path: Path) -> None:
    own = "import mycelium_fractal_net as m\n\n@m.kinetics('own', diffusion=(0.1, 0.2), steady_guess=(1.0, 1.0))\n"
    own += "def rates(a, h, k=1.0):\n    return a - k * h, k * a - h\n"
    for needed, arguments in (
        ("jit", ("python", "-c", own)),
        ("jit", ("mfn", "simulate", "--stencil", "9", "--grid-size", "16", "--steps", "1")),
        ("scipy", ("mfn", "simulate", "--scheme", "exponential", "--grid-size", "16", "--steps", "1")),
    ):
        done = run(programs, tmp_path, *arguments)
        assert done.returncode != 0
        assert f'pip install "mycelium-fractal-net[{needed}]"' in done.stderr
