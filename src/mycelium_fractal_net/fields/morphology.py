"""What a pattern looks like: spots, holes, stripes, a net, uniform or moving, by a small tree of decisions."""

from __future__ import annotations

import json
import math
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from mycelium_fractal_net._checks import unlocked
from mycelium_fractal_net.features.minkowski import minkowski_functionals
from mycelium_fractal_net.fields.wavelengths import pace_of

if TYPE_CHECKING:
    from mycelium_fractal_net.fields.result import Frame

__all__ = ["MORPHOLOGY_NAMES", "Morphology", "PatternNumbers", "classify_morphology", "pattern_numbers", "shipped_tree"]

MORPHOLOGY_NAMES = ("uniform", "moving", "spots", "holes", "stripes", "net")
"""What a pattern can be called; a labyrinth counts as stripes."""


class PatternNumbers(NamedTuple):
    """What the form of a pattern is told from; none of it depends on the length of waves or the size of the field.

    Patches are connected cells whose activator lies above the middle between its lowest and its highest, holes those
    that lie below.

    Attributes
    ----------
    contrast : float
        Standard deviation of the activator over the range of its kinetics.
    motion : float
        Root mean square change of the activator in the next step over its standard deviation.
    area : float
        Share of cells that lie in patches.
    balance : float
        Patches less holes, over both: 1 is nothing but patches on a ground, -1 one patch full of holes.
    largest_patch, largest_hole : float
        Share of the cells of all patches, or holes, that the largest has.
    patch_length, hole_length : float
        Outline of patches, or holes, over that of as many squares of the same area: 1 is round, large is long.
    skewness : float
        Skewness of the activator.
    """

    contrast: float
    motion: float
    area: float
    balance: float
    largest_patch: float
    largest_hole: float
    patch_length: float
    hole_length: float
    skewness: float


class Morphology(NamedTuple):
    """What a pattern looks like.

    Attributes
    ----------
    name : str
        One of ``MORPHOLOGY_NAMES``.
    share : float
        Share of the fields of that name among those that were trained on and came to the same leaf of the tree.
    numbers : PatternNumbers
        What it was told from.
    """

    name: str
    share: float
    numbers: PatternNumbers


def classify_morphology(frame: Frame) -> Morphology:
    """Say what the activator of a frame or a result looks like.

    Parameters
    ----------
    frame : Frame
        A frame or a result of a simulation.

    Returns
    -------
    Morphology

    Notes
    -----
    A tree of decisions, trained on the named regimes with parameters and seeds varied; the page "Morphology" of the
    documentation has its confusion matrix on others. ``python -m benchmarks.morphology`` trains it again. Mixtures,
    such as worms among spots, get the name of what prevails. What still grows is moving.

    Examples
    --------
    >>> import mycelium_fractal_net as mfn
    >>> classify_morphology(mfn.simulate(mfn.SimulationConfig.preset("spots", steps=600))).name
    'spots'
    """
    numbers = pattern_numbers(frame)
    node = shipped_tree()
    while "feature" in node:
        node = node["low" if getattr(numbers, node["feature"]) <= node["threshold"] else "high"]
    return Morphology(node["name"], float(node["share"]), numbers)


def pattern_numbers(frame: Frame) -> PatternNumbers:
    """Measure what the form of a pattern is told from.

    Parameters
    ----------
    frame : Frame
        A frame or a result of a simulation.

    Examples
    --------
    >>> import mycelium_fractal_net as mfn
    >>> found = pattern_numbers(mfn.simulate(mfn.SimulationConfig.preset("spots", steps=600)))
    >>> found.balance > 0.8, found.area < 0.5
    (True, True)
    """
    activator = np.ascontiguousarray(unlocked(frame.activator), np.float64)
    low, high = frame.config.model.activator_range
    deviation = float(activator.std())
    if deviation <= 1e-9 * (high - low) or not frame.config.turing_enabled:
        return PatternNumbers(0.0, 0.0, 0.0, 0.0, 0.0, 1.0, 0.0, 1.0, 0.0)
    skewness = float(((activator - activator.mean()) ** 3).mean()) / deviation**3
    middle, periodic = (float(activator.min()) + float(activator.max())) / 2, frame.config.boundary == "periodic"
    patches, holes = _parts(activator, middle, False, periodic), _parts(-activator, -middle, True, periodic)
    balance = (patches.number - holes.number) / (patches.number + holes.number)
    return PatternNumbers(
        deviation / (high - low),
        pace_of(frame) / deviation,
        patches.cells / activator.size,
        balance,
        patches.largest,
        holes.largest,
        patches.length,
        holes.length,
        skewness,
    )


class _Parts(NamedTuple):
    number: int
    cells: int
    largest: float
    length: float


def _parts(field: NDArray[np.float64], level: float, diagonal: bool, periodic: bool) -> _Parts:
    """Count and measure the connected parts above a level; the other side of 4-connected cells is 8-connected."""
    from mycelium_fractal_net.features._kernels_clusters import component_sizes

    sizes = component_sizes(field, level, diagonal, periodic)
    cells = int(sizes.sum())
    outline = minkowski_functionals(field > level, periodic=periodic).perimeter
    return _Parts(len(sizes), cells, float(sizes.max()) / cells, outline / (4 * math.sqrt(cells * len(sizes))))


@cache
def shipped_tree() -> dict[str, Any]:
    """Return the tree of decisions that the package ships: nodes with feature, threshold, low and high, or leaves."""
    text = files("mycelium_fractal_net.fields").joinpath("morphology.json").read_text(encoding="utf-8")
    tree: dict[str, Any] = json.loads(text)["tree"]
    return tree
