"""Lacunarity: how unevenly a set fills space, seen through boxes of several sizes."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from mycelium_fractal_net._checks import as_flag
from mycelium_fractal_net.errors import InvalidInputError
from mycelium_fractal_net.fractals._masks import as_box_sizes, as_mask

__all__ = ["lacunarity"]


def lacunarity(mask: Any, sizes: Any, periodic: bool = False) -> NDArray[np.float64]:
    r"""Measure the lacunarity of the cells that are set, with gliding boxes.

    .. math:: \Lambda(s) = \frac{\langle m^2 \rangle}{\langle m \rangle^2}

    over the numbers m of cells in all s x s boxes that lie in the array.

    Parameters
    ----------
    mask : array, shape (rows, columns)
        Booleans, or numbers that are all 0 or 1; at least one cell must be set.
    sizes : sequence of int
        Sides s of the boxes in cells, from 1 to the shortest side of the array.
    periodic : bool
        Whether boxes may reach across the border to the opposite edge.

    Returns
    -------
    ndarray of float64
        One value for each distinct size, in ascending order of size; 1 where all boxes hold equally many
        cells, and for s = 1 the inverse of the share of cells.

    Raises
    ------
    InvalidInputError
        For what is not a mask, for an empty mask (0/0), and for sizes that are not whole or do not fit.

    Notes
    -----
    O(rows columns) for each size.

    References
    ----------
    C. Allain, M. Cloitre, "Characterizing the lacunarity of random and deterministic fractal sets",
    Phys. Rev. A 44 (1991) 3552. https://doi.org/10.1103/PhysRevA.44.3552

    Examples
    --------
    >>> import numpy as np
    >>> checkerboard = np.indices((8, 8)).sum(axis=0) % 2
    >>> lacunarity(checkerboard, [1, 2, 4]).tolist()
    [2.0, 1.0, 1.0]
    """
    from mycelium_fractal_net.fractals._kernels_mass import gliding_moments

    cells = as_mask(mask)
    wraps = as_flag("periodic", periodic)
    sides = as_box_sizes("sizes", sizes, min(cells.shape), fewest=1)
    if not cells.any():
        raise InvalidInputError("mask must have at least one cell set: the lacunarity of nothing is 0/0")
    return np.asarray([_ratio(*gliding_moments(cells, side, wraps)) for side in sides.tolist()])


def _ratio(boxes: int, total: float, squares: float) -> float:
    return boxes * squares / total**2
