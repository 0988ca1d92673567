"""What an import costs, and which files may import what."""

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import mycelium_fractal_net

SOURCE = Path(mycelium_fractal_net.__file__).parent
HEAVY = (
    "numba",
    "numpy",
    "scipy",
    "pydantic",
    "typer",
    "rich",
    "matplotlib",
    "torch",
    "fastapi",
    "pyarrow",
    "sklearn",
)
HOMES = {
    "numba": {"_compiled"},
    "llvmlite": {"_compiled"},
    "matplotlib": {"visualization"},
    "PIL": {"visualization", "cli"},
    "torch": {"validation", "learning"},
    "dask": {"datasets"},
    "distributed": {"datasets"},
    "flwr": {"federated"},
    "fastapi": {"service"},
    "uvicorn": {"service"},
    "typer": {"cli"},
    "rich": {"cli"},
}


def _imports() -> Iterator[tuple[str, str]]:
    """Yield each source file with the top-level packages it imports, anywhere in it."""
    for path in sorted(SOURCE.rglob("*.py")):
        name = path.relative_to(SOURCE).as_posix()
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Import):
                yield from ((name, alias.name.split(".")[0]) for alias in node.names)
            elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
                yield name, node.module.split(".")[0]


IMPORTS = sorted(set(_imports()))


def _loaded_by(statement: str) -> set[str]:
    code = f"import sys; {statement}; print(*sorted({{name.split('.')[0] for name in sys.modules}}))"
    return set(subprocess.check_output([sys.executable, "-c", code], text=True).split())


@pytest.mark.parametrize(
    ("statement", "allowed"),
    [
        ("import mycelium_fractal_net", set()),
        ("import mycelium_fractal_net as mfn; mfn.__version__, dir(mfn), mfn.MFNError", set()),
        ("import mycelium_fractal_net as mfn; mfn.nernst_potential_mv(1, 0.1, 0.01)", {"numpy"}),
        ("import mycelium_fractal_net.cli", {"typer", "rich"}),
    ],
)
def test_an_import_loads_nothing_heavy_that_is_not_used(statement: str, allowed: set[str]) -> None:
    assert _loaded_by(statement) & set(HEAVY) <= allowed


def test_numba_compiles_in_kernel_files_only() -> None:
    users = {
        path.name
        for path in SOURCE.rglob("*.py")
        if re.search(r"^\s*@(numba\.)?n?jit\b", path.read_text(), re.MULTILINE)
    }
    assert users
    assert {name for name in users if not name.startswith("_kernels")} - {"_reaction.py", "_laplacian.py"} == set()


@pytest.mark.parametrize("package", sorted(HOMES))
def test_an_optional_package_stays_in_its_room(package: str) -> None:
    rooms = {name.split("/")[0] for name, imported in IMPORTS if imported == package}
    assert rooms <= HOMES[package]


def test_source_files_stay_small_enough_to_read() -> None:
    lengths = {path.name: path.read_text().count("\n") for path in SOURCE.rglob("*.py")}
    assert {name: length for name, length in lengths.items() if length > 450} == {}
