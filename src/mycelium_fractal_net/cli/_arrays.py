"""Read a field or a mask from a file that the user names."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mycelium_fractal_net._checks import one_line
from mycelium_fractal_net._inputs import array_names, load_arrays
from mycelium_fractal_net.cli._pictures import PICTURES, full_range, otsu_threshold, read_levels
from mycelium_fractal_net.errors import InvalidInputError, MFNError

__all__ = [
    "Mask",
    "Threshold",
    "is_picture",
    "own_boundary",
    "own_rest_mv",
    "read_array",
    "read_arrays",
    "read_mask",
    "read_potentials",
]

_FIELD = "field_mv"


def read_array(file: Path, key: str | None = None) -> NDArray[Any]:
    """Read an array from .npy or .npz, or the grey levels of a picture.

    Of several arrays in an .npz file ``key`` names one; without it, the only one is meant, or ``field_mv``, which
    ``mfn simulate`` writes. Nothing is ever unpickled.

    Raises
    ------
    InvalidInputError
        When the file is of another kind, damaged, or does not hold what is asked for.
    """
    suffix = file.suffix.lower()
    if is_picture(file):
        return read_levels(file)
    if suffix not in {".npy", ".npz"}:
        raise InvalidInputError(f"a file of fields must end in .npy, .npz or {', '.join(PICTURES)}; got {file.name!r}")
    try:
        return _member(file, key)
    except MFNError:
        raise
    except Exception as error:
        raise InvalidInputError(f"{file} cannot be read as {suffix} of plain numbers: {one_line(error)}") from error


def read_arrays(file: Path, names: Sequence[str]) -> dict[str, NDArray[Any]]:
    """Read those of the named arrays that an .npz file holds; the first of them, of another file.

    Raises
    ------
    InvalidInputError
        As :func:`read_array`, and when an .npz file holds none of them.
    """
    if file.suffix.lower() != ".npz":
        return {names[0]: read_array(file)}
    found = load_arrays(file, tuple(names))
    if not found:
        raise InvalidInputError(f"{file} must hold one of {', '.join(names)}")
    return found


@dataclass(frozen=True)
class Mask:
    """Which cells of a file are set, and by what."""

    cells: NDArray[np.bool_]
    rule: str
    threshold: float | None

    @property
    def share(self) -> float:
        """Share of the cells that is set."""
        return float(self.cells.mean())


@dataclass(frozen=True)
class Threshold:
    """What the caller wants set; nothing given means what the file's kind has by default."""

    mv: float | None = None
    level: str | None = None
    dark: bool = False

    def __post_init__(self) -> None:
        if self.mv is not None and not math.isfinite(self.mv):
            raise InvalidInputError(f"--threshold-mv must be a finite number; got {self.mv}")
        if self.mv is not None and self.level is not None:
            raise InvalidInputError("--threshold is a grey level and --threshold-mv a potential; give only one of them")

    def of_levels(self, levels: NDArray[Any]) -> float:
        """Return the grey level that splits a picture: Otsu's, one that was given, or the middle of its range."""
        if self.level is None:
            return 0.5 * sum(full_range(levels))
        if self.level == "otsu":
            return otsu_threshold(levels)
        try:
            value = float(self.level)
        except ValueError:
            value = math.nan
        if not math.isfinite(value):
            raise InvalidInputError(f"--threshold must be otsu or a finite number; got {self.level!r}")
        return value

    def split(self, values: NDArray[Any], at: float, what: str) -> Mask:
        """Set what lies above, or with ``--dark`` below."""
        cells = np.asarray(values < at if self.dark else values > at)
        return Mask(cells, f"{what} {'below' if self.dark else 'above'} {at:g}", at)


def read_mask(file: Path, threshold: Threshold, key: str | None = None) -> Mask:
    """Read which cells are set: of a picture those brighter than a level, of a field in mV those above a potential.

    An array of only 0 and 1 is a mask as it is.

    Raises
    ------
    InvalidInputError
        When the file does not hold finite numbers, or an array whose numbers are neither of these.
    """
    if is_picture(file):
        if threshold.mv is not None:
            raise InvalidInputError(
                f"--threshold-mv is for potentials, and {file.name} a picture: --threshold otsu|VALUE"
            )
        levels = read_levels(file, background=255 if threshold.dark else 0)
        low, high = float(levels.min()), float(levels.max())
        return threshold.split(levels, threshold.of_levels(levels), f"grey levels ({low:g} to {high:g})")
    array = read_array(file, key)
    if array.dtype.kind not in "biuf":
        raise InvalidInputError(f"{file} must hold real numbers; got dtype {array.dtype}")
    if not np.isfinite(array).all():
        raise InvalidInputError(f"{file} holds NaN or infinity; a field must be finite")
    if threshold.level is not None:
        return threshold.split(array, threshold.of_levels(array), "levels")
    if threshold.mv is None and array.size and ((array == 0) | (array == 1)).all():
        return Mask(np.asarray(array == (0 if threshold.dark else 1)), f"cells of {0 if threshold.dark else 1}", None)
    if threshold.mv is None and array.size and not looks_like_mv(array):
        raise InvalidInputError(
            f"{file.name} holds {_span(array)}, which are neither potentials in mV nor a mask of 0 and 1. Give "
            "--threshold-mv MV if they are potentials, --threshold otsu or --threshold VALUE if they are grey levels, "
            "or save a mask of 0 and 1"
        )
    at = own_threshold_mv(file) if threshold.mv is None else threshold.mv
    return threshold.split(array, at, "potentials in mV")


def is_picture(file: Path) -> bool:
    """Tell a picture by its name."""
    return file.suffix.lower() in PICTURES


def looks_like_mv(array: NDArray[Any]) -> bool:
    """Tell whether numbers can be potentials of cells in mV: some are below -10, none is beyond 1000."""
    return bool(array.min() <= -10 and array.max() <= 1000 and array.min() >= -1000)


def read_potentials(
    file: Path, key: str | None, span_mv: tuple[float | None, float | None], *, plain: bool
) -> NDArray[Any]:
    """Read potentials: an array in mV, or levels spread over a span in mV, a picture's or an array's own range.

    Raises
    ------
    InvalidInputError
        When the numbers do not look like potentials and neither a span nor ``plain`` says what they are.
    """
    picture = is_picture(file)
    values = read_levels(file) if picture else read_array(file, key)
    if values.dtype == np.bool_:
        values = values.astype(np.uint8)  # a mask, however it was saved
    numeric = values.dtype.kind in "iuf" and values.size > 0 and bool(np.isfinite(values).all())
    if picture or span_mv != (None, None):
        black, white = (given if given is not None else usual for given, usual in zip(span_mv, SPAN_MV, strict=True))
        if not (math.isfinite(black) and math.isfinite(white) and black < white):
            raise InvalidInputError(f"--min-mv must be below --max-mv; got {black:g} and {white:g}")
        if not numeric:
            raise InvalidInputError(f"{file.name} must hold finite real numbers to be mapped to potentials")
        low, high = full_range(values)
        return np.asarray(black + (white - black) * ((values - low) / (high - low)))
    if numeric and values.ndim in (2, 3) and not plain and not looks_like_mv(values):
        raise InvalidInputError(
            f"{file.name} holds {_span(values)}, which do not look like potentials in mV. Give --min-mv and --max-mv "
            "to map their range to potentials, --as-mv if they are in mV after all, or convert them"
        )
    return values


SPAN_MV = (-95.0, 40.0)
"""Potentials of the darkest and the brightest level: the clamp of the model."""


def own_configuration(file: Path) -> dict[str, Any]:
    """Return the configuration that ``mfn simulate`` left in the file; empty for any other."""
    if file.suffix.lower() != ".npz":
        return {}
    try:
        held = load_arrays(file, ("config",)).get("config")
        found = {} if held is None else json.loads(str(held))
    except (MFNError, OSError, ValueError):  # whoever reads the field says what is wrong
        return {}
    return found if isinstance(found, dict) else {}


def own_boundary(file: Path) -> bool:
    """Tell whether opposite edges touch: as the file's configuration says, else not on a picture and on an array."""
    boundary = own_configuration(file).get("boundary")
    return not is_picture(file) if boundary is None else boundary == "periodic"


def own_rest_mv(file: Path) -> float:
    """Return the rest potential of the file's configuration, -70 mV without one."""
    rest = own_configuration(file).get("rest_potential_mv")
    return float(rest) if isinstance(rest, int | float) else -70.0


def own_threshold_mv(file: Path) -> float:
    """Return 10 mV above the rest potential of the file's configuration, -60 mV without one."""
    return own_rest_mv(file) + 10.0


def _span(array: NDArray[Any]) -> str:
    return f"numbers from {array.min():g} to {array.max():g}"


def _member(file: Path, key: str | None) -> NDArray[Any]:
    names = array_names(file)
    if names == ("",):
        return load_arrays(file)[""]
    if key is None:
        key = names[0] if len(names) == 1 else _FIELD
    if key not in names:
        raise InvalidInputError(f"{file} holds {one_line(', '.join(names)) or 'nothing'}; choose one with --key")
    return load_arrays(file, (key,))[key]
