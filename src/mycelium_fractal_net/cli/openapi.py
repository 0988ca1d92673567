"""``mfn openapi``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

__all__ = ["openapi"]


def openapi(
    out: Annotated[Path | None, typer.Option(dir_okay=False, help="File to write; standard output by default.")] = None,
) -> None:
    """Print the OpenAPI description of the HTTP interface; the same text for every configuration."""
    from mycelium_fractal_net import service

    if out is None:
        typer.echo(service.openapi_text(), nl=False)
    else:
        out.write_text(service.openapi_text(), encoding="utf-8")
