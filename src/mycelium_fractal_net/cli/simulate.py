"""``mfn simulate``."""

from __future__ import annotations

from contextlib import nullcontext
from pathlib import Path
from typing import Annotated, Any

import click
import typer

from mycelium_fractal_net._compiled.watch import expecting
from mycelium_fractal_net._outputs import locked
from mycelium_fractal_net.cli._arrays import read_arrays
from mycelium_fractal_net.cli._console import print_json
from mycelium_fractal_net.cli._measures import Measures, feature_options
from mycelium_fractal_net.cli._recording import run_recorded
from mycelium_fractal_net.cli._report import print_report, summary
from mycelium_fractal_net.cli._settings import simulation_options
from mycelium_fractal_net.cli._writers import FORMATS, check_room, keep_elsewhere, parse_formats, write_results
from mycelium_fractal_net.errors import InvalidInputError
from mycelium_fractal_net.fields import Simulation, SimulationConfig
from mycelium_fractal_net.fields.variables import VARIABLES

__all__ = ["simulate"]

_FRAMES_IN_A_GIF = 64
_SMALL_SIDE, _TILED_SIDE = 80, 136  # fields that reach the kernels of large ones: kept whole, cut into tiles
_THREADED_SIDE = 512


@simulation_options
@feature_options
def simulate(
    settings: dict[str, Any],
    measures: Measures,
    out: Annotated[Path | None, typer.Option(file_okay=False, help="Directory for the results.")] = None,
    formats: Annotated[
        list[str] | None,
        typer.Option(
            "--format",
            metavar="|".join(FORMATS),
            help="Formats to write to --out; repeatable, or separated by commas. [default: npz,json]",
        ),
    ] = None,
    every: Annotated[
        int | None, typer.Option(min=1, help="Keep one step in so many, for the npz history and the gif.")
    ] = None,
    show: Annotated[
        str,
        typer.Option(click_type=click.Choice(list(VARIABLES)), help="Field shown in pictures and kept in the history."),
    ] = "v",
    resume: Annotated[Path | None, typer.Option(exists=True, dir_okay=False, help="Resume from a checkpoint.")] = None,
    start_file: Annotated[
        Path | None,
        typer.Option(
            exists=True, dir_okay=False, help="Arrays for --start array: .npz with field_mv, activator, inhibitor."
        ),
    ] = None,
    threads: Annotated[
        int | None, typer.Option(min=1, help="Number of threads; the result does not depend on it.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Simulate a field; print its features and write what --out and --format ask for.

    Ctrl-C leaves a checkpoint in --out (or here) and says how to go on.
    """
    wanted = _wanted_formats(out, formats)
    measures = measures.over(settings.pop("features", {}))
    simulation = (
        _resumed(resume, settings, measures, threads) if resume else _fresh(settings, start_file, measures, threads)
    )
    if every is None and "gif" in wanted:
        every = max(1, -(-simulation.config.steps // _FRAMES_IN_A_GIF))
    if out is not None:
        check_room(out, simulation.config, every, wanted)
    _compile_for(simulation.config, threads)
    place = out if out is not None else (resume.parent if resume else Path())
    again = [*_options_again(out, wanted, every, show), *measures.as_options()]
    with locked(place, f"into {place}") if out is not None else nullcontext():
        recording = run_recorded(simulation, every=every, directory=place, again=again, quiet=as_json, show=show)
        result = simulation.result
        if not as_json:
            print_report(result)
        written, failure = write_results(result, recording, out, wanted) if out is not None else ([], None)
    if as_json:
        print_json({**summary(result), "files": [str(path) for path in written]})
    else:
        for path in written:
            typer.echo(f"wrote {path}")
    if failure is not None:
        typer.echo(f"mfn: {keep_elsewhere(simulation)}", err=True)
        raise failure


def _compile_for(config: SimulationConfig, threads: int | None) -> None:
    """Have the kernels ready before the first step: what is compiled afterwards could not be stopped without a loss."""
    if not config.method.plain:
        shorter = {"grid_size": 16 * config.resolution, "domain": None, "steps": 1, "schedule": (), "stimuli": ()}
        small = config.model_copy(update={**shorter, "start": "noise", "start_digest": None})
        with expecting("potential_rows", "_summarise"):
            Simulation(small).result.features  # noqa: B018 # computed when asked for
        return
    shortest = min(config.shape)
    tiled = shortest >= _TILED_SIDE and (config.grid_size >= _THREADED_SIDE or (threads or 1) > 1)
    side = _TILED_SIDE if tiled else min(shortest, _SMALL_SIDE)
    small = SimulationConfig(
        kinetics=config.kinetics, dtype=config.dtype, stencil=config.stencil, grid_size=side, steps=1
    )
    with expecting("advance_tiles" if tiled else "advance_whole", "_summarise"):
        Simulation(small, threads=2 if tiled else threads).result.features  # noqa: B018 # computed when asked for


def _wanted_formats(out: Path | None, formats: list[str] | None) -> list[str]:
    if out is None and formats:
        raise InvalidInputError("--format needs a directory to write to: add --out DIR")
    return parse_formats(formats or ["npz", "json"])


def _options_again(out: Path | None, formats: list[str], every: int | None, show: str) -> list[str]:
    """Return the options to repeat when an interrupted run is resumed."""
    file = click.get_current_context().params.get("kinetics_file")
    model = [] if file is None else ["--kinetics-file", str(file)]
    if out is None:
        return model
    stride = [*([] if every is None else ["--every", str(every)]), *([] if show == "v" else ["--show", show])]
    return ["--out", str(out), "--format", ",".join(formats), *stride, *model]


def _fresh(settings: dict[str, Any], start_file: Path | None, measures: Measures, threads: int | None) -> Simulation:
    sets, measure = measures.sets or ("core",), measures.config
    if start_file is None:
        return Simulation(SimulationConfig(**settings), threads=threads, sets=sets, feature_config=measure)
    config = SimulationConfig(**{"start": "array", **settings})
    arrays = read_arrays(start_file, ("field_mv", "activator", "inhibitor"))
    if config.start != "array":
        raise InvalidInputError(f"--start-file belongs to --start array; got --start {config.start}")
    return Simulation(
        config,
        arrays.get("field_mv"),
        threads,
        initial_activator=arrays.get("activator"),
        initial_inhibitor=arrays.get("inhibitor"),
        sets=sets,
        feature_config=measure,
    )


def _resumed(checkpoint: Path, settings: dict[str, Any], measures: Measures, threads: int | None) -> Simulation:
    if settings:
        given = ", ".join(settings)
        raise InvalidInputError(f"--resume takes every parameter from the checkpoint; leave out: {given}")
    sets = measures.sets or ("core",)
    return Simulation.load(checkpoint, threads=threads, sets=sets, feature_config=measures.config)
