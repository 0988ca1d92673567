"""The wheel for aarch64, built on another machine, gives the same digests there, in an emulator."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from mycelium_fractal_net._compiled.native import DIRECTORY, library
from mycelium_fractal_net.fields import get_kinetics, list_kinetics
from mycelium_fractal_net.fields._compile import built_ahead

ROOT = Path(__file__).parents[2]
PLATFORMS = ("manylinux_2_28_aarch64", "manylinux_2_27_aarch64", "manylinux_2_17_aarch64")
PROGRAMS = ("qemu-aarch64-static", "mmdebstrap")

pytestmark = [
    pytest.mark.long,
    pytest.mark.skipif(not all(map(shutil.which, PROGRAMS)), reason=f"needs {' and '.join(PROGRAMS)}"),
    pytest.mark.skipif(not (DIRECTORY / "kernels-aarch64.so").exists(), reason="make kernels builds what is tested"),
]

DIGESTS = """
import json, platform, sys
from mycelium_fractal_net import SimulationConfig, extract_features, simulate

print(platform.machine(), file=sys.stderr)
settings = [{"kinetics": name} for name in json.loads(sys.argv[1])]
settings += [{"dtype": "float32"}, {"scheme": "heun"}, {"boundary": "neumann"}]
settings += [{"boundary": "dirichlet", "quantum_jitter": True}]
digests = [simulate(SimulationConfig(grid_size=32, steps=8, **how), threads=1).digest for how in settings]
large = simulate(SimulationConfig(grid_size=160, steps=2), threads=2)
vector = extract_features(large)
assert "numba" not in sys.modules
print(json.dumps([*digests, large.digest, [value.hex() for value in vector]]))
"""


@pytest.fixture(scope="module")
def system(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make a directory with Python of Debian, the wheel and its base dependencies, all for aarch64."""
    place = tmp_path_factory.mktemp("arm64")
    include = "--include=python3,libpython3-stdlib,libstdc++6"
    make = ["mmdebstrap", "--quiet", "--arch=arm64", "--variant=extract", include, "bookworm", str(place / "root")]
    subprocess.run(make, check=True)
    build = [sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory", str(place)]
    subprocess.run(build, cwd=ROOT, env=os.environ | {"MFN_WHEEL_MACHINE": "aarch64"}, check=True, capture_output=True)
    (wheel,) = place.glob("*.whl")
    wanted = [option for name in PLATFORMS for option in ("--platform", name)]
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--target", str(place / "site"), "--only-binary", ":all:"]
    packages = ["--python-version", "3.11", "--constraint", str(ROOT / "constraints.txt"), str(wheel)]
    subprocess.run([*pip, *wanted, *packages], check=True)
    return place


def test_an_emulated_aarch64_computes_the_same_bits(system: Path) -> None:
    names = json.dumps([name for name in list_kinetics() if built_ahead(get_kinetics(name).trace, "float64")])
    root = system / "root"
    emulated = ["qemu-aarch64-static", "-L", str(root), str(root / "usr/bin/python3.11"), "-c", DIGESTS, names]
    environment = {"PYTHONHOME": str(root / "usr"), "PYTHONPATH": str(system / "site")}
    assert not list((system / "site").glob("numba*"))
    there = subprocess.run(emulated, env=environment, capture_output=True, text=True, check=False)
    assert there.stderr == "aarch64\n"
    assert library() is not None
    here = subprocess.run([sys.executable, "-c", DIGESTS, names], capture_output=True, text=True, check=True)
    assert json.loads(there.stdout) == json.loads(here.stdout)
