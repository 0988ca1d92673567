"""The description says what the service does: the file in docs/ is it, every example works."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from openapi_spec_validator import OpenAPIV31SpecValidator

import mycelium_fractal_net as mfn
from mycelium_fractal_net.cli import main
from mycelium_fractal_net.service.reference import openapi_text

FILE = Path(__file__).parents[2] / "docs" / "openapi.json"
DESCRIPTION: dict[str, Any] = json.loads(FILE.read_text())


def test_the_file_is_what_the_code_describes() -> None:
    assert FILE.read_text() == openapi_text(), "write it again: mfn openapi --out docs/openapi.json"


def test_settings_do_not_change_the_description(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("MFN_ENV", "prod")
    monkeypatch.setenv("MFN_METRICS_ENABLED", "false")
    assert main(["openapi"]) == 0
    assert capsys.readouterr().out == FILE.read_text()
    assert main(["openapi", "--out", str(tmp_path / "api.json")]) == 0
    assert (tmp_path / "api.json").read_text() == FILE.read_text()


def test_it_is_valid_openapi_of_this_version() -> None:
    OpenAPIV31SpecValidator(DESCRIPTION).validate()
    assert DESCRIPTION["info"]["version"] == mfn.__version__
