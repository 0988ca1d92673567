"""Files that ``mfn simulate`` leaves in its output directory."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np

from mycelium_fractal_net.cli._recording import Recording
from mycelium_fractal_net.cli._report import box_counting_of, summary
from mycelium_fractal_net.errors import InvalidInputError, MissingExtraError
from mycelium_fractal_net.fields import SimulationResult

__all__ = ["FORMATS", "parse_formats", "write_results"]

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


def write_results(result: SimulationResult, recording: Recording, directory: Path, formats: list[str]) -> list[Path]:
    """Write the result in each format to an existing directory and return the paths."""
    return [path for name in formats for path in FORMATS[name](result, recording, directory)]


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
        arrays |= {"history_mv": np.stack(recording.frames_mv), "history_steps": np.array(recording.steps)}
    with _whole(path) as scratch:
        np.savez_compressed(scratch, **arrays)
    return [path]


def _write_json(result: SimulationResult, _recording: Recording, directory: Path) -> list[Path]:
    path = directory / "result.json"
    with _whole(path) as scratch:
        scratch.write_text(json.dumps(summary(result), indent=2, allow_nan=False) + "\n")
    return [path]


def _write_png(result: SimulationResult, _recording: Recording, directory: Path) -> list[Path]:
    from mycelium_fractal_net.visualization import box_counting_figure, field_figure, save_figure

    title = _title(result)
    figures = {"field.png": field_figure(result.field_mv, title=title)}
    boxes = box_counting_of(result)
    if boxes.scales.size > 1 and boxes.verdict != "empty":
        figures["box-counting.png"] = box_counting_figure(boxes, title=title)
    for name, figure in figures.items():
        with _whole(directory / name) as scratch:
            save_figure(figure, scratch)
    return [directory / name for name in figures]


def _write_gif(result: SimulationResult, recording: Recording, directory: Path) -> list[Path]:
    from mycelium_fractal_net.visualization import save_animation

    history = np.stack(recording.frames_mv)
    title = f"{result.config.kinetics}, seed {result.config.seed}"
    path = directory / "evolution.gif"
    with _whole(path) as scratch:
        save_animation(history, scratch, steps=recording.steps, title=title)
    return [path]


@contextmanager
def _whole(path: Path) -> Iterator[Path]:
    """Yield a name to write to, and put the file in its place once it is complete."""
    scratch = path.with_name(f".{path.stem}-{os.getpid()}{path.suffix}")
    try:
        yield scratch
        scratch.replace(path)
    finally:
        scratch.unlink(missing_ok=True)


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
