"""Still pictures: a field, the fit of a box count, a dispersion relation."""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike, NDArray

from mycelium_fractal_net.errors import InvalidInputError
from mycelium_fractal_net.fields import Frame, LinearStability
from mycelium_fractal_net.fields.variables import VARIABLES, physical_limits, variable
from mycelium_fractal_net.fractals import BoxCounting
from mycelium_fractal_net.visualization._canvas import COLOUR_MAPS, checked_fields, new_figure, shared_limits

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from matplotlib.image import AxesImage

__all__ = [
    "box_counting_figure",
    "dispersion_figure",
    "draw_field",
    "field_figure",
    "overview_figure",
    "save_figure",
]


def field_figure(
    field_mv: ArrayLike | Frame, *, field: str = "v", title: str = "", limits_mv: tuple[float, float] | None = None
) -> Figure:
    """Draw a field with its scale: the membrane potential in mV, the activator or the inhibitor.

    Parameters
    ----------
    field_mv : array, shape (rows, columns), or frame or result of a simulation
        Finite; a potential in mV.
    field : {"v", "activator", "inhibitor"}
        What the array is, or which field of the frame to draw.
    title : str
        Usually the parameters.
    limits_mv : tuple of float, optional
        Ends of the colour scale in the field's unit. By default of a frame what its physics allows, the clamp or the
        kinetics' own scale, so that a dead field looks dead; of an array its extremes.

    Returns
    -------
    matplotlib.figure.Figure

    Raises
    ------
    InvalidInputError
        For another shape, or numbers that are not finite.
    MissingExtraError
        Without matplotlib.

    Examples
    --------
    >>> figure = field_figure(np.linspace(-80, -40, 64).reshape(8, 8), title="a ramp")
    >>> [axes.get_ylabel() for axes in figure.axes]
    ['row', 'membrane potential (mV)']
    """
    shown = variable(field)
    array: ArrayLike = getattr(field_mv, shown.attribute) if isinstance(field_mv, Frame) else field_mv
    if isinstance(field_mv, Frame):
        limits_mv = limits_mv or physical_limits(field_mv.config, field)
    values = checked_fields("field_mv", array, 2)
    figure = new_figure(6.4, 5.4)
    axes = figure.subplots()
    image = draw_field(axes, values, shared_limits(values, limits_mv), field)
    figure.colorbar(image, ax=axes, label=shown.label)
    axes.set_title(title, fontsize=10)
    return figure


def draw_field(axes: Axes, values: NDArray[np.float64], limits: tuple[float, float], field: str = "v") -> AxesImage:
    """Draw a field into the axes, in its colours, and return the image."""
    axes.set_xlabel("column")
    axes.set_ylabel("row")
    low, high = limits
    return axes.imshow(values, cmap=COLOUR_MAPS[field], vmin=low, vmax=high, interpolation="nearest")


def overview_figure(frame: Frame) -> Figure:
    """Draw potential, activator and inhibitor beside each other, each on the scale of its physics.

    Parameters
    ----------
    frame : Frame
        Or a result of a simulation.

    Returns
    -------
    matplotlib.figure.Figure

    Examples
    --------
    >>> import mycelium_fractal_net as mfn
    >>> figure = overview_figure(mfn.simulate(mfn.SimulationConfig(grid_size=16, steps=2)))
    >>> len(figure.axes)
    6
    """
    figure = new_figure(11.0, 3.4)
    for axes, shown in zip(figure.subplots(1, len(VARIABLES)), VARIABLES.values(), strict=True):
        values = checked_fields(shown.attribute, getattr(frame, shown.attribute), 2)
        image = draw_field(axes, values, physical_limits(frame.config, shown.name), shown.name)
        figure.colorbar(image, ax=axes, label=shown.label)
    return figure


def box_counting_figure(counting: BoxCounting, *, title: str = "") -> Figure:
    """Draw box counts over box sizes with the fitted line, and the local slopes beside them.

    A straight line in the left panel is not enough for a fractal; the right panel shows whether its slope
    holds over the scales.

    Parameters
    ----------
    counting : BoxCounting
        From :func:`mycelium_fractal_net.box_counting_dimension`.
    title : str

    Returns
    -------
    matplotlib.figure.Figure

    Raises
    ------
    InvalidInputError
        If there are fewer than two scales to draw.
    """
    scales = np.asarray(counting.scales, dtype=np.float64)
    counts = np.asarray(counting.counts, dtype=np.float64)
    if scales.size < 2 or not (counts > 0).all():
        raise InvalidInputError(
            f"box counts at two scales or more are needed to draw a fit; the verdict is {counting.verdict!r}"
        )
    figure = new_figure(9.0, 4.0)
    fit, slopes = figure.subplots(1, 2)
    _draw_fit(fit, scales, counts, counting)
    _draw_slopes(slopes, scales, counting)
    figure.suptitle(title, fontsize=10)
    return figure


def _draw_fit(axes: Axes, scales: NDArray[np.float64], counts: NDArray[np.float64], counting: BoxCounting) -> None:
    middle = np.exp(np.mean(np.log(counts)) + counting.dimension * np.mean(np.log(scales)))
    axes.loglog(scales, counts, "o", color="black", label="boxes counted")
    label = f"slope -{counting.dimension:.3f}, $R^2$ = {counting.r2:.4f}"
    axes.loglog(scales, middle * scales**-counting.dimension, color="#b5367a", label=label)
    _label_sizes(axes, scales)
    axes.set_ylabel("boxes that hold a cell")
    axes.legend(frameon=False)


def _draw_slopes(axes: Axes, scales: NDArray[np.float64], counting: BoxCounting) -> None:
    slopes = np.asarray(counting.local_slopes, dtype=np.float64)
    between = np.sqrt(scales[1:] * scales[:-1])
    axes.semilogx(between[: slopes.size], slopes, "o-", color="black")
    axes.axhline(counting.dimension, color="#b5367a")
    axes.set_ylim(0, 2.1)
    _label_sizes(axes, scales)
    axes.set_ylabel("local dimension")
    axes.set_title(f"verdict: {counting.verdict}", fontsize=10)


def _label_sizes(axes: Axes, scales: NDArray[np.float64]) -> None:
    axes.set_xlabel("box size (cells)")
    axes.set_xticks(scales, labels=[f"{scale:g}" for scale in scales])
    axes.set_xticks([], minor=True)


def dispersion_figure(report: LinearStability, *, title: str | None = None) -> Figure:
    """Draw the growth rate of a small perturbation over its wave number.

    Parameters
    ----------
    report : LinearStability
        From :func:`mycelium_fractal_net.linear_stability`.
    title : str, optional
        The kinetics and its wavelength by default.

    Returns
    -------
    matplotlib.figure.Figure

    Examples
    --------
    >>> import mycelium_fractal_net as mfn
    >>> figure = dispersion_figure(mfn.linear_stability("mycelium"))
    >>> figure.axes[0].get_xlabel()
    'wave number k (radians per cell)'
    """
    wave_numbers = np.linspace(0.0, math.pi, 513)
    figure = new_figure(6.4, 4.4)
    axes = figure.subplots()
    axes.axhline(0.0, color="0.6", linewidth=0.8)
    axes.plot(wave_numbers, report.growth_rate(wave_numbers), color="black", label="continuum")
    on_lattice = report.growth_rate(wave_numbers, lattice=True)
    axes.plot(wave_numbers, on_lattice, "--", color="#b5367a", label="lattice, along an axis")
    if report.band is not None and report.band[0] < math.pi:
        low, high = report.band
        axes.axvspan(low, min(high, math.pi), color="#fca50a", alpha=0.2, label="growing")
    axes.set_xlim(0.0, math.pi)
    axes.set_xlabel("wave number k (radians per cell)")
    axes.set_ylabel("growth rate (per step)")
    axes.set_title(_dispersion_title(report) if title is None else title, fontsize=10)
    axes.legend(frameon=False)
    return figure


def _dispersion_title(report: LinearStability) -> str:
    if not report.turing_unstable:
        return f"{report.kinetics}: not Turing-unstable"
    return f"{report.kinetics}: fastest wavelength {report.wavelength_cells:.2f} cells"


def save_figure(figure: Figure, path: str | Path, *, dots_per_inch: int = 120) -> Path:
    """Write a figure; the ending chooses the format (png, svg, pdf).

    Raises
    ------
    InvalidInputError
        For an ending that matplotlib does not know.
    """
    target = Path(path)
    known = figure.canvas.get_supported_filetypes()
    if target.suffix.lstrip(".").lower() not in known:
        raise InvalidInputError(f"a picture's name must end in one of {', '.join(sorted(known))}; got {target.name!r}")
    figure.savefig(target, dpi=dots_per_inch)
    return target
