"""Results as pictures and tables in notebooks; the room that draws lies above those that show, and is found by name."""

from __future__ import annotations

import base64
import io
from collections.abc import Iterable
from html import escape
from importlib import import_module
from typing import Any

from mycelium_fractal_net.errors import MissingExtraError

__all__ = ["draw", "image_html", "table_html"]

_DOTS_PER_INCH = 72


def draw(function: str, *values: Any, **options: Any) -> Any:
    """Call a function of ``mycelium_fractal_net.visualization``.

    Raises
    ------
    MissingExtraError
        Without matplotlib.
    """
    return getattr(import_module("mycelium_fractal_net.visualization"), function)(*values, **options)


def image_html(function: str, *values: Any, **options: Any) -> str:
    """Return a figure as HTML that needs no other file; nothing where matplotlib is missing."""
    try:
        figure = draw(function, *values, **options)
    except MissingExtraError:
        return ""
    file = io.BytesIO()
    figure.savefig(file, format="png", dpi=_DOTS_PER_INCH)
    data = base64.b64encode(file.getvalue()).decode()
    return f'<img alt="{escape(function.replace("_", " "))}" src="data:image/png;base64,{data}">'


def table_html(rows: Iterable[tuple[str, ...]]) -> str:
    """Return rows of texts as an HTML table, the first of each as its heading.

    Examples
    --------
    >>> table_html([("V_min", "-70", "mV")])
    '<table><tr><th>V_min</th><td>-70</td><td>mV</td></tr></table>'
    """
    cells = (
        f"<tr><th>{escape(first)}</th>{''.join(f'<td>{escape(text)}</td>' for text in others)}</tr>"
        for first, *others in rows
    )
    return f"<table>{''.join(cells)}</table>"
