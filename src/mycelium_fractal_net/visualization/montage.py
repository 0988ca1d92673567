"""Several fields side by side, on one scale."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike

from mycelium_fractal_net.errors import InvalidInputError
from mycelium_fractal_net.fields.variables import variable
from mycelium_fractal_net.visualization._canvas import checked_fields, new_figure, shared_limits
from mycelium_fractal_net.visualization.figures import draw_field

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["montage_figure"]


def montage_figure(
    fields_mv: Sequence[ArrayLike],
    titles: Sequence[str],
    *,
    field: str = "v",
    limits_mv: tuple[float, float] | None = None,
) -> Figure:
    """Draw fields beside each other with one scale for all.

    Parameters
    ----------
    fields_mv : sequence of arrays, each (rows, columns)
        Finite, potentials in mV; one or more, their shapes may differ.
    titles : sequence of str
        One for each field.
    field : {"v", "activator", "inhibitor"}
        What they are.
    limits_mv : tuple of float, optional
        Ends of the colour scale in the fields' unit; the extremes of all fields by default.

    Returns
    -------
    matplotlib.figure.Figure

    Raises
    ------
    InvalidInputError
        For no field, a number of titles that differs, or a field that cannot be drawn.

    Examples
    --------
    >>> figure = montage_figure([np.zeros((4, 4)), np.ones((4, 4))], ["before", "after"])
    >>> [axes.get_title() for axes in figure.axes[:2]]
    ['before', 'after']
    """
    fields = [checked_fields("fields_mv", each, 2) for each in fields_mv]
    if not fields or len(fields) != len(titles):
        raise InvalidInputError(
            f"a montage needs one field or more and a title for each; got {len(fields)} and {len(titles)}"
        )
    limits = shared_limits(np.concatenate([each.ravel() for each in fields]), limits_mv)
    figure = new_figure(3.2 * len(fields) + 1.0, 3.4)
    panels = figure.subplots(1, len(fields), squeeze=False)[0]
    for axes, each, title in zip(panels, fields, titles, strict=True):
        image = draw_field(axes, each, limits, field)
        axes.set_title(title, fontsize=10)
        axes.set_ylabel("row" if axes is panels[0] else "")
    figure.colorbar(image, ax=list(panels), label=variable(field).label)
    return figure
