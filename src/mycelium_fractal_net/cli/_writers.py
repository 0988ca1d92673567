"""Files that ``mfn simulate`` leaves in its output directory."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from mycelium_fractal_net.cli._recording import Recording
from mycelium_fractal_net.cli._report import box_counting_of, summary
from mycelium_fractal_net.errors import InvalidInputError
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
    return list(dict.fromkeys(names))


def write_results(
    result: SimulationResult, recording: Recording, directory: Path, formats: list[str]
) -> list[Path]:
    """Write the result in each format and return the paths."""
    directory.mkdir(parents=True, exist_ok=True)
    return [path for name in formats for path in FORMATS[name](result, recording, directory)]


def _write_npz(result: SimulationResult, recording: Recording, directory: Path) -> list[Path]:
    path = directory / "field.npz"
    arrays: dict[str, Any] = {
        "field_mv": result.field_mv,
        "activator": result.activator,
        "inhibitor": result.inhibitor,
        "step_statistics": result.step_statistics,
        "features": result.features.to_array(),
        "config": np.array(result.config.model_dump_json()),
    }
    if recording.steps:
        arrays |= {"history_mv": np.stack(recording.frames_mv), "history_steps": np.array(recording.steps)}
    with path.open("wb") as file:
        np.savez_compressed(file, **arrays)
    return [path]


def _write_json(result: SimulationResult, _recording: Recording, directory: Path) -> list[Path]:
    path = directory / "result.json"
    path.write_text(json.dumps(summary(result), indent=2, allow_nan=False) + "\n")
    return [path]


def _write_png(result: SimulationResult, _recording: Recording, directory: Path) -> list[Path]:
    from mycelium_fractal_net.visualization import box_counting_figure, field_figure, save_figure

    title = _title(result)
    paths = [save_figure(field_figure(result.field_mv, title=title), directory / "field.png")]
    boxes = box_counting_of(result)
    if boxes.verdict not in {"empty", "insufficient"}:
        figure = box_counting_figure(boxes, title=title)
        paths.append(save_figure(figure, directory / "box-counting.png"))
    return paths


def _write_gif(result: SimulationResult, recording: Recording, directory: Path) -> list[Path]:
    from mycelium_fractal_net.visualization import save_animation

    history = np.stack(recording.frames_mv)
    title = f"{result.config.kinetics}, seed {result.config.seed}"
    return [save_animation(history, directory / "evolution.gif", steps=recording.steps, title=title)]


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


FORMATS: dict[str, Writer] = {
    "npz": _write_npz,
    "json": _write_json,
    "png": _write_png,
    "gif": _write_gif,
}
