"""Read pictures as grey levels, and tell which of them are set."""

from __future__ import annotations

import logging
import os
import warnings
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mycelium_fractal_net._checks import one_line
from mycelium_fractal_net._inputs import LARGEST_ARRAY, check_ratio, regular_file
from mycelium_fractal_net.errors import InvalidInputError, MFNError, MissingExtraError

__all__ = ["PICTURES", "full_range", "otsu_threshold", "read_levels"]

PICTURES = (".png", ".tif", ".tiff", ".jpg", ".jpeg", ".bmp")
_FORMATS = ("PNG", "TIFF", "JPEG", "BMP")
_MOST_LEVELS = 65_536
_BYTES_A_PIXEL = 8  # as many as any kind of picture takes

logging.getLogger("PIL").addHandler(logging.NullHandler())

Levels = NDArray[np.float64]


def read_levels(file: Path, *, background: int = 0) -> Levels:
    """Read a picture's grey levels as they stand in the file, 8 bits, 16 bits or floating point.

    Colours become their luminance, transparent parts lie before a background of black, 0, or white, 255.

    Raises
    ------
    InvalidInputError
        When the file is no single picture of finite levels.
    """
    try:
        from PIL import Image
    except ImportError:
        raise MissingExtraError.for_extra("visualization", "Pillow") from None
    try:
        with (
            warnings.catch_warnings(action="ignore"),  # what it warns of is said, or refused, in our words
            regular_file(file, LARGEST_ARRAY) as stream,
            Image.open(stream, formats=_FORMATS) as picture,
        ):
            check_ratio(os.fstat(stream.fileno()).st_size, picture.width * picture.height * _BYTES_A_PIXEL, "a picture")
            frames = getattr(picture, "n_frames", 1)
            levels = np.asarray(_flattened(Image, picture, background), dtype=np.float64)
    except MFNError:
        raise
    except Exception as error:
        raise InvalidInputError(f"{file} cannot be read as a picture: {one_line(error)}") from error
    if frames != 1:
        raise InvalidInputError(f"{file} holds {frames} pictures; save the one that you mean as a file of its own")
    if not np.isfinite(levels).all():
        raise InvalidInputError(f"{file} holds levels that are not finite")
    return levels


def full_range(levels: Levels) -> tuple[float, float]:
    """Return the darkest and the brightest level; black and white where all are one."""
    low, high = float(levels.min()), float(levels.max())
    if low < high:
        return low, high
    return min(low, 0.0), max(high, 255.0 if high <= 255.0 else 65_535.0)


def otsu_threshold(levels: Levels) -> float:
    """Return the level that splits others into two classes with the greatest variance between them.

    Of several the middle one is taken, so that a gap is split in its middle; Otsu 1979,
    https://doi.org/10.1109/TSMC.1979.4310076.

    Examples
    --------
    >>> otsu_threshold(np.array([10.0, 11.0, 12.0, 200.0, 202.0]))
    106.0
    """
    values, counts = np.unique(levels, return_counts=True)
    if values.size < 2:
        raise InvalidInputError(f"--threshold otsu needs at least two grey levels; all are {values[0]:g}")
    if values.size > _MOST_LEVELS:
        counts, edges = np.histogram(levels, _MOST_LEVELS)
        values = 0.5 * (edges[:-1] + edges[1:])
    below = counts.cumsum()[:-1].astype(np.float64)
    above = counts.sum() - below
    sums = (counts * values).cumsum()
    with np.errstate(invalid="ignore", divide="ignore"):
        between = below * above * (sums[:-1] / below - (sums[-1] - sums[:-1]) / above) ** 2
    best = np.flatnonzero(between == np.nanmax(between))
    return float(0.5 * values[best[0]] + 0.5 * values[best[-1] + 1])


def _flattened(image: Any, picture: Any, background: int) -> Any:
    """Return a picture of one band, in the depth that it has."""
    if picture.mode in {"I", "F"} or picture.mode.startswith("I;16"):
        return picture
    if picture.mode in {"LA", "La", "PA", "RGBA", "RGBa"} or "transparency" in picture.info:
        sheet = image.new("RGBA", picture.size, (background, background, background, 255))
        sheet.alpha_composite(picture.convert("RGBA"))
        picture = sheet
    return picture.convert("L")
