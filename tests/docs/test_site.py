"""The site builds without a warning, leads nowhere that is not there, and asks no other host for anything."""

from __future__ import annotations

import os
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote

import pytest

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[2]
FETCHED = {"img": "src", "link": "href", "script": "src", "source": "src", "video": "src", "iframe": "src"}


class _Page(HTMLParser):
    """What a page fetches, where it leads, and the places in it that others may lead to."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.fetched: list[str] = []
        self.links: list[str] = []
        self.places: set[str] = set()
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value for name, value in attrs if value}
        self.places |= {given[name] for name in ("id", "name") if name in given}
        if target := given.get(FETCHED.get(tag, "")):
            self.fetched.append(target)
        if tag == "a" and "href" in given:
            self.links.append(given["href"])


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> dict[Path, _Page]:
    site = tmp_path_factory.mktemp("site")
    command = [sys.executable, "-m", "sphinx", "-W", "--keep-going", "-q", "-b", "html", str(ROOT / "docs"), str(site)]
    environment = {name: value for name, value in os.environ.items() if not name.startswith("COV")}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    files = [file for file in site.rglob("*.html") if "_static" not in file.parts]
    return {file: _Page(file.read_text(encoding="utf-8")) for file in files}


def test_nothing_is_fetched_from_another_host(pages: dict[Path, _Page]) -> None:
    assert [url for page in pages.values() for url in page.fetched if "//" in url] == []


def test_what_a_page_fetches_is_there(pages: dict[Path, _Page]) -> None:
    for file, page in pages.items():
        for url in page.fetched:
            path = unquote(url.partition("?")[0].partition("#")[0])
            assert (file.parent / path).exists(), f"{url} of {file.name}"


def test_every_link_leads_to_a_place_that_is_there(pages: dict[Path, _Page]) -> None:
    broken = [
        f"{file.name}: {link}"
        for file, page in pages.items()
        for link in page.links
        if "://" not in link and not link.startswith("mailto:") and not _leads_somewhere(file, link, pages)
    ]
    assert broken == []


def _leads_somewhere(file: Path, link: str, pages: dict[Path, _Page]) -> bool:
    path, _, place = unquote(link).partition("#")
    target = (file.parent / path).resolve() if path else file
    if target.suffix != ".html":
        return target.exists()
    return target in pages and (not place or place in pages[target].places)


def test_every_public_name_stands_in_the_reference(pages: dict[Path, _Page]) -> None:
    import mycelium_fractal_net as mfn

    places = {place.rpartition(".")[2] for page in pages.values() for place in page.places}
    classes_and_functions = [name for name in mfn.__all__ if callable(getattr(mfn, name))]
    assert [name for name in classes_and_functions if name not in places] == []


def test_diagrams_are_shown_as_pictures(pages: dict[Path, _Page]) -> None:
    (integrations,) = [page for file, page in pages.items() if file.parts[-2:] == ("integrations", "README.html")]
    assert [url for url in integrations.fetched if url.endswith(".svg")]
