"""Checkpoints: one file from which a simulation goes on with the bits that it would have had."""

from __future__ import annotations

import json
import os
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mycelium_fractal_net._version import __version__
from mycelium_fractal_net.errors import CheckpointError
from mycelium_fractal_net.fields._engine import Engine
from mycelium_fractal_net.fields._start import RandomStreams
from mycelium_fractal_net.fields.config import SimulationConfig

__all__ = ["load", "save"]

_FORMAT = 1


def save(path: str | Path, config: SimulationConfig, engine: Engine) -> None:
    """Write a checkpoint; the file is replaced as a whole, so that an interruption leaves the old one."""
    target = Path(path)
    arrays: dict[str, Any] = {name: engine.interior(name) for name in "ahv"}
    header = {
        "format": _FORMAT,
        "version": __version__,
        "config": config.model_dump(mode="json"),
        "step": engine.step,
        "counters": engine.counters.tolist(),
        "streams": engine.streams.states,
    }
    with tempfile.NamedTemporaryFile(dir=target.parent, prefix=f".{target.name}-", delete=False) as file:
        try:
            np.savez(file, header=np.array(json.dumps(header)), statistics=engine.statistics, **arrays)
            file.flush()
            os.fsync(file.fileno())
            Path(file.name).replace(target)
        except BaseException:
            Path(file.name).unlink(missing_ok=True)
            raise


def load(path: str | Path) -> tuple[SimulationConfig, dict[str, Any]]:
    """Read a checkpoint: its configuration and the state for the engine.

    Raises
    ------
    CheckpointError
        When the file is missing, damaged, or of another format.
    """
    try:
        header, arrays = _read(Path(path))
        if header["format"] == _FORMAT:
            config = SimulationConfig.model_validate(header["config"])
            return config, _checked_state(config, header, arrays)
    except FileNotFoundError:
        raise CheckpointError(f"no checkpoint at {path}") from None
    except Exception as error:
        raise CheckpointError(f"{path} is not a readable checkpoint: {error}") from error
    raise CheckpointError(
        f"{path} has checkpoint format {header['format']}, this version ({__version__}) reads {_FORMAT}; "
        f"resume it with the version that wrote it ({header.get('version')})"
    )


def _read(path: Path) -> tuple[dict[str, Any], dict[str, NDArray[Any]]]:
    with path.open("rb") as binary, np.load(binary, allow_pickle=False) as file:
        if sum(entry.file_size for entry in file.zip.infolist()) > path.stat().st_size:
            raise ValueError("it is compressed, which no checkpoint is")
        header = json.loads(str(file["header"]))
        return header, {name: file[name] for name in (*"ahv", "statistics")}


def _checked_state(config: SimulationConfig, header: dict[str, Any], arrays: dict[str, NDArray[Any]]) -> dict[str, Any]:
    step, counters = header["step"], header["counters"]
    if not (isinstance(counters, list) and len(counters) == 4 and all(map(_is_count, [step, *counters]))):
        raise ValueError(f"step {step!r} and counters {counters!r:.80} are not five whole numbers")
    _check_array("statistics", arrays["statistics"], (step, 5), "float64")
    for name in "ahv":
        _check_array(name, arrays[name], (config.grid_size, config.grid_size), config.dtype)
        if counters[2] == 0 and not np.isfinite(arrays[name]).all():
            raise ValueError(f"{name!r} is not finite everywhere")
    RandomStreams(0).states = header["streams"]
    return {**arrays, "step": step, "counters": counters, "streams": header["streams"]}


def _is_count(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 2**63


def _check_array(name: str, array: NDArray[Any], shape: tuple[int, int], dtype: str) -> None:
    if array.shape != shape or array.dtype != np.dtype(dtype):
        raise ValueError(f"{name!r} is {array.shape} {array.dtype}, not {shape} {dtype}")
