"""Mermaid diagrams as pictures that ``docs/make_diagrams.py`` has drawn: named by their text, so that none is stale."""

from __future__ import annotations

import hashlib
import os
import re
from pathlib import Path

from sphinx.application import Sphinx
from sphinx.errors import ExtensionError

DOCS = Path(__file__).resolve().parents[1]
BLOCK = re.compile(r"^```mermaid\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def drawn(text: str) -> Path:
    """Return where the picture of a diagram stands.

    Examples
    --------
    >>> drawn("graph LR").name
    'e6efeb3d651b.svg'
    """
    return DOCS / "images" / "diagrams" / f"{hashlib.sha256(text.encode()).hexdigest()[:12]}.svg"


def _show(_: Sphinx, page: str, source: list[str]) -> None:
    folder = (DOCS / page).parent

    def replace(found: re.Match[str]) -> str:
        picture = drawn(found[1])
        if not picture.exists():
            raise ExtensionError(f"a diagram of {page} has no picture; docs/make_diagrams.py draws it")
        return f"![Diagram; its text stands in the source of this page]({os.path.relpath(picture, folder)})"

    source[0] = BLOCK.sub(replace, source[0])


def setup(app: Sphinx) -> dict[str, bool]:
    """Change the text before it is parsed."""
    app.connect("source-read", _show)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
