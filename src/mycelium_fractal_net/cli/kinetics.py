"""``mfn kinetics``."""

from __future__ import annotations

from typing import Annotated

import typer

from mycelium_fractal_net.cli._console import print_json
from mycelium_fractal_net.fields import Kinetics, get_kinetics, list_kinetics

__all__ = ["kinetics"]


def kinetics(
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """List the reaction kinetics with their parameters, what they model and where they were published."""
    models = [get_kinetics(name) for name in list_kinetics()]
    if as_json:
        print_json(
            {
                model.name: {
                    "summary": model.summary,
                    "source": model.source,
                    "parameters": dict(model.parameters),
                    "ranges": {name: list(ends) for name, ends in model.ranges.items()},
                }
                for model in models
            }
        )
        return
    typer.echo("\n\n".join(_described(model) for model in models))


def _described(model: Kinetics) -> str:
    parameters = " ".join(
        f"{name}={value:g}" + _range_text(model.ranges.get(name)) for name, value in model.parameters.items()
    )
    return f"{model.name}\n  {model.summary}\n  parameters: {parameters}\n  source: {model.source}"


def _range_text(ends: tuple[float, float] | None) -> str:
    return "" if ends is None else f" [{ends[0]:g}, {ends[1]:g}]"
