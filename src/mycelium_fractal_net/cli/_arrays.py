"""Read a field or a mask from a file that the user names."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mycelium_fractal_net._checks import one_line
from mycelium_fractal_net._inputs import LARGEST_ARRAY, array_names, check_ratio, load_arrays, regular_file
from mycelium_fractal_net.errors import InvalidInputError, MFNError, MissingExtraError

__all__ = ["read_array", "read_arrays", "read_mask"]

_FIELD = "field_mv"
_MID_GREY = 127
_BYTES_A_PIXEL = 8  # as many as any kind of picture takes


def read_array(file: Path, key: str | None = None) -> NDArray[Any]:
    """Read an array from .npy or .npz, or the grey levels 0 to 255 of a .png.

    Of several arrays in an .npz file ``key`` names one; without it, the only one is meant, or ``field_mv``, which
    ``mfn simulate`` writes. Nothing is ever unpickled.

    Raises
    ------
    InvalidInputError
        When the file is of another kind, damaged, or does not hold what is asked for.
    """
    suffix = file.suffix.lower()
    if suffix not in {".npy", ".npz", ".png"}:
        raise InvalidInputError(f"a file of fields must end in .npy, .npz or .png; got {file.name!r}")
    try:
        if suffix == ".png":
            return _grey_levels(file)
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


def read_mask(file: Path, threshold_mv: float, key: str | None = None) -> NDArray[np.bool_]:
    """Read a mask: the cells above the threshold, or an array of only 0 and 1, or the bright half of a picture.

    Raises
    ------
    InvalidInputError
        When the file does not hold numbers, or holds NaN.
    """
    array = read_array(file, key)
    if file.suffix.lower() == ".png":
        return np.asarray(array > _MID_GREY)
    if array.dtype.kind not in "biuf":
        raise InvalidInputError(f"{file} must hold real numbers; got dtype {array.dtype}")
    if np.isnan(array).any():
        raise InvalidInputError(f"{file} holds NaN; a field must be finite")
    if ((array == 0) | (array == 1)).all():
        return array.astype(np.bool_)
    return np.asarray(array > threshold_mv)


def _member(file: Path, key: str | None) -> NDArray[Any]:
    names = array_names(file)
    if names == ("",):
        return load_arrays(file)[""]
    if key is None:
        key = names[0] if len(names) == 1 else _FIELD
    if key not in names:
        raise InvalidInputError(f"{file} holds {one_line(', '.join(names)) or 'nothing'}; choose one with --key")
    return load_arrays(file, (key,))[key]


def _grey_levels(file: Path) -> NDArray[Any]:
    try:
        from PIL import Image
    except ImportError:
        raise MissingExtraError.for_extra("visualization", "Pillow") from None
    with regular_file(file, LARGEST_ARRAY) as stream, Image.open(stream, formats=["PNG"]) as picture:
        check_ratio(os.fstat(stream.fileno()).st_size, picture.width * picture.height * _BYTES_A_PIXEL, "a picture")
        return np.asarray(picture.convert("L"))
