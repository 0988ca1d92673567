"""``mfn regimes``."""

from __future__ import annotations

from typing import Annotated

import typer

from mycelium_fractal_net.cli._console import print_json
from mycelium_fractal_net.fields.regimes import REGIMES, Regime

__all__ = ["regimes"]


def regimes(
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """List the named regimes: what to look for, settings, and who described them."""
    if as_json:
        print_json({name: _as_dict(entry) for name, entry in REGIMES.items()})
        return
    typer.echo("\n\n".join(map(_described, REGIMES.values())))


def _as_dict(entry: Regime) -> dict[str, object]:
    return {
        "look_for": entry.look_for,
        "morphology": entry.morphology,
        "moving": entry.moving,
        "settings": dict(entry.settings),
        "source": entry.source,
    }


def _described(entry: Regime) -> str:
    rates = " ".join(f"{name}={value:g}" for name, value in entry.settings.get("kinetics_parameters", {}).items())
    rest = " ".join(f"{name}={value}" for name, value in entry.settings.items() if name != "kinetics_parameters")
    motion = "never at rest" if entry.moving else "comes to rest"
    return f"{entry.name}\n  {entry.look_for}; {motion}\n  {f'{rest} {rates}'.strip()}\n  source: {entry.source}"
