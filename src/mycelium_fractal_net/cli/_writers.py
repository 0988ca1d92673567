"""Files that ``mfn simulate`` leaves in its output directory."""

from __future__ import annotations

import json
import shlex
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np

from mycelium_fractal_net._outputs import whole_file
from mycelium_fractal_net.cli._recording import CHECKPOINT_NAME, Recording
from mycelium_fractal_net.cli._report import box_counting_of, summary
from mycelium_fractal_net.errors import InvalidInputError, MissingExtraError
from mycelium_fractal_net.fields import Simulation, SimulationConfig, SimulationResult
from mycelium_fractal_net.fields.variables import physical_limits

__all__ = ["FORMATS", "check_room", "keep_elsewhere", "parse_formats", "write_results"]

_FOR_EACH_FILE = 1_000_000  # bytes that a file beside the arrays stays below

Writer = Callable[[SimulationResult, Recording, Path], list[Path]]


def parse_formats(texts: list[str]) -> list[str]:
    """Split comma-separated formats and refuse unknown ones; each counts once.

    Examples
    --------
    >>> parse_formats(["npz,json", "png", "json"])
    ['npz', 'json', 'png']
    """
    names = [name.strip() for text in texts for name in text.split(",")]
    for name in names:
        if name not in FORMATS:
            raise InvalidInputError(f"--format must be one of {', '.join(FORMATS)}; got {name!r}")
        _check_extra(name)
    return list(dict.fromkeys(names))


def _check_extra(name: str) -> None:
    """Refuse pictures without their libraries now, not when hours of simulation are done."""
    for package in _NEEDS.get(name, ()):
        if find_spec(package) is None:
            raise MissingExtraError.for_extra("visualization", package)


def check_room(directory: Path, config: SimulationConfig, every: int | None, formats: list[str]) -> None:
    """Make the directory, and refuse it now if it cannot be written to or if its disk is too full for the results.

    Raises
    ------
    InvalidInputError
        With the bytes that are needed, those that are free, and the directory.
    OSError
        When the directory cannot be made or written to.
    """
    directory.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryFile(dir=directory):
        pass
    field = config.shape[0] * config.shape[1] * np.dtype(config.dtype).itemsize
    frames = 0 if every is None else config.steps // every + 2
    needed = _FOR_EACH_FILE * len(formats) + ((3 + frames) * field if "npz" in formats else 0)
    free = shutil.disk_usage(directory).free
    if free < needed:
        raise InvalidInputError(
            f"the results take up to {_megabytes(needed)}, and {directory} has {_megabytes(free)} free; choose another "
            "--out, or a larger --every"
        )


def _megabytes(size: int) -> str:
    return f"{size / 1e6:,.1f} MB"


def write_results(
    result: SimulationResult, recording: Recording, directory: Path, formats: list[str]
) -> tuple[list[Path], Exception | None]:
    """Write the result in each format to an existing directory; one that fails does not keep the others from it.

    Returns
    -------
    tuple
        What was written, and what went wrong first.
    """
    written: list[Path] = []
    failure: Exception | None = None
    for name in formats:
        try:
            written += FORMATS[name](result, recording, directory)
        except Exception as error:  # noqa: BLE001 # a full disk, a broken matplotlib: told at the end
            failure = failure or error
    return written, failure


def keep_elsewhere(simulation: Simulation) -> str:
    """Save a finished run of which a file could not be written, and return the words that say how to go on."""
    try:
        path = Path(tempfile.mkdtemp(prefix="mfn-")) / CHECKPOINT_NAME
        simulation.save(path)
    except OSError as error:
        return f"the finished run could not be saved elsewhere: {error.strerror}"
    command = shlex.join(["mfn", "simulate", "--resume", str(path), "--out"])
    return f"the finished run is saved; to write it elsewhere: {command} DIR"


def _write_npz(result: SimulationResult, recording: Recording, directory: Path) -> list[Path]:
    path = directory / "field.npz"
    arrays: dict[str, Any] = {
        "field_mv": result.field_mv,
        "activator": result.activator,
        "inhibitor": result.inhibitor,
        "step_statistics": result.step_statistics,
        "features": result.features.to_array(),
        "feature_names": np.array(result.features.names),
        "config": np.array(result.config.model_dump_json()),
    }
    if recording.steps:
        arrays |= {_history_name(recording): np.stack(recording.frames), "history_steps": np.array(recording.steps)}
    with _whole(path) as scratch:
        np.savez(scratch, **arrays)  # compressed, these doubles take many times as long for some percent
    return [path]


def _history_name(recording: Recording) -> str:
    return "history_mv" if recording.shown == "v" else f"history_{recording.shown}"


def _write_json(result: SimulationResult, _recording: Recording, directory: Path) -> list[Path]:
    path = directory / "result.json"
    with _whole(path) as scratch:
        scratch.write_text(json.dumps(summary(result), indent=2, allow_nan=False) + "\n")
    return [path]


def _write_png(result: SimulationResult, recording: Recording, directory: Path) -> list[Path]:
    from mycelium_fractal_net.visualization import box_counting_figure, field_figure, save_figure

    title = _title(result)
    figures = {"field.png": field_figure(result, field=recording.shown, title=title)}
    boxes = box_counting_of(result)
    if boxes.scales.size > 1 and boxes.verdict != "empty":
        figures["box-counting.png"] = box_counting_figure(boxes, title=title)
    for name, figure in figures.items():
        with _whole(directory / name) as scratch:
            save_figure(figure, scratch)
    return [directory / name for name in figures]


def _write_gif(result: SimulationResult, recording: Recording, directory: Path) -> list[Path]:
    from mycelium_fractal_net.visualization import save_animation

    history, limits = np.stack(recording.frames), physical_limits(result.config, recording.shown)
    title = f"{result.config.kinetics}, seed {result.config.seed}"
    path = directory / "evolution.gif"
    with _whole(path) as scratch:
        save_animation(history, scratch, field=recording.shown, steps=recording.steps, title=title, limits_mv=limits)
    return [path]


@contextmanager
def _whole(path: Path) -> Iterator[Path]:
    """Yield a name to write to, and put the file in its place once it is complete."""
    with whole_file(path) as file:
        yield Path(file.name)


def _title(result: SimulationResult) -> str:
    config = result.config
    changed = ", ".join(f"{name} {value:g}" for name, value in config.kinetics_parameters.items())
    parts = [
        config.kinetics,
        changed,
        f"{result.step} steps",
        f"alpha {config.alpha:g}",
        f"seed {config.seed}",
    ]
    return ", ".join(part for part in parts if part)


_NEEDS = {"png": ("matplotlib",), "gif": ("matplotlib", "PIL")}

FORMATS: dict[str, Writer] = {
    "npz": _write_npz,
    "json": _write_json,
    "png": _write_png,
    "gif": _write_gif,
}
