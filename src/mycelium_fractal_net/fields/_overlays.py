"""What is laid over the noise of step 0, and what stimuli do to a field."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from mycelium_fractal_net.fields.models import Kinetics, Patches
from mycelium_fractal_net.fields.schedule import Stimulus

__all__ = ["apply_stimulus", "disc", "lay_front", "lay_patches", "lay_spiral"]

Field = NDArray[np.floating[Any]]

_SQUARE, _SHARE = 6, 0.1


def lay_patches(a: Field, h: Field, model: Kinetics, rest: tuple[float, float], generator: np.random.Generator) -> None:
    """Set squares at random places: the kinetics' own patches, else squares of excited activator.

    Parameters
    ----------
    a, h : ndarray, shape (N, N)
        Activator and inhibitor; changed in place.
    model : Kinetics
        Gives the values.
    rest : tuple of float
        Steady activator and inhibitor.
    generator : numpy.random.Generator
        Draws the places, (row, column) of the upper left corner of each square.
    """
    patches = model.patches or Patches(model.activator_range[1], rest[1], _SQUARE, _SHARE)
    size, longest = min(patches.size, *a.shape), max(a.shape)
    count = max(1, round(patches.share * a.size / size**2))
    places_a = generator.integers(longest, size=(count, 2)) * a.shape // longest
    places_h = places_a if patches.together else generator.integers(longest, size=(count, 2)) * a.shape // longest
    for field, value, places in ((a, patches.activator, places_a), (h, patches.inhibitor, places_h)):
        for row, column in places:
            rows, columns = (
                np.arange(start, start + size) % side for start, side in zip((row, column), a.shape, strict=True)
            )
            field[np.ix_(rows, columns)] = value


def _excited(model: Kinetics, rest: tuple[float, float]) -> tuple[float, float, float]:
    """Return the activator of excited cells, the inhibitor in them, and that of refractory ones."""
    if model.patches is None:
        low, high = model.activator_range
        return high, rest[1], rest[1] + (high - low) / 2
    inhibitor = model.patches.inhibitor
    return model.patches.activator, inhibitor if model.patches.together else rest[1], inhibitor


def lay_front(a: Field, h: Field, model: Kinetics, rest: tuple[float, float], *, periodic: bool) -> None:
    """Excite the first eighth of the columns; under a periodic boundary the last eighth is refractory.

    A front then runs towards higher columns only.
    """
    width = max(1, a.shape[1] // 8)
    activator, inhibitor, refractory = _excited(model, rest)
    a[:, :width] = activator
    h[:, :width] = inhibitor
    if periodic:
        h[:, -width:] = refractory


def lay_spiral(a: Field, h: Field, model: Kinetics, rest: tuple[float, float]) -> None:
    """Excite the first half of the columns and make the first half of the rows refractory (crossed fields).

    The front that starts between the halves ends in the middle, and curls around its end. Under a periodic boundary
    there is a second end, at the edges, that turns the other way.
    """
    rows, columns = a.shape[0] // 2, a.shape[1] // 2
    activator, inhibitor, refractory = _excited(model, rest)
    a[:, :columns] = activator
    h[:, :columns] = inhibitor
    h[:rows] = refractory


def disc(stimulus: Stimulus, shape: tuple[int, int], *, periodic: bool, resolution: int = 1) -> NDArray[np.bool_]:
    """Return which cells of a lattice of this shape a stimulus acts on; it is given in units of ``resolution`` cells.

    Examples
    --------
    >>> spot = Stimulus(step=0, row=0, column=0, radius=1, variable="activator", value=1.0)
    >>> disc(spot, (4, 4), periodic=False).sum(), disc(spot, (4, 4), periodic=True).sum()
    (np.int64(3), np.int64(5))
    """
    squares = []
    for side, centre in zip(shape, (stimulus.row, stimulus.column), strict=True):
        away = np.abs((np.arange(side) + 0.5) / resolution - 0.5 - centre)
        squares.append((np.minimum(away, side / resolution - away) if periodic else away) ** 2)
    return np.asarray(squares[0][:, None] + squares[1] <= stimulus.radius**2)


def apply_stimulus(field: Field, stimulus: Stimulus, *, periodic: bool, resolution: int = 1) -> None:
    """Set or raise the cells of a stimulus in place."""
    cells = disc(stimulus, (field.shape[0], field.shape[1]), periodic=periodic, resolution=resolution)
    value = field.dtype.type(stimulus.value)
    field[cells] = value if stimulus.mode == "set" else field[cells] + value
