"""``mfn openapi``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

__all__ = ["openapi"]


def openapi(
    out: Annotated[Path | None, typer.Option(dir_okay=False, help="File to write; standard output by default.")] = None,
    messages: Annotated[bool, typer.Option("--asyncapi", help="Jobs and events of a worker, as AsyncAPI.")] = False,
) -> None:
    """Print the OpenAPI description of the HTTP interface; the same text for every configuration."""
    from mycelium_fractal_net import service

    text = service.asyncapi_text() if messages else service.openapi_text()
    if out is None:
        typer.echo(text, nl=False)
    else:
        out.write_text(text, encoding="utf-8")
