"""How Sphinx makes the site from these pages: ``make site`` writes ``site/``, which opens from a file."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE / "_ext"))

from mycelium_fractal_net import __version__  # noqa: E402

shutil.copytree(HERE.parent / "notebooks", HERE / "notebooks", dirs_exist_ok=True)  # Sphinx reads one tree

project = "MyceliumFractalNet"
author = copyright = "The MyceliumFractalNet developers"  # noqa: A001 # Sphinx calls it so
version = release = __version__

extensions = [
    "myst_nb",
    "sphinx.ext.autodoc",
    "sphinx.ext.napoleon",
    "sphinx_copybutton",
    "sphinx_design",
    "diagrams",
    "mathml",
    "outside",
]
exclude_patterns = ["_ext", "**/.ipynb_checkpoints"]
suppress_warnings = [
    "misc.highlighting_failure",  # "..." stands in shortened JSON
    "ref.python",  # words of the docstrings' types, as rows, are names of attributes too
]

myst_enable_extensions = ["colon_fence", "deflist", "dollarmath"]
myst_heading_anchors = 3
nb_execution_mode = "off"  # the tests run every block and every notebook; the site shows what they stored

autodoc_member_order = "bysource"
autodoc_typehints = "none"  # the docstrings say types, with shapes and units
autodoc_default_options = {"members": True, "imported-members": True, "show-inheritance": True}
napoleon_google_docstring = False
napoleon_use_ivar = True
napoleon_use_rtype = False

html_theme = "pydata_sphinx_theme"
html_title = f"{project} {version}"
html_static_path = ["_static"]
html_css_files = ["site.css"]
html_show_sourcelink = False
html_theme_options = {
    "show_nav_level": 1,
    "navigation_depth": 2,
    "header_links_before_dropdown": 7,
    "show_prev_next": True,
    "footer_start": ["copyright"],
    "footer_end": ["sphinx-version"],
    "pygments_light_style": "tango",
    "pygments_dark_style": "github-dark",
}
