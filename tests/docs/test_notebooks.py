"""Each notebook is its text; the tests of CI execute them (``make notebooks``)."""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path

import jupytext
import nbclient
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


def test_results_vectors_and_reports_show_themselves_in_a_fresh_kernel(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A picture and a table each, as a kernel sends them to whoever displays."""
    kernel = tmp_path / "kernels" / "this"
    kernel.mkdir(parents=True)
    command = [sys.executable, "-m", "ipykernel_launcher", "-f", "{connection_file}"]
    (kernel / "kernel.json").write_text(json.dumps({"argv": command, "display_name": "this", "language": "python"}))
    monkeypatch.setenv("JUPYTER_PATH", str(tmp_path))
    lines = (
        "import mycelium_fractal_net as mfn",
        "result = mfn.simulate(mfn.SimulationConfig(grid_size=16, steps=4))\nresult",
        "result.features",
        "mfn.linear_stability('mycelium')",
    )
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(line) for line in lines])
    nbclient.NotebookClient(notebook, timeout=300, startup_timeout=300, kernel_name="this").execute()
    result, vector, report = (cell.outputs[-1].data["text/html"] for cell in notebook.cells[1:])
    assert "data:image/png;base64," in result
    assert "16 x 16 cells" in result
    assert "<th>V_min</th>" in vector
    assert "data:image/png;base64," in report
    assert "Turing-unstable" in report
