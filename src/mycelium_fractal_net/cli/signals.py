"""``mfn signals``."""

from __future__ import annotations

import csv
import io
from pathlib import Path
from typing import Annotated, Any

import click
import numpy as np
import typer

from mycelium_fractal_net._checks import did_you_mean
from mycelium_fractal_net._inputs import LARGEST_ARRAY, LARGEST_RATIO, read_bytes
from mycelium_fractal_net.cli._console import print_json, print_table
from mycelium_fractal_net.datasets import read_columns
from mycelium_fractal_net.errors import InvalidInputError
from mycelium_fractal_net.signals import STATISTICS, raise_signal

__all__ = ["signals"]

_SHORTEST = 32


def signals(
    file: Annotated[
        Path, typer.Argument(exists=True, dir_okay=False, help="Parquet or CSV file, one series per column.")
    ],
    column: Annotated[
        list[str] | None, typer.Option(help="Column to use; repeatable. [default: all numeric columns]")
    ] = None,
    statistic: Annotated[
        list[str] | None,
        typer.Option(
            click_type=click.Choice(list(STATISTICS)),
            help="Statistic to watch; repeatable. [default: variance, autocorrelation]",
        ),
    ] = None,
    window: Annotated[
        int | None, typer.Option(min=8, help="Length of the window in steps. [default: half of the series]")
    ] = None,
    null: Annotated[
        str,
        typer.Option(
            click_type=click.Choice(["ar1", "phase"]),
            help="Kind of surrogates, which have no transition: ar1 or phase.",
        ),
    ] = "ar1",
    surrogates: Annotated[int, typer.Option(min=19, help="Number of surrogates.")] = 999,
    level: Annotated[float, typer.Option(help="Significance level of each test.")] = 0.05,
    seed: Annotated[int, typer.Option(min=0, help="Seed of the surrogates.")] = 0,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Test series of features for signs of slowing down before a transition.

    Rows are successive steps. Each line is a test of its own: with many of them divide the level by their number.
    """
    table = _columns(file)
    unknown = [name for name in column or () if name not in table]
    if unknown:
        hint = did_you_mean(unknown[0], table)
        raise InvalidInputError(f"{file} has no column of numbers {unknown[0]!r}{hint}", field="column")
    names = column or [name for name, values in table.items() if np.ptp(values) > 0]
    found = [
        raise_signal(
            name, table[name], watched, level=level, window=window, null=null, surrogates=surrogates, seed=seed
        )
        for name in names
        for watched in statistic or ("variance", "autocorrelation")
    ]
    if as_json:
        print_json([item._asdict() for item in found])
        return
    rows = [
        (item.series, item.statistic, f"{item.value:.4g}", f"{item.trend:+.2f}", f"{item.p_value:.3g}", item.severity)
        for item in found
    ]
    print_table("Signals", ["series", "statistic", "value", "trend", "p", "severity"], rows, numbers="value trend p")


def _columns(file: Path) -> dict[str, Any]:
    """Return the columns that are numbers without gaps."""
    table = read_columns(file) if file.suffix.lower() == ".parquet" else _of_csv(file)
    found = {name: values for name, values in table.items() if values.size >= _SHORTEST and np.isfinite(values).all()}
    if not found:
        raise InvalidInputError(f"{file} has no column of at least {_SHORTEST} numbers without gaps", field="file")
    return found


def _of_csv(file: Path) -> dict[str, Any]:
    text = read_bytes(file, LARGEST_ARRAY // LARGEST_RATIO, InvalidInputError).decode("utf-8-sig", "replace")
    try:
        rows = list(csv.DictReader(io.StringIO(text, newline="")))
    except csv.Error as error:
        raise InvalidInputError(f"{file} is not CSV: {error}", field="file") from None
    found = {}
    for name in rows[0] if rows else ():
        try:
            found[name] = np.array([float(row[name]) for row in rows])
        except (TypeError, ValueError):
            continue  # no numbers
    return found
