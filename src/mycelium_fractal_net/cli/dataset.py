"""``mfn dataset``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import click
import typer

from mycelium_fractal_net.cli._console import print_json, progress_bar
from mycelium_fractal_net.cli._measures import Measures, feature_options
from mycelium_fractal_net.datasets import generate_dataset

__all__ = ["dataset"]


@feature_options
def dataset(
    measures: Measures,
    scenario: Annotated[str, typer.Option(help="small, medium, large, benchmark, or a YAML or JSON file.")],
    out: Annotated[Path, typer.Option(help="The Parquet file to write.", dir_okay=False)],
    samples: Annotated[int | None, typer.Option(min=1, help="Rows, in place of the scenario's number.")] = None,
    engine: Annotated[
        str, typer.Option(click_type=click.Choice(["local", "dask"]), help="Threads here, or a Dask cluster.")
    ] = "local",
    scheduler: Annotated[str | None, typer.Option(help="Address of a Dask scheduler, tcp://host:port.")] = None,
    threads: Annotated[int | None, typer.Option(min=1, help="Rows at a time. [default: all cores]")] = None,
    resume: Annotated[bool, typer.Option("--resume", help="Go on with an interrupted run.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Simulate every row of a scenario; write parameters, features and counters to Parquet.

    A run that was interrupted goes on with --resume: rows that are done are not computed again.
    """
    with progress_bar("rows") as progress:
        summary = generate_dataset(
            scenario,
            out,
            samples=samples,
            engine=engine,
            scheduler=scheduler,
            threads=threads,
            resume=resume,
            progress=progress,
            sets=measures.sets,
            features=measures.values or None,
        )
    if as_json:
        numbers = {"rows": summary.rows, "computed": summary.computed, "failed": summary.failed}
        print_json({"path": str(summary.path), **numbers})
        return
    typer.echo(f"wrote {summary.path}: {summary.rows} rows, {summary.computed} of them computed now")
    if summary.failed:
        typer.echo(f"{summary.failed} rows have no features because their field diverged; see the column error")
