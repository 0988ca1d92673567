"""``mfn worker``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

__all__ = ["worker"]


def worker(
    config: Annotated[
        Path, typer.Option(help="Configuration in YAML or JSON: source, publisher and dead letters.", dir_okay=False)
    ],
    host: Annotated[str | None, typer.Option(help="Address of /health and /metrics.")] = None,
    port: Annotated[
        int | None, typer.Option(min=0, max=65535, help="Port of /health and /metrics; 0 takes a free one.")
    ] = None,
    env: Annotated[str | None, typer.Option(help="dev, staging or prod: which configuration applies.")] = None,
    log_level: Annotated[str | None, typer.Option(help="DEBUG, INFO, WARNING or ERROR.")] = None,
    log_format: Annotated[str | None, typer.Option(help="console or json.")] = None,
    threads: Annotated[int | None, typer.Option(min=1, help="Computations at a time.")] = None,
) -> None:
    """Take jobs from a source, compute them, publish the results, until SIGTERM or Ctrl-C.

    A job is acknowledged after its result is confirmed. See docs/integrations.
    """
    from mycelium_fractal_net import integrations, service

    found = integrations.load_worker_config(config, host=host, port=port)
    settings = service.load_settings(
        host=found.host,
        port=found.port,
        env=env,
        log_level=log_level,
        log_format=log_format,
        compute_threads=threads,
        api_key_required=False,
        rate_limit_enabled=False,
    )
    service.serve_worker(settings, found)
