"""The wheel holds what it should and works beside its base dependencies alone.

The environment is made from links to the installed base dependencies, so that no network is needed;
``.ci/check-wheel`` does the same through pip.
"""

import os
import re
import shutil
import subprocess
import sys
import zipfile
from importlib.metadata import Distribution, distribution
from pathlib import Path

import pytest
from packaging.requirements import Requirement

import mycelium_fractal_net as mfn

ROOT = Path(__file__).parents[1]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return _build(ROOT, tmp_path_factory.mktemp("dist"))


def _build(tree: Path, target: Path, **environment: str) -> Path:
    subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory", str(target)],
        cwd=tree,
        env=os.environ | environment,
        check=True,
        capture_output=True,
    )
    return next(target.glob("*.whl"))


@pytest.fixture(scope="module")
def environment(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make a directory that holds the unpacked wheel and its base dependencies, nothing else."""
    place = tmp_path_factory.mktemp("site")
    zipfile.ZipFile(wheel).extractall(place)
    for dependency in _closure(distribution("mycelium-fractal-net")):
        for top in {Path(str(file)).parts[0] for file in dependency.files or []} - {"..", "__pycache__"}:
            link = place / top
            if not link.exists():
                link.symlink_to(Path(str(dependency.locate_file(top))))
    return place


def _closure(root: Distribution) -> list[Distribution]:
    """Return what the distribution requires without extras, and what that requires."""
    found: dict[str, Distribution] = {}
    waiting = [root]
    while waiting:
        for text in waiting.pop().requires or []:
            requirement = Requirement(text)
            name = re.sub(r"[-_.]+", "-", requirement.name).lower()
            if name not in found and (requirement.marker is None or requirement.marker.evaluate({"extra": ""})):
                found[name] = distribution(name)
                waiting.append(found[name])
    return list(found.values())


def _run(environment: Path, *arguments: str) -> str:
    clean = {key: value for key, value in os.environ.items() if not key.startswith(("PYTHON", "COV"))}
    done = subprocess.run(
        [sys.executable, "-S", *arguments],
        env={**clean, "PYTHONPATH": str(environment)},
        cwd=environment.parent,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_the_wheel_holds_the_package_and_nothing_beside_it(wheel: Path) -> None:
    names = zipfile.ZipFile(wheel).namelist()
    sources = {p.relative_to(ROOT / "src").as_posix() for p in (ROOT / "src").rglob("*.py")}
    assert sources <= set(names)
    assert "mycelium_fractal_net/py.typed" in names
    configs = {path.name for path in (ROOT / "configs").glob("*.json")}
    assert {f"mycelium_fractal_net/configs/{name}" for name in configs} <= set(names)
    assert {name.split("/")[0].split("-")[0] for name in names} == {"mycelium_fractal_net"}


@pytest.mark.parametrize(("machine", "kind"), [("x86_64", "x86-64-v3"), ("aarch64", "aarch64")])
def test_a_wheel_with_kernels_is_of_one_machine_and_needs_no_compiler(tmp_path: Path, machine: str, kind: str) -> None:
    for name in ("pyproject.toml", "hatch_build.py", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, tmp_path)
    shutil.copytree(ROOT / "configs", tmp_path / "configs")
    package = Path("src/mycelium_fractal_net")
    (tmp_path / package / "_compiled" / "libraries").mkdir(parents=True)
    shutil.copy(ROOT / package / "_version.py", tmp_path / package)
    for name in ("kernels-x86-64-v3.so", "kernels-aarch64.so"):
        (tmp_path / package / "_compiled" / "libraries" / name).write_bytes(b"")
    built = _build(tmp_path, tmp_path / "dist", MFN_WHEEL_MACHINE=machine)
    assert re.search(rf"-py3-none-manylinux_2_\d\d_{machine}\.whl$", built.name)
    archive = zipfile.ZipFile(built)
    assert [name.split("/")[-1] for name in archive.namelist() if name.endswith(".so")] == [f"kernels-{kind}.so"]
    (metadata,) = (name for name in archive.namelist() if name.endswith("/METADATA"))
    required = {
        Requirement(text).name
        for text in re.findall(r"Requires-Dist: (.*)", archive.read(metadata).decode())
        if "extra ==" not in text
    }
    assert required == {"numpy", "pydantic", "rich", "typer"}


def test_base_dependencies_do_not_bring_an_extra_along() -> None:
    names = {dist.name.lower() for dist in _closure(distribution("mycelium-fractal-net"))}
    assert {"numpy", "pydantic", "typer", "rich"} <= names
    assert names.isdisjoint({"torch", "fastapi", "matplotlib", "pyarrow", "scikit-learn", "dask"})


def test_every_public_name_loads_from_the_wheel(environment: Path) -> None:
    code = """
import mycelium_fractal_net as m
print(m.__file__)
for name in m.__all__:
    try:
        getattr(m, name)
    except m.MissingExtraError:
        print(name)
"""
    place, *without_extra = _run(environment, "-c", code).splitlines()
    assert place.startswith(str(environment))
    assert without_extra == ["FieldFeatureExtractor"]


def test_the_command_line_works_from_the_wheel(environment: Path) -> None:
    main = "import sys; from mycelium_fractal_net.cli import main; sys.exit(main())"
    version = _run(environment, "-c", main, "--version")
    assert re.fullmatch(r"mfn \d+\.\d+\.\d+\S*\n", version)
    assert _run(environment, "-c", main, "nernst", "1", "0.005", "0.140") == "-89.0587 mV\n"
    assert "Turing-unstable" in _run(environment, "-c", main, "stability", "mycelium")


def test_the_wheel_simulates_the_same_bits(environment: Path) -> None:
    code = "import mycelium_fractal_net as m; print(m.simulate(m.SimulationConfig(grid_size=16, steps=2)).digest)"
    here = mfn.simulate(mfn.SimulationConfig(grid_size=16, steps=2))
    assert _run(environment, "-c", code).strip() == here.digest
