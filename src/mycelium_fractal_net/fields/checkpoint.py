"""Checkpoints: one file from which a simulation goes on with the bits that it would have had."""

from __future__ import annotations

import json
import os
import tempfile
import zipfile
from pathlib import Path
from typing import Any

import numpy as np

from mycelium_fractal_net._version import __version__
from mycelium_fractal_net.errors import CheckpointError
from mycelium_fractal_net.fields._engine import Engine
from mycelium_fractal_net.fields.config import SimulationConfig

__all__ = ["load", "save"]

_FORMAT = 1


def save(path: str | Path, config: SimulationConfig, engine: Engine) -> None:
    """Write a checkpoint; the file is replaced as a whole, so that an interruption leaves the old one."""
    target = Path(path)
    header = {
        "format": _FORMAT,
        "version": __version__,
        "config": config.model_dump(mode="json"),
        "step": engine.step,
        "counters": engine.counters.tolist(),
        "streams": engine.streams.states,
    }
    arrays: dict[str, Any] = {name: engine.interior(name) for name in "ahv"}
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
        with np.load(path, allow_pickle=False) as file:
            header = json.loads(str(file["header"]))
            state = {name: file[name] for name in ("a", "h", "v", "statistics")}
        if header["format"] != _FORMAT:
            raise CheckpointError(
                f"{path} has checkpoint format {header['format']}, this version ({__version__}) reads {_FORMAT}; "
                f"resume it with the version that wrote it ({header['version']})"
            )
        config = SimulationConfig.model_validate(header["config"])
        state.update(step=header["step"], counters=header["counters"], streams=header["streams"])
        _check_state(config, state)
    except FileNotFoundError:
        raise CheckpointError(f"no checkpoint at {path}") from None
    except (OSError, ValueError, KeyError, TypeError, zipfile.BadZipFile, EOFError) as error:
        raise CheckpointError(f"{path} is not a readable checkpoint: {error}") from error
    return config, state


def _check_state(config: SimulationConfig, state: dict[str, Any]) -> None:
    shape = (config.grid_size, config.grid_size)
    for name in "ahv":
        if state[name].shape != shape or state[name].dtype != np.dtype(config.dtype):
            raise ValueError(f"field {name!r} is {state[name].shape} {state[name].dtype}, not {shape} {config.dtype}")
    if state["statistics"].shape != (state["step"], 5):
        raise ValueError(f"statistics are {state['statistics'].shape}, not ({state['step']}, 5)")
