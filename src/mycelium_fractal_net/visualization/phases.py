"""Phase diagrams: pictures or a number over two parameters, beside what linear stability predicts."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike, NDArray

from mycelium_fractal_net.errors import InvalidInputError
from mycelium_fractal_net.fields.variables import variable
from mycelium_fractal_net.visualization._canvas import COLOUR_MAPS, new_figure

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["category_map_figure", "number_map_figure", "picture_map_figure"]

_MOST_PIXELS = 2400


def picture_map_figure(
    pictures: ArrayLike,
    x: tuple[str, Sequence[float]],
    y: tuple[str, Sequence[float]],
    *,
    limits: tuple[float, float],
    field: str = "activator",
    unstable: ArrayLike | None = None,
) -> Figure:
    """Draw a field for each pair of parameters, and a line around those that linear stability calls unstable.

    Parameters
    ----------
    pictures : array, shape (values of y, values of x, rows, columns)
        NaN where there is none.
    x, y : tuple of str and sequence of float
        Name and values of each parameter; the smallest ``y`` is at the bottom.
    limits : tuple of float
        Ends of the colour scale.
    field : {"v", "activator", "inhibitor"}
        What is drawn.
    unstable : array, shape (values of y, values of x), optional
        1 where a pattern is predicted.

    Returns
    -------
    matplotlib.figure.Figure

    Raises
    ------
    InvalidInputError
        When the number of pictures is not that of the values.

    Examples
    --------
    >>> figure = picture_map_figure(np.zeros((1, 2, 4, 4)), ("bias", (0, 1)), ("beta", (1,)), limits=(0, 1))
    >>> figure.axes[0].get_xlabel()
    'bias'
    """
    tiles = np.asarray(pictures, np.float64)
    if tiles.ndim != 4 or tiles.shape[:2] != (len(y[1]), len(x[1])):
        raise InvalidInputError(
            f"pictures must be ({len(y[1])}, {len(x[1])}, rows, columns) for these parameters; got {tiles.shape}"
        )
    step = max(1, max(tiles.shape[0] * tiles.shape[2], tiles.shape[1] * tiles.shape[3]) // _MOST_PIXELS)
    sheet = tiles[::-1, :, ::step, ::step].transpose(0, 2, 1, 3)
    sheet = sheet.reshape(sheet.shape[0] * sheet.shape[1], -1)
    figure, axes = _axes(x, y)
    low, high = limits
    image = axes.imshow(sheet, cmap=COLOUR_MAPS[field], vmin=low, vmax=high, extent=_extent(x, y), aspect="auto")
    figure.colorbar(image, ax=axes, label=variable(field).label)
    _outline(axes, unstable)
    return figure


def number_map_figure(
    numbers: ArrayLike,
    x: tuple[str, Sequence[float]],
    y: tuple[str, Sequence[float]],
    *,
    label: str,
    unstable: ArrayLike | None = None,
) -> Figure:
    """Draw a number for each pair of parameters; NaN stays white.

    Parameters
    ----------
    numbers : array, shape (values of y, values of x)
        A feature, a wavelength, a growth rate.
    x, y, unstable
        As in :func:`picture_map_figure`.
    label : str
        Name and unit of the number.

    Returns
    -------
    matplotlib.figure.Figure

    Examples
    --------
    >>> figure = number_map_figure([[1.0, 2.0]], ("bias", (0, 1)), ("beta", (1,)), label="V_std (mV)")
    >>> figure.axes[1].get_ylabel()
    'V_std (mV)'
    """
    values: NDArray[np.float64] = np.asarray(numbers, np.float64)
    figure, axes = _axes(x, y)
    image = axes.imshow(values[::-1], cmap="magma", extent=_extent(x, y), aspect="auto")
    figure.colorbar(image, ax=axes, label=label)
    _outline(axes, unstable)
    return figure


def category_map_figure(
    names: ArrayLike,
    categories: Sequence[str],
    x: tuple[str, Sequence[float]],
    y: tuple[str, Sequence[float]],
    *,
    unstable: ArrayLike | None = None,
) -> Figure:
    """Draw what each pair of parameters is called, one colour a name; what has none stays white.

    Parameters
    ----------
    names : array of str, shape (values of y, values of x)
        One of the categories, or another text for none.
    categories : sequence of str
        All names there are, at most ten; each keeps its colour whatever the map holds.
    x, y, unstable
        As in :func:`picture_map_figure`.

    Returns
    -------
    matplotlib.figure.Figure

    Examples
    --------
    >>> figure = category_map_figure([["spots", "net"]], ("spots", "net"), ("bias", (0, 1)), ("beta", (1,)))
    >>> [text.get_text() for text in figure.legends[0].get_texts()]
    ['spots', 'net']
    """
    from matplotlib import colormaps
    from matplotlib.colors import ListedColormap
    from matplotlib.patches import Patch

    called = np.asarray(names)
    numbers = np.full(called.shape, np.nan)
    for index, name in enumerate(categories):
        numbers[called == name] = index
    colours = ListedColormap(colormaps["tab10"].colors[: len(categories)])  # type: ignore[attr-defined]
    figure, axes = _axes(x, y)
    axes.imshow(numbers[::-1], cmap=colours, vmin=-0.5, vmax=len(categories) - 0.5, extent=_extent(x, y), aspect="auto")
    patches = [Patch(color=colours(index), label=name) for index, name in enumerate(categories)]
    figure.legend(handles=patches, loc="outside upper center", ncols=len(categories), frameon=False)
    _outline(axes, unstable)
    return figure


def _axes(x: tuple[str, Sequence[float]], y: tuple[str, Sequence[float]]) -> tuple[Figure, Axes]:
    figure = new_figure(8.0, 7.0)
    axes = figure.subplots()
    axes.set_xlabel(x[0])
    axes.set_ylabel(y[0])
    for values, put in ((x[1], axes.set_xticks), (y[1], axes.set_yticks)):
        places = range(0, len(values), max(1, len(values) // 8))
        put([float(place) for place in places], labels=[f"{values[place]:.4g}" for place in places])
    return figure, axes


def _extent(x: tuple[str, Sequence[float]], y: tuple[str, Sequence[float]]) -> tuple[float, float, float, float]:
    return -0.5, len(x[1]) - 0.5, -0.5, len(y[1]) - 0.5


def _outline(axes: Axes, unstable: ArrayLike | None) -> None:
    """Draw the border between what is predicted to form a pattern and what is not."""
    if unstable is None:
        return
    inside = np.nan_to_num(np.asarray(unstable, np.float64)) > 0
    for (i, j), here in np.ndenumerate(inside):
        if i + 1 < inside.shape[0] and inside[i + 1, j] != here:
            axes.plot([j - 0.5, j + 0.5], [i + 0.5, i + 0.5], color="white", linewidth=2.0)
        if j + 1 < inside.shape[1] and inside[i, j + 1] != here:
            axes.plot([j + 0.5, j + 0.5], [i - 0.5, i + 0.5], color="white", linewidth=2.0)
