"""What users' type checkers and editors see of the package; mypy checks ``api.py`` with the rest of the tests."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import mycelium_fractal_net as mfn

API = Path(__file__).with_name("api.py")
NAMES = [name for name in mfn.__all__ if name != "__version__"]


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> list[dict[str, Any]]:
    """What pyright says of api.py, and of the type of every public name."""
    file = tmp_path_factory.mktemp("names") / "names.py"
    file.write_text("import mycelium_fractal_net as mfn\n" + "".join(f"reveal_type(mfn.{name})\n" for name in NAMES))
    command = [
        sys.executable,
        "-m",
        "basedpyright",
        "--pythonpath",
        sys.executable,
        "--outputjson",
        str(API),
        str(file),
    ]
    run = subprocess.run(command, cwd=API.parents[2], capture_output=True, text=True, check=False)
    return list(json.loads(run.stdout)["generalDiagnostics"])


def test_pyright_agrees_with_what_the_api_is_said_to_be(told: list[dict[str, Any]]) -> None:
    assert [item["message"] for item in told if item["severity"] == "error"] == []


def test_pyright_sees_a_type_behind_every_public_name(told: list[dict[str, Any]]) -> None:
    seen = [item["message"] for item in told if item["message"].startswith("Type of")]
    assert len(seen) == len(NAMES)
    assert not [message for message in seen if message.endswith(('is "Any"', 'is "Unknown"'))]
