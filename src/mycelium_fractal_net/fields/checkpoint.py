"""Checkpoints: one file from which a simulation goes on with the bits that it would have had."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from mycelium_fractal_net._checks import is_whole, one_line, shown
from mycelium_fractal_net._inputs import LARGEST_ARRAY, load_members, parse_json, regular_file
from mycelium_fractal_net._outputs import whole_file
from mycelium_fractal_net._version import BITS_SINCE, __version__
from mycelium_fractal_net.errors import CheckpointError
from mycelium_fractal_net.fields._engine import Engine
from mycelium_fractal_net.fields._start import RandomStreams
from mycelium_fractal_net.fields.config import SimulationConfig
from mycelium_fractal_net.fields.models import get_kinetics, list_kinetics

__all__ = ["load", "read", "save", "write"]

_FORMAT = 2
_LARGEST = 3 * 8 * 16384**2 + LARGEST_ARRAY


def save(path: str | Path, config: SimulationConfig, engine: Engine) -> None:
    """Write a checkpoint; the file is replaced as a whole, so that an interruption leaves the old one."""
    with whole_file(Path(path)) as file:
        write(file, config, engine)


def write(file: BinaryIO, config: SimulationConfig, engine: Engine) -> None:
    """Write a checkpoint into an open file."""
    arrays: dict[str, Any] = {name: engine.interior(name) for name in "ahv"}
    header = {
        "format": _FORMAT,
        "version": __version__,
        "bits_since": BITS_SINCE,
        "config": config.model_dump(mode="json"),
        "kinetics": config.model.describe(),
        "step": engine.step,
        "counters": engine.counters.tolist(),
        "streams": engine.streams.states,
    }
    np.savez(file, header=np.array(json.dumps(header)), statistics=engine.statistics, **arrays)


def load(path: str | Path) -> tuple[SimulationConfig, dict[str, Any]]:
    """Read a checkpoint: its configuration and the state for the engine.

    Raises
    ------
    CheckpointError
        When the file is missing, damaged, of another format, or of another model than the one that is here now.
    """
    if not Path(path).exists():
        raise CheckpointError(f"no checkpoint at {path}")
    with regular_file(Path(path), _LARGEST, CheckpointError) as file:
        return read(file, str(path))


def read(file: BinaryIO, name: str) -> tuple[SimulationConfig, dict[str, Any]]:
    """Read a checkpoint from an open file; ``name`` is what messages call it."""
    try:
        header, arrays = _read(file)
        if header["format"] == _FORMAT:
            _check_model(name, header)
            config = SimulationConfig.model_validate(header["config"])
            return config, _checked_state(config, header, arrays)
    except CheckpointError:
        raise
    except Exception as error:
        raise CheckpointError(f"{name} is not a readable checkpoint: {one_line(error)}") from error
    raise CheckpointError(
        f"{name} has checkpoint format {shown(header['format'])}, this version ({__version__}) reads {_FORMAT}; "
        f"resume it with the version that wrote it ({one_line(header.get('version'))})"
    )


def _check_model(name: str, header: Mapping[str, Any]) -> None:
    """Refuse to go on with another model, or with arithmetic that may give other bits."""
    if header["bits_since"] != BITS_SINCE:
        raise CheckpointError(
            f"{name} was written by version {shown(header['version'])}, whose bits may differ from those of "
            f"{__version__}; resume it with the version that wrote it"
        )
    known = header["config"]["kinetics"]
    if known not in list_kinetics():
        raise CheckpointError(
            f"{name} needs the kinetics {shown(known)}, which is not registered here; "
            "import the module that registers it first (mfn --kinetics-file FILE)"
        )
    model = get_kinetics(known)
    if model.describe() != header["kinetics"]:
        raise CheckpointError(
            f"{name} was written with another kinetics of the name {known!r} than the one registered now "
            f"({model.differences(header['kinetics'])}); register the original one, or start again"
        )


def _read(file: BinaryIO) -> tuple[dict[str, Any], dict[str, NDArray[Any]]]:
    with zipfile.ZipFile(file) as archive:
        if any(entry.compress_type != zipfile.ZIP_STORED for entry in archive.infolist()):
            raise ValueError("it is compressed, and checkpoints are not")
        members = load_members(archive, ("header", "statistics", *"ahv"), _LARGEST)
    header = parse_json(str(members.pop("header")).encode())
    return header, members


def _checked_state(config: SimulationConfig, header: dict[str, Any], arrays: dict[str, NDArray[Any]]) -> dict[str, Any]:
    step, counters = header["step"], header["counters"]
    if not (isinstance(counters, list) and len(counters) == 4 and all(map(_is_count, [step, *counters]))):
        raise ValueError(f"step {shown(step)} and counters {shown(counters)} are not five whole numbers")
    _check_array("statistics", arrays["statistics"], (step, 5), "float64")
    for name in "ahv":
        _check_array(name, arrays[name], config.shape, config.dtype)
        if counters[2] == 0 and not np.isfinite(arrays[name]).all():
            raise ValueError(f"{name!r} is not finite everywhere")
    RandomStreams(0).states = header["streams"]
    return {**arrays, "step": step, "counters": counters, "streams": header["streams"]}


def _is_count(value: Any) -> bool:
    return is_whole(value) and 0 <= value < 2**63


def _check_array(name: str, array: NDArray[Any], shape: tuple[int, int], dtype: str) -> None:
    if array.shape != shape or array.dtype != np.dtype(dtype):
        raise ValueError(f"{name!r} is {array.shape} {array.dtype}, not {shape} {dtype}")
