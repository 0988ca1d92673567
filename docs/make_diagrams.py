"""Draw the Mermaid diagrams of the pages for the site, which asks no other host and runs no script for them.

``npm pack mermaid@11 && tar xf mermaid-*.tgz && python docs/make_diagrams.py package/dist/mermaid.min.js`` writes
``docs/images/diagrams``, one SVG for each block; needs the program ``chromium``. ``docs/_ext/diagrams.py`` shows them.
"""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent / "_ext"))
from diagrams import BLOCK, DOCS, drawn
from playwright.sync_api import sync_playwright

OPTIONS = '{startOnLoad: false, theme: "neutral", fontFamily: "sans-serif", htmlLabels: false}'


def main(library: str) -> None:
    """Draw each diagram, and forget those that are gone."""
    texts = [text for page in DOCS.rglob("*.md") for text in BLOCK.findall(page.read_text(encoding="utf-8"))]
    folder = drawn("").parent
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    program = shutil.which("chromium") or shutil.which("google-chrome")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=["--no-sandbox"])
        page = browser.new_page()
        page.set_content("<div id='here'></div>")
        page.add_script_tag(path=library)
        page.evaluate(f"mermaid.initialize({OPTIONS})")
        for text in texts:
            svg = page.evaluate("async (text) => (await mermaid.render('diagram', text)).svg", text)
            drawn(text).write_text(svg + "\n", encoding="utf-8")
        browser.close()


if __name__ == "__main__":
    main(sys.argv[1])
