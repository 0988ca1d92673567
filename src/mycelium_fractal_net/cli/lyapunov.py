"""``mfn lyapunov``."""

from __future__ import annotations

import math
from typing import Annotated, Any

import click
import typer

from mycelium_fractal_net.cli._console import cancel_on_signal, print_json
from mycelium_fractal_net.cli._settings import simulation_options
from mycelium_fractal_net.dynamics import (
    LyapunovEstimate,
    dimension_error,
    estimate_exponent,
    get_system,
    kaplan_yorke_dimension,
    list_systems,
    with_error,
)
from mycelium_fractal_net.errors import InvalidInputError
from mycelium_fractal_net.fields import SimulationConfig

__all__ = ["lyapunov"]

_SYSTEM_STEPS = 50_000


@simulation_options
def lyapunov(
    settings: dict[str, Any],
    system: Annotated[
        str | None,
        typer.Option(click_type=click.Choice(list_systems()), help="A reference system instead of the field."),
    ] = None,
    measure_steps: Annotated[
        int | None,
        typer.Option(min=1, help="Steps to measure. [default: --steps, at least 2000; 50000 for --system]"),
    ] = None,
    settle_steps: Annotated[
        int | None,
        typer.Option(min=0, help="Steps of the field before the measurement. [default: until it rests]"),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Measure the largest Lyapunov exponent of a field, or all of a reference system."""
    if system is None:
        answer = _of_field(SimulationConfig(**settings), measure_steps, settle_steps)
    elif settings or settle_steps is not None:
        given = ", ".join([*settings, *(["settle_steps"] if settle_steps is not None else [])])
        raise InvalidInputError(f"--system has parameters of its own; leave out: {given}")
    else:
        answer = _of_system(system, measure_steps or _SYSTEM_STEPS)
    words = answer.pop("words")
    if as_json:
        print_json(answer)
    else:
        for line in words:
            typer.echo(line)


def _of_field(config: SimulationConfig, steps: int | None, settle_steps: int | None) -> dict[str, Any]:
    with cancel_on_signal() as cancel:
        found = estimate_exponent(config, steps=steps, settle_steps=settle_steps, cancel=cancel)
    exponent, error = float(found.exponents[0]), float(found.standard_errors[0])
    return {
        "system": "field",
        **_facts(found),
        "unit": "1/step",
        "config": config.model_dump(mode="json"),
        "words": [f"Largest exponent of the field: {found} per step; {_meaning(exponent, error)}.", *_doubt(found)],
    }


def _of_system(name: str, steps: int) -> dict[str, Any]:
    system = get_system(name)
    found = system.estimate(steps)
    spectrum = found.exponents
    unit = "1/step" if system.dt is None else "1/time"
    largest, total = system.known
    dimension, error = kaplan_yorke_dimension(spectrum), dimension_error(found)
    told_sum = f"Sum {spectrum.sum():.6f}, exactly {total:.6f}, which holds by construction."
    return {
        "system": name,
        **_facts(found),
        "unit": unit,
        "steps": steps,
        "sum": _number(float(spectrum.sum())),
        "known_largest": largest,
        "known_sum": total,
        "kaplan_yorke_dimension": dimension,
        "kaplan_yorke_error": _number(error),
        "words": [
            f"{system.title}: exponents {found} ({unit}) over {steps} steps.",
            *_doubt(found),
            f"Largest in the literature: {largest:.5f} ({system.source}).",
            *([told_sum] if len(spectrum) > 1 else []),
            f"Kaplan-Yorke dimension {with_error(dimension, error)}.",
        ],
    }


def _facts(found: LyapunovEstimate) -> dict[str, Any]:
    return {
        "exponents": [_number(exponent) for exponent in found.exponents.tolist()],
        "standard_errors": [_number(error) for error in found.standard_errors.tolist()],
        "converged": found.converged,
    }


def _doubt(found: LyapunovEstimate) -> list[str]:
    return [] if found.converged else [f"Not converged: {found.reason}."]


def _meaning(exponent: float, error: float) -> str:
    if exponent == -math.inf:
        return "one step erases every perturbation"
    if abs(exponent) < max(1e-5, 2.0 * error):
        return "a perturbation neither grows nor decays, within the error"
    verb = "doubles" if exponent > 0 else "halves"
    return f"a perturbation {verb} in {math.log(2.0) / abs(exponent):.2g} steps"


def _number(value: float) -> float | None:
    """Return a number that JSON has a word for."""
    return value if math.isfinite(value) else None
