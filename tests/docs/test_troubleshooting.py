"""The page on troubleshooting knows every code that an answer may carry."""

import re
from pathlib import Path

DOCS = Path(__file__).parents[2] / "docs"


def _codes(page: str) -> list[str]:
    lines = (DOCS / page).read_text(encoding="utf-8").splitlines()
    cells = (line.split("|")[1] for line in lines if line.startswith("| `"))
    return sorted(code for cell in cells for code in re.findall("`([A-Z_]+)`", cell))


def test_every_code_is_explained() -> None:
    assert _codes("troubleshooting.md") == _codes("service/errors.md")
