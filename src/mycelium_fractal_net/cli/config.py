"""``mfn config``: show, check and explain the settings of the service."""

from __future__ import annotations

from typing import Annotated

import typer

from mycelium_fractal_net.cli._console import print_json
from mycelium_fractal_net.errors import ConfigurationError

__all__ = ["config"]

config = typer.Typer(
    help="Show, check and explain the settings of the service.",
    rich_markup_mode=None,
    add_completion=False,
    no_args_is_help=True,
)

Env = Annotated[str | None, typer.Option(help="dev, staging or prod; MFN_ENV by default.")]


@config.command()
def show(env: Env = None) -> None:
    """Print the settings in force as JSON, secrets as ***."""
    from mycelium_fractal_net import service

    print_json(service.shown(service.load_settings(env=env)))


@config.command()
def check(env: Env = None) -> None:
    """Check the settings and the key file; exit code 2 and one line if they are not usable."""
    from mycelium_fractal_net import service

    def refuse(complaint: str) -> None:
        raise ConfigurationError(complaint)

    settings = service.load_settings(env=env)
    for line in service.risks(settings):
        typer.echo(f"warning: {line}", err=True)
    plain, stored = service.KeyRing(settings, refuse).counts
    typer.echo(f"{settings.env}: the settings are valid; {plain} plain keys, {stored} in the key file")


@config.command()
def reference() -> None:
    """Print the table of all settings and that of the environments, as in the documentation."""
    from mycelium_fractal_net import service

    typer.echo(f"{service.settings_reference()}\n\n{service.environments_reference()}")
