"""Minkowski functionals of a mask: area, perimeter, Euler number."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from mycelium_fractal_net._checks import as_flag, is_whole, refusal

__all__ = ["Minkowski", "minkowski_functionals"]


class Minkowski(NamedTuple):
    """The three functionals of a set in the plane.

    Attributes
    ----------
    area : int
        Cells of the set.
    perimeter : int
        Cell sides between the set and what is not the set; on a border that does not wrap, the outside is not.
    euler : int
        Components less holes.
    """

    area: int
    perimeter: int
    euler: int


def minkowski_functionals(mask: Any, connectivity: int = 4, periodic: bool = True) -> Minkowski:
    r"""Measure area, perimeter and Euler number of the cells that are set.

    .. math:: \chi = n - e + f

    with n cells, e pairs of neighbours and f blocks of 2 x 2 cells. Under 8-connectivity the neighbours are those
    of the cells as closed squares: :math:`\chi = n - e' + v` with their e' sides and v corners.

    Parameters
    ----------
    mask : array of bool, shape (rows, columns)
        The set.
    connectivity : {4, 8}
        Whether cells that touch at a corner only are connected; holes connect the other way.
    periodic : bool
        Whether opposite edges touch.

    Returns
    -------
    Minkowski
        ``(area, perimeter, euler)`` as whole numbers.

    Raises
    ------
    InvalidInputError
        For anything but a two-dimensional array of booleans with a cell.

    Notes
    -----
    The perimeter is that of the staircase. It is 4/pi times the length of a smooth outline that takes all
    directions alike. A full torus has area N**2, perimeter 0 and Euler number 0.

    References
    ----------
    H. Mantz, K. Jacobs, K. Mecke, "Utilizing Minkowski functionals for image analysis: a marching square algorithm",
    J. Stat. Mech. (2008) P12015. https://doi.org/10.1088/1742-5468/2008/12/P12015

    Examples
    --------
    >>> ring = np.ones((5, 5), dtype=bool)
    >>> ring[2, 2] = False
    >>> minkowski_functionals(ring, periodic=False)
    Minkowski(area=24, perimeter=24, euler=0)
    """
    cells = _as_mask(mask)
    wraps = as_flag("periodic", periodic)
    if not (is_whole(connectivity) and connectivity in (4, 8)):
        raise refusal("connectivity", "4 or 8", connectivity)
    framed = np.pad(cells, ((0, 1), (0, 1)), mode="wrap") if wraps else np.pad(cells, 1)
    here, right = framed[:-1, :-1], framed[:-1, 1:]
    below, across = framed[1:, :-1], framed[1:, 1:]
    perimeter = int((here ^ right).sum() + (here ^ below).sum())
    if connectivity == 4:
        euler = here.sum(dtype=np.int64) - (here & right).sum() - (here & below).sum()
        euler += (here & right & below & across).sum()
    else:
        corners = (here | right | below | across).sum(dtype=np.int64)
        euler = here.sum(dtype=np.int64) - (here | right).sum() - (here | below).sum() + corners
    return Minkowski(int(cells.sum()), perimeter, int(euler))


def _as_mask(mask: Any) -> NDArray[np.bool_]:
    array = np.asarray(mask)
    if array.dtype.kind != "b" or array.ndim != 2 or array.size == 0:
        raise refusal("mask", "a two-dimensional array of booleans (compare a field with a threshold)", array)
    return array
