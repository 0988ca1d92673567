"""Each notebook is its text; the tests of CI execute them (``make notebooks``)."""

from __future__ import annotations

import re
from pathlib import Path

import jupytext
import nbformat
import pytest

ROOT = Path(__file__).parents[2]
NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))
MOST_BYTES = 400_000
NAMES = [
    "01_field_simulation",
    "02_feature_analysis",
    "03_fractal_exploration",
    "04_parameter_exploration",
    "05_streaming_client",
]


def test_these_are_the_notebooks() -> None:
    assert [notebook.stem for notebook in NOTEBOOKS] == NAMES


@pytest.mark.parametrize("notebook", NOTEBOOKS, ids=lambda notebook: notebook.stem)
def test_a_notebook_is_its_text(notebook: Path) -> None:
    def cells(read: nbformat.NotebookNode) -> list[tuple[str, str]]:
        return [(cell.cell_type, cell.source) for cell in read.cells]

    assert cells(nbformat.read(notebook, 4)) == cells(jupytext.read(notebook.with_suffix(".py")))


@pytest.mark.parametrize("notebook", NOTEBOOKS, ids=lambda notebook: notebook.stem)
def test_a_notebook_was_executed_in_order_without_an_error_and_is_small(notebook: Path) -> None:
    code = [cell for cell in nbformat.read(notebook, 4).cells if cell.cell_type == "code"]
    assert [cell.execution_count for cell in code] == list(range(1, len(code) + 1))
    assert not [output for cell in code for output in cell.outputs if output.output_type == "error"]
    assert notebook.stat().st_size < MOST_BYTES


@pytest.mark.parametrize("notebook", NOTEBOOKS, ids=lambda notebook: notebook.stem)
def test_a_notebook_installs_itself_on_colab(notebook: Path) -> None:
    first = next(cell for cell in nbformat.read(notebook, 4).cells if cell.cell_type == "code")
    assert re.search(r'%pip install --quiet "mycelium-fractal-net\[[a-z,]+\]"', first.source)


def test_binder_installs_what_the_notebooks_import() -> None:
    assert (ROOT / ".binder" / "requirements.txt").read_text().strip().startswith(".[")
    assert "mfn warmup" in (ROOT / ".binder" / "postBuild").read_text()
