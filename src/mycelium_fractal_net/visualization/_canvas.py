"""Figures without pyplot: nothing global is touched, so that threads and servers can draw."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from mycelium_fractal_net.errors import InvalidInputError, MissingExtraError

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["COLOUR_MAPS", "checked_fields", "new_figure", "shared_limits"]

COLOUR_MAPS = {"v": "inferno", "activator": "viridis", "inhibitor": "cividis"}
"""One for each field, perceptually uniform: equal steps look equally large, in print and to colour-blind readers."""


def new_figure(width_inches: float, height_inches: float) -> Figure:
    """Return an empty figure that draws with Agg."""
    try:
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from matplotlib.figure import Figure
    except ImportError:
        raise MissingExtraError.for_extra("visualization", "matplotlib") from None
    figure = Figure(figsize=(width_inches, height_inches), layout="constrained")
    FigureCanvasAgg(figure)
    return figure


def checked_fields(name: str, value: ArrayLike, ndim: int) -> NDArray[np.float64]:
    """Return finite numbers of the given dimension as float64."""
    fields: NDArray[Any] = np.asarray(value)
    if fields.ndim != ndim or not fields.size or fields.dtype.kind not in "iuf":
        raise InvalidInputError(
            f"{name} must be a non-empty array of real numbers with {ndim} dimensions; "
            f"got {fields.dtype} with shape {fields.shape}",
            field=name,
        )
    if not np.isfinite(fields).all():
        raise InvalidInputError(f"{name} must be finite; it holds NaN or infinity", field=name)
    return fields.astype(np.float64)


def shared_limits(fields: NDArray[np.float64], limits_mv: tuple[float, float] | None) -> tuple[float, float]:
    """Return the ends of the colour scale: those asked for, or the extremes, kept apart for a flat field."""
    if limits_mv is not None:
        try:
            low, high = limits_mv
            ascending = bool(low < high)
        except (TypeError, ValueError):
            ascending = False
        if not ascending:
            raise InvalidInputError(f"limits_mv must be (low, high) with low < high; got {limits_mv}")
        return low, high
    low, high = float(fields.min()), float(fields.max())
    return (low, high) if high > low else (low - 0.5, high + 0.5)
