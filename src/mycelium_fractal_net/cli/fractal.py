"""``mfn fractal``."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Annotated, Any

import click
import typer

from mycelium_fractal_net.cli._arrays import Mask, Threshold, own_boundary, read_mask
from mycelium_fractal_net.cli._console import print_json, print_table
from mycelium_fractal_net.errors import InvalidInputError
from mycelium_fractal_net.fractals import BoxCounting, box_counting_dimension

__all__ = ["fractal"]

_WORDS = {
    "fractal": "the local slopes agree: the set scales like a fractal",
    "crossover": "the local slopes change with scale: the number describes the set, which is not a fractal",
    "filled": "the set fills a plane or a line",
    "empty": "no cell is set, there is nothing to measure",
    "insufficient": "there are too few scales or cells for a verdict",
}


def fractal(
    file: Annotated[
        Path, typer.Argument(exists=True, dir_okay=False, help="A field or mask, .npy or .npz, or a picture.")
    ],
    threshold_mv: Annotated[
        float | None, typer.Option(help="Threshold in mV above which a cell is set. [default: 10 mV above rest, -60]")
    ] = None,
    threshold: Annotated[
        str | None,
        typer.Option(metavar="otsu|VALUE", help="Grey level above which a cell is set, or otsu. [default: mid-range]"),
    ] = None,
    dark: Annotated[bool, typer.Option("--dark", help="Dark cells are set, as in black on white.")] = False,
    method: Annotated[
        str,
        typer.Option(
            click_type=click.Choice(["cover", "aligned"]), help="cover: over every grid offset; aligned: on one grid."
        ),
    ] = "cover",
    periodic: Annotated[
        bool | None,
        typer.Option(
            "--periodic/--no-periodic",
            help="Whether opposite edges touch. [default: as the file says, else yes, for pictures no]",
        ),
    ] = None,
    scales: Annotated[str | None, typer.Option(metavar="2,4,8", help="Box sides in cells.")] = None,
    key: Annotated[str | None, typer.Option(help="Name of the array in an .npz file. [default: field_mv]")] = None,
    plot: Annotated[Path | None, typer.Option(help="Draw the fit to this file.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Measure the box-counting dimension of a field above a threshold, of a mask, or of a picture's bright half.

    An array that holds only 0 and 1 is a mask. Pictures are .png, .tif, .jpg or .bmp.
    """
    mask = read_mask(file, Threshold(threshold_mv, threshold, dark), key)
    wraps = own_boundary(file) if periodic is None else periodic
    found = box_counting_dimension(mask.cells, method=method, periodic=wraps, scales=_parse_scales(scales))
    if plot is not None:
        from mycelium_fractal_net.visualization import box_counting_figure, save_figure

        save_figure(box_counting_figure(found, title=file.name), plot)
    if as_json:
        print_json(_as_dict(found, mask, wraps))
    else:
        _print(found, file.name, mask)


def _parse_scales(text: str | None) -> list[int] | None:
    if text is None:
        return None
    try:
        return [int(part) for part in text.split(",")]
    except ValueError:
        raise InvalidInputError(f"--scales must be whole numbers separated by commas; got {text!r}") from None


def _as_dict(found: BoxCounting, mask: Mask, periodic: bool) -> dict[str, Any]:
    return {
        "dimension": found.dimension,
        "r2": found.r2,
        "standard_error": None if math.isnan(found.standard_error) else found.standard_error,
        "verdict": found.verdict,
        "thickness": found.thickness,
        "scales": found.scales.tolist(),
        "counts": found.counts.tolist(),
        "local_slopes": found.local_slopes.tolist(),
        "share_of_cells": mask.share,
        "set": mask.rule,
        "threshold": mask.threshold,
        "periodic": periodic,
    }


def _print(found: BoxCounting, name: str, mask: Mask) -> None:
    slopes = ["", *(f"{slope:.4f}" for slope in found.local_slopes)]
    rows = [
        (str(scale), str(count), slope) for scale, count, slope in zip(found.scales, found.counts, slopes, strict=False)
    ]
    if rows:
        print_table(f"Boxes of {name}", ("side", "boxes", "local slope"), rows, numbers="side boxes")
    error = "" if math.isnan(found.standard_error) else f" +- {found.standard_error:.4f}"
    typer.echo(f"Dimension {found.dimension:.4f}{error}, R^2 {found.r2:.4f}, {mask.share:.2%} of the cells set.")
    if found.thickness:
        typer.echo(f"Fitted with boxes {found.thickness:.2f} cells wider than their side: the set is thin.")
    typer.echo(f"Set are {mask.rule}.")
    typer.echo(f"Verdict {found.verdict}: {_WORDS[found.verdict]}.")
