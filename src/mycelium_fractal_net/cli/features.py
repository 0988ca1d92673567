"""``mfn features``."""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import typer

from mycelium_fractal_net.cli._arrays import own_boundary, own_rest_mv, read_potentials
from mycelium_fractal_net.cli._console import print_json, print_table
from mycelium_fractal_net.cli._measures import Measures, feature_options
from mycelium_fractal_net.cli._report import feature_rows, without_nan
from mycelium_fractal_net.features import (
    EXTENDED_FEATURE_UNITS,
    FeatureConfig,
    FeatureVector,
    extract_extended_features,
    extract_features,
)

__all__ = ["features"]


@feature_options
def features(
    measures: Measures,
    file: Annotated[
        Path,
        typer.Argument(exists=True, dir_okay=False, help="A field or a history of fields, .npy or .npz, or a picture."),
    ],
    periodic: Annotated[
        bool | None,
        typer.Option(
            "--periodic/--no-periodic",
            help="Whether opposite edges touch. [default: as the file says, else yes, for pictures no]",
        ),
    ] = None,
    extended: Annotated[
        bool, typer.Option("--extended", help="Add the extended features: shape, spectrum and texture.")
    ] = False,
    topology: Annotated[bool, typer.Option("--topology", help="With --extended, add persistent homology.")] = False,
    min_mv: Annotated[float | None, typer.Option(help="Potential of the darkest level. [default: -95]")] = None,
    max_mv: Annotated[float | None, typer.Option(help="Potential of the brightest level. [default: 40]")] = None,
    as_mv: Annotated[bool, typer.Option("--as-mv", help="Treat the numbers as mV, whatever their range.")] = False,
    key: Annotated[str | None, typer.Option(help="Name of the array in an .npz file. [default: field_mv]")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Extract features of a field in mV, (rows, columns), or of its history, (T, rows, columns).

    By default the 18; --sets asks for more, of which ``activator`` needs a simulation (mfn simulate --sets).

    A picture's grey levels, from the darkest to the brightest that it has, become potentials between --min-mv and
    --max-mv, by default the clamp of the model.
    """
    fields = read_potentials(file, key, (min_mv, max_mv), plain=as_mv)
    wraps = own_boundary(file) if periodic is None else periodic
    sets, config = (
        measures.sets or ("core",),
        FeatureConfig(**{"rest_potential_mv": own_rest_mv(file), **measures.values}),
    )
    vector = extract_features(fields, config, wraps, sets=sets)
    more = {}
    if extended or topology:
        last = fields if fields.ndim == 2 else fields[-1]
        more = extract_extended_features(last, config, periodic=wraps, topology=topology)
    if as_json:
        print_json(_as_dict(vector, more))
    else:
        rows = feature_rows(vector)
        print_table(f"Features of {file.name}", ("feature", "value", "unit", "meaning"), rows, numbers="value")
        if more:
            print_table("Extended features", ("feature", "value", "unit"), _extended_rows(more), numbers="value")


def _as_dict(vector: FeatureVector, more: Mapping[str, float]) -> dict[str, Any]:
    answer: dict[str, Any] = {"features": without_nan(vector), "units": dict(vector.units)}
    if more:
        answer["extended"] = {name: None if math.isnan(value) else value for name, value in more.items()}
        answer["extended_units"] = {name: EXTENDED_FEATURE_UNITS[name] for name in more}
    return answer


def _extended_rows(more: Mapping[str, float]) -> list[tuple[str, str, str]]:
    return [
        (name, "none" if math.isnan(value) else f"{value:.6g}", EXTENDED_FEATURE_UNITS[name].removeprefix("1"))
        for name, value in more.items()
    ]
