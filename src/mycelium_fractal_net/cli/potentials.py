"""``mfn nernst`` and ``mfn ghk``."""

from __future__ import annotations

from typing import Annotated

import typer

from mycelium_fractal_net.biophysics import (
    Ion,
    ghk_potential_mv,
    ion_preset,
    list_ion_presets,
    nernst_potential_mv,
)
from mycelium_fractal_net.biophysics.constants import BODY_TEMPERATURE_K
from mycelium_fractal_net.cli._console import print_json, print_table
from mycelium_fractal_net.errors import InvalidInputError

__all__ = ["ghk", "nernst"]

Temperature = Annotated[float, typer.Option("--temperature-k", "-T", help="Temperature in K, 273 to 373.")]
Machine = Annotated[bool, typer.Option("--json", help="Print JSON.")]

nernst = typer.Typer(rich_markup_mode=None, add_completion=False)


# Without the setting a negative valence reads as an option.
@nernst.command(context_settings={"ignore_unknown_options": True})
def _nernst(
    valence: Annotated[int, typer.Argument(help="Charge number: -2, -1, 1, 2 or 3.")],
    concentration_out_molar: Annotated[float, typer.Argument(metavar="OUT", help="Outside, mol/L.")],
    concentration_in_molar: Annotated[float, typer.Argument(metavar="IN", help="Inside, mol/L.")],
    temperature_k: Temperature = BODY_TEMPERATURE_K,
    as_json: Machine = False,
) -> None:
    """Compute the equilibrium potential of one ion, for example: mfn nernst 1 0.005 0.140."""
    potential = nernst_potential_mv(valence, concentration_out_molar, concentration_in_molar, temperature_k)
    if as_json:
        print_json({"potential_mv": potential})
    else:
        typer.echo(f"{potential:.4f} mV")


def ghk(
    ions: Annotated[
        list[str] | None,
        typer.Option("--ion", "-i", metavar="Z:P:OUT:IN", help="Valence, permeability, mol/L out and in."),
    ] = None,
    preset: Annotated[str | None, typer.Option(help=f"One of {', '.join(list_ion_presets())}.")] = None,
    temperature_k: Annotated[
        float | None, typer.Option("--temperature-k", "-T", help="Temperature in K, 273 to 373.")
    ] = None,
    as_json: Machine = False,
) -> None:
    """Compute the resting potential of a membrane, for example: mfn ghk --preset mammalian-neuron."""
    if (preset is None) == (not ions):
        raise InvalidInputError("ghk needs either --preset NAME or at least one --ion Z:P:OUT:IN")
    chosen = ion_preset(preset) if preset else None
    members = chosen.ions if chosen else tuple(_parse_ion(text) for text in ions or ())
    if temperature_k is None:
        temperature_k = chosen.temperature_k if chosen else BODY_TEMPERATURE_K
    potential = float(ghk_potential_mv(members, temperature_k))
    if as_json:
        equilibria = [_equilibrium_mv(ion, temperature_k) for ion in members]
        print_json({"potential_mv": potential, "temperature_k": temperature_k, "equilibria_mv": equilibria})
        return
    _print_membrane(members, temperature_k)
    typer.echo(f"{potential:.4f} mV")
    if chosen:
        typer.echo(chosen.source)


def _print_membrane(members: tuple[Ion, ...], temperature_k: float) -> None:
    print_table(
        f"Ions at {temperature_k:g} K",
        ("ion", "permeability", "out mM", "in mM", "equilibrium mV"),
        [
            (
                ion.symbol or f"z={ion.valence:+d}",
                f"{ion.permeability:g}",
                f"{1e3 * ion.concentration_out_molar:g}",
                f"{1e3 * ion.concentration_in_molar:g}",
                "none" if (own := _equilibrium_mv(ion, temperature_k)) is None else f"{own:.2f}",
            )
            for ion in members
        ],
    )


def _equilibrium_mv(ion: Ion, temperature_k: float) -> float | None:
    """Return the ion's own potential; None where it is missing on a side."""
    present = ion.concentration_out_molar > 0.0 and ion.concentration_in_molar > 0.0
    return float(ion.nernst_potential_mv(temperature_k)) if present else None


def _parse_ion(text: str) -> Ion:
    try:
        valence, permeability, outside, inside = (float(part) for part in text.split(":"))
    except ValueError:
        raise InvalidInputError(f"--ion must be Z:P:OUT:IN, four numbers; got {text!r}") from None
    if not valence.is_integer():
        raise InvalidInputError(f"--ion must start with the valence -1 or 1; got {text!r}")
    return Ion(int(valence), permeability, outside, inside)
