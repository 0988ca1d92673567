"""``mfn scan``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import click
import typer

from mycelium_fractal_net._outputs import whole_file
from mycelium_fractal_net.cli._console import cancel_on_signal, print_json, progress_bar
from mycelium_fractal_net.cli._measures import Measures, feature_options
from mycelium_fractal_net.cli._settings import simulation_options
from mycelium_fractal_net.datasets import ScanResult, parse_scan_axis
from mycelium_fractal_net.datasets import scan as run_scan
from mycelium_fractal_net.fields import MORPHOLOGY_NAMES
from mycelium_fractal_net.fields.variables import VARIABLES, physical_limits

__all__ = ["scan"]

_MAPS = ("settled_wavelength", "predicted_wavelength", "growth_rate")


@simulation_options
@feature_options
def scan(
    settings: dict[str, Any],
    measures: Measures,
    x: Annotated[str, typer.Option("--x", metavar="NAME=FIRST:LAST:COUNT", help="Parameter from left to right.")],
    y: Annotated[str, typer.Option("--y", metavar="NAME=FIRST:LAST:COUNT", help="Parameter from bottom to top.")],
    out: Annotated[Path, typer.Option(file_okay=False, help="Directory for table, fields and maps.")],
    show: Annotated[
        str, typer.Option(click_type=click.Choice(list(VARIABLES)), help="Field shown in the map of pictures.")
    ] = "activator",
    maps: Annotated[
        list[str] | None, typer.Option("--map", metavar="FEATURE", help="A feature to draw a map of; repeatable.")
    ] = None,
    engine: Annotated[
        str,
        typer.Option(click_type=click.Choice(["local", "dask"]), help="Threads of this process, or a Dask cluster."),
    ] = "local",
    scheduler: Annotated[str | None, typer.Option(help="Address of a Dask scheduler, tcp://host:port.")] = None,
    threads: Annotated[int | None, typer.Option(min=1, help="Runs at a time. [default: all cores]")] = None,
    resume: Annotated[bool, typer.Option("--resume", help="Resume an interrupted scan.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Simulate a grid of two parameters; draw a map of pictures and numbers beside what linear stability predicts."""
    measures = measures.over(settings.pop("features", {}))
    axes = parse_scan_axis(x), parse_scan_axis(y)
    with cancel_on_signal() as cancel, progress_bar("runs", quiet=as_json) as progress:
        found = run_scan(
            *axes, out, settings, show=show, maps=maps or [], engine=engine, scheduler=scheduler, threads=threads,
            resume=resume, progress=progress, cancel=cancel, sets=measures.sets, features=measures.values or None,
        )  # fmt: skip
    written = [out / "scan.parquet", out / "scan.csv", *_drawn(found, out, maps or [])]
    if as_json:
        print_json({"files": [str(path) for path in written]})
        return
    for path in written:
        typer.echo(f"wrote {path}")


def _drawn(found: ScanResult, out: Path, maps: list[str]) -> list[Path]:
    from mycelium_fractal_net.visualization import (
        category_map_figure,
        number_map_figure,
        picture_map_figure,
        save_figure,
    )

    unstable = found.columns["turing_unstable"]
    limits = physical_limits(found.config, found.shown)
    figures = {"pictures": picture_map_figure(
        found.pictures, found.x, found.y, limits=limits, field=found.shown, unstable=unstable
    )}  # fmt: skip
    figures["morphology"] = category_map_figure(found.morphology, MORPHOLOGY_NAMES, found.x, found.y, unstable=unstable)
    for name in dict.fromkeys((*_MAPS, *maps)):
        label = name.replace("_", " ") if name in _MAPS else name
        figures[name] = number_map_figure(found.columns[name], found.x, found.y, label=label, unstable=unstable)
    for name, figure in figures.items():
        with whole_file(out / f"{name}.png") as file:
            save_figure(figure, Path(file.name))
    return [out / f"{name}.png" for name in figures]
