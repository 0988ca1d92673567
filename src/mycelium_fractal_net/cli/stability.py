"""``mfn stability``."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Annotated, Any

import typer

from mycelium_fractal_net.cli._console import print_json
from mycelium_fractal_net.cli._settings import parse_parameters
from mycelium_fractal_net.fields import LinearStability, linear_stability

__all__ = ["stability"]


def stability(
    kinetics: Annotated[str, typer.Argument(help="Name of a kinetics; mfn kinetics lists them.")],
    parameters: Annotated[
        list[str] | None,
        typer.Option("--parameter", "-p", metavar="NAME=VALUE", help="Value that replaces a default. Repeatable."),
    ] = None,
    plot: Annotated[Path | None, typer.Option(help="Plot growth rate over wave number to this file.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Tell whether a kinetics can form a pattern, and of what wavelength."""
    report = linear_stability(kinetics, **parse_parameters(parameters or []))
    if plot is not None:
        from mycelium_fractal_net.visualization import dispersion_figure, save_figure

        save_figure(dispersion_figure(report), plot)
    if as_json:
        print_json(_as_dict(report))
    else:
        typer.echo(report.explain())


def _as_dict(report: LinearStability) -> dict[str, Any]:
    return {
        "kinetics": report.kinetics,
        "parameters": report.parameters,
        "steady_state": list(report.steady_state),
        "jacobian": report.jacobian.tolist(),
        "homogeneous_stable": report.homogeneous_stable,
        "marginal": report.marginal,
        "turing_unstable": report.turing_unstable,
        "wavelength_cells": _number(report.wavelength_cells),
        "wavelength_lattice_cells": _number(report.wavelength_lattice_cells),
        "max_growth_rate": _number(report.max_growth_rate),
        "max_lattice_growth_rate": report.max_lattice_growth_rate,
        "band": None if report.band is None else [_number(edge) for edge in report.band],
    }


def _number(value: float) -> float | None:
    """Return a number that JSON has a word for."""
    return value if math.isfinite(value) else None
