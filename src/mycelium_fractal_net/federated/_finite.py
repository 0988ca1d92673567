"""Updates that are numbers throughout, and why the others are not taken."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from mycelium_fractal_net.federated._scale import row_sizes
from mycelium_fractal_net.federated._updates import FloatArray

__all__ = ["reject_non_finite"]


def reject_non_finite(values: FloatArray) -> tuple[FloatArray, NDArray[np.intp], dict[int, str]]:
    """Split off the rows that hold NaN or infinity: (finite rows, their indices, reason by index)."""
    fine = np.isfinite(row_sizes(values))
    kept = np.flatnonzero(fine)
    if len(kept) == len(values):
        return values, kept, {}
    rejected = {int(i): _reason(values[i]) for i in np.flatnonzero(~fine)}
    return values[kept], kept, rejected


def _reason(row: FloatArray) -> str:
    nan, infinite = int(np.isnan(row).sum()), int(np.isinf(row).sum())
    found = [f"{count} {name}" for count, name in ((nan, "NaN"), (infinite, "infinite")) if count]
    return f"{' and '.join(found)} of {len(row)} values"
