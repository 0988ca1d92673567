"""``mfn keys``: make keys for the service."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from mycelium_fractal_net.cli._console import print_table
from mycelium_fractal_net.errors import ConfigurationError

__all__ = ["keys"]

keys = typer.Typer(
    help="Create, list and revoke API keys of the service.",
    rich_markup_mode=None,
    add_completion=False,
    no_args_is_help=True,
)

KeyFile = Annotated[Path, typer.Option("--file", dir_okay=False, help="The key file, as in MFN_API_KEY_FILE.")]


@keys.command()
def create(
    name: Annotated[str, typer.Argument(help="Name of the key's owner.")],
    file: KeyFile,
    scope: Annotated[
        list[str] | None,
        typer.Option(help="simulate, federated, metrics or admin; repeatable. [default: all but admin]"),
    ] = None,
    env: Annotated[str, typer.Option(envvar="MFN_ENV", help="dev, staging or prod.")] = "dev",
    pepper: Annotated[
        str | None, typer.Option(envvar="MFN_API_KEY_PEPPER", help="Secret for the hashes.", show_default=False)
    ] = None,
) -> None:
    """Make a key, store its hash, and print the key: it cannot be shown again."""
    from mycelium_fractal_net import service

    if not pepper:
        raise ConfigurationError("hashes need a secret: set MFN_API_KEY_PEPPER to the same value as for the service")
    if env not in ("dev", "staging", "prod"):
        raise ConfigurationError(f"env must be dev, staging or prod; got {env!r}")
    text, key = service.make_key(name, env, pepper.encode(), scope or service.SCOPES[:3])
    service.add_key(file, key)
    typer.echo(text)


@keys.command("list")
def list_keys(file: KeyFile) -> None:
    """List the keys in a file; the keys themselves are not in it."""
    from mycelium_fractal_net import service

    rows = [(key.id, key.name, key.env, " ".join(key.scopes), key.created) for key in service.read_key_file(file)]
    print_table("Keys", ["id", "name", "env", "scopes", "created"], rows)


@keys.command()
def revoke(identity: Annotated[str, typer.Argument(metavar="ID", help="Id of the key.")], file: KeyFile) -> None:
    """Take a key out of a file; running services notice within a second."""
    from mycelium_fractal_net import service

    service.remove_key(file, identity)
