"""The documented example tells the three morphologies apart on fields that it has not seen."""

import importlib.util
from pathlib import Path

import pytest

EXAMPLE = Path(__file__).parents[2] / "examples" / "classify_morphologies.py"


def test_the_example_names_held_out_fields(capsys: pytest.CaptureFixture[str]) -> None:
    spec = importlib.util.spec_from_file_location("classify_morphologies", EXAMPLE)
    assert spec is not None
    assert spec.loader is not None
    example = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(example)
    assert example.main(samples=12) > 0.85
    assert "held-out fields are named rightly" in capsys.readouterr().out
