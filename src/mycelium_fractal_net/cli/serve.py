"""``mfn serve``."""

from __future__ import annotations

from typing import Annotated

import typer

__all__ = ["serve"]


def serve(
    host: Annotated[str | None, typer.Option(help="Address to listen on.")] = None,
    port: Annotated[int | None, typer.Option(min=0, max=65535, help="Port to listen on; 0 takes a free one.")] = None,
    env: Annotated[str | None, typer.Option(help="dev, staging or prod: which configuration applies.")] = None,
    log_level: Annotated[str | None, typer.Option(help="DEBUG, INFO, WARNING or ERROR.")] = None,
    log_format: Annotated[str | None, typer.Option(help="console or json.")] = None,
    threads: Annotated[int | None, typer.Option(min=1, help="Computations at a time.")] = None,
) -> None:
    """Serve the HTTP interface until SIGTERM or Ctrl-C; running requests finish.

    Options beat the environment (MFN_*), which beats secrets and the configuration file. See mfn config reference.
    """
    from mycelium_fractal_net import service

    settings = service.load_settings(
        host=host, port=port, env=env, log_level=log_level, log_format=log_format, compute_threads=threads
    )
    service.serve(settings)
