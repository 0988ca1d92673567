"""``mfn dataset``."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Annotated, Any

import click
import typer

from mycelium_fractal_net.cli._console import cancel_on_signal, print_json, progress_bar
from mycelium_fractal_net.cli._measures import Measures, feature_options
from mycelium_fractal_net.datasets import SCENARIOS, generate_dataset
from mycelium_fractal_net.errors import CancelledError
from mycelium_fractal_net.fields import load_kinetics_file

__all__ = ["dataset"]


_SCENARIO = "small, medium, large, benchmark, or a YAML or JSON file."


def _scenarios(incomplete: str) -> list[str]:
    return [name for name in SCENARIOS if name.startswith(incomplete)]


@feature_options
def dataset(
    measures: Measures,
    scenario: Annotated[str, typer.Option(autocompletion=_scenarios, help=_SCENARIO)],
    out: Annotated[Path, typer.Option(help="The Parquet file to write.", dir_okay=False)],
    samples: Annotated[int | None, typer.Option(min=1, help="Number of rows, instead of the scenario's.")] = None,
    engine: Annotated[
        str,
        typer.Option(click_type=click.Choice(["local", "dask"]), help="Threads of this process, or a Dask cluster."),
    ] = "local",
    scheduler: Annotated[str | None, typer.Option(help="Address of a Dask scheduler, tcp://host:port.")] = None,
    threads: Annotated[int | None, typer.Option(min=1, help="Rows at a time. [default: all cores]")] = None,
    resume: Annotated[bool, typer.Option("--resume", help="Resume an interrupted run.")] = False,
    kinetics_file: Annotated[
        Path | None,
        typer.Option(exists=True, dir_okay=False, help="Python file that registers kinetics; it is executed."),
    ] = None,
    fields: Annotated[bool, typer.Option("--fields", help="Write the last fields too, to OUT.fields/.")] = False,
    wavelengths: Annotated[
        bool, typer.Option("--wavelengths", help="Add the wavelength predicted, grown first and settled.")
    ] = False,
    morphology: Annotated[bool, typer.Option("--morphology", help="Add what each pattern looks like.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Simulate every row of a scenario; write parameters, features and counters to Parquet.

    Ctrl-C keeps the rows that are done and says how to go on: with --resume they are not computed again.
    """
    if kinetics_file is not None:
        load_kinetics_file(kinetics_file)
    again = measures.as_options() + _options_again(
        {"fields": fields, "wavelengths": wavelengths, "morphology": morphology},
        samples=samples,
        engine=None if engine == "local" else engine,
        scheduler=scheduler,
        threads=threads,
        kinetics_file=kinetics_file,
    )
    with cancel_on_signal() as cancel, progress_bar("rows", quiet=as_json) as progress:
        try:
            summary = generate_dataset(
                scenario,
                out,
                samples=samples,
                engine=engine,
                scheduler=scheduler,
                threads=threads,
                resume=resume,
                fields=fields,
                progress=progress,
                cancel=cancel,
                sets=measures.sets,
                features=measures.values or None,
                wavelengths=wavelengths or None,
                morphology=morphology or None,
            )
        except CancelledError as error:
            command = shlex.join(["mfn", "dataset", "--scenario", scenario, "--out", str(out), *again, "--resume"])
            raise CancelledError(f"{error}; to go on: {command}") from None
    if as_json:
        numbers = {"rows": summary.rows, "computed": summary.computed, "failed": summary.failed}
        print_json({"path": str(summary.path), **numbers})
        return
    typer.echo(f"wrote {summary.path}: {summary.rows} rows, {summary.computed} of them computed now")
    if summary.failed:
        typer.echo(f"{summary.failed} rows have no features because their field diverged; see the column error")


def _options_again(flags: dict[str, bool], **options: Any) -> list[str]:
    """Return the options to repeat when an interrupted run is resumed."""
    given = {f"--{name.replace('_', '-')}": value for name, value in options.items() if value is not None}
    switches = [f"--{name}" for name, on in flags.items() if on]
    return [part for name, value in given.items() for part in (name, str(value))] + switches
