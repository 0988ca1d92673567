"""Columns of numbers out of a Parquet file."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mycelium_fractal_net.datasets._parquet import parquet_modules
from mycelium_fractal_net.errors import InvalidInputError

__all__ = ["read_columns"]


def read_columns(path: str | Path) -> dict[str, NDArray[np.float64]]:
    """Return the columns of a Parquet file that are numbers, in the order of its rows; what is missing is NaN.

    Raises
    ------
    InvalidInputError
        When the file cannot be read as Parquet.
    MissingExtraError
        Without pyarrow.
    """
    pyarrow, parquet = parquet_modules()
    try:
        table: Any = parquet.read_table(Path(path))
    except (OSError, pyarrow.ArrowException) as error:
        raise InvalidInputError(f"cannot read {path} as Parquet: {error}", field="path") from None
    kinds = pyarrow.types
    return {
        field.name: np.asarray(table.column(field.name).to_numpy(), dtype=np.float64)
        for field in table.schema
        if kinds.is_floating(field.type) or kinds.is_integer(field.type)
    }
