"""Links of pages to files of the repository: to a page of the site where it includes the file, else a plain name."""

from __future__ import annotations

import os
import re
from pathlib import Path

from sphinx.application import Sphinx

DOCS = Path(__file__).resolve().parents[1]
INCLUDED = {"CHANGELOG.md": "changelog.md", "CONTRIBUTING.md": "contributing.md", "SECURITY.md": "security.md"}
_LINK = re.compile(r"\[([^\]]*)\]\((\.{1,2}/[^)#\s]+)(#[^)\s]*)?\)")


def _lead_inside(_: Sphinx, page: str, source: list[str]) -> None:
    folder = (DOCS / page).parent

    def replace(found: re.Match[str]) -> str:
        target = (folder / found[2]).resolve()
        if target.is_relative_to(DOCS) or not target.exists():
            return found[0]
        name = str(target.relative_to(DOCS.parent))
        inside = INCLUDED.get(name, name if name.startswith("notebooks/") else None)
        if inside:
            return f"[{found[1]}]({os.path.relpath(DOCS / inside, folder)}{found[3] or ''})"
        return f"{found[1]} (`{name}` in the repository)"

    source[0] = _LINK.sub(replace, source[0])


def setup(app: Sphinx) -> dict[str, bool]:
    """Change the text before it is parsed."""
    app.connect("source-read", _lead_inside)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
