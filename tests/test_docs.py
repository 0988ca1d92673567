"""Pages link to what exists, and every page can be reached; their examples are run by ``conftest.py``."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PAGES = sorted([ROOT / "README.md", ROOT / "CONTRIBUTING.md", *(ROOT / "docs").rglob("*.md")])
LINK = re.compile(r"\[[^\]]*\]\(([^)#\s]+)[^)]*\)")


def _targets(page: Path) -> list[Path]:
    links = (link for link in LINK.findall(page.read_text()) if "://" not in link)
    return [(page.parent / link).resolve() for link in links]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_relative_links_lead_somewhere(page: Path) -> None:
    assert [str(target) for target in _targets(page) if not target.exists()] == []


def test_every_page_can_be_reached_from_the_readme() -> None:
    seen: set[Path] = set()
    waiting = [ROOT / "README.md"]
    while waiting:
        page = waiting.pop()
        if page not in seen and page.suffix == ".md" and page.exists():
            seen.add(page)
            waiting += _targets(page)
    assert set(PAGES) <= seen


@pytest.mark.parametrize("name", ["README.md", "docs/cli.md", "docs/biophysics.md"])
def test_pages_that_show_examples_have_some_that_run(name: str) -> None:
    assert re.search(r"^```(python|bash)$", (ROOT / name).read_text(), re.MULTILINE)
