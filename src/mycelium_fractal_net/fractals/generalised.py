"""Generalised (Rényi) dimensions: how unevenly a measure fills its support."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mycelium_fractal_net._checks import as_array, refusal
from mycelium_fractal_net.errors import InvalidInputError
from mycelium_fractal_net.fractals._line import Line, fit_line
from mycelium_fractal_net.fractals._masks import as_box_sizes
from mycelium_fractal_net.fractals._table import count_boxes, full_dimension

__all__ = ["GeneralisedDimensions", "generalised_dimensions"]


@dataclass(frozen=True, eq=False)
class GeneralisedDimensions:
    """Dimensions D_q of a measure and the entropies they were fitted to.

    Attributes
    ----------
    orders : ndarray of float64, shape (n,)
        The orders q, as asked for.
    dimensions : ndarray of float64, shape (n,)
        D_q; for a mask, D_0 is its box-counting dimension.
    r2, standard_errors : ndarray of float64, shape (n,)
        Of each fit.
    scales : ndarray of int64, shape (m,)
        Box sides in cells, ascending.
    entropies : ndarray of float64, shape (n, m)
        Rényi entropies in nats, each the least over all grid offsets, or, for a negative order, over those of the
        fewest boxes.
    """

    orders: NDArray[np.float64]
    dimensions: NDArray[np.float64]
    r2: NDArray[np.float64]
    standard_errors: NDArray[np.float64]
    scales: NDArray[np.int64]
    entropies: NDArray[np.float64]

    def __getitem__(self, order: float) -> float:
        """Return D_q of an order that was asked for."""
        found = np.flatnonzero(self.orders == order)
        if not found.size:
            raise InvalidInputError(f"order {order} was not measured; measured are {self.orders.tolist()}")
        return float(self.dimensions[found[0]])


def generalised_dimensions(measure: Any, orders: Any = (0.0, 1.0, 2.0), scales: Any = None) -> GeneralisedDimensions:
    r"""Measure the generalised dimensions of a mask or of a mass distribution.

    .. math::

        H_q(s) = \frac{1}{1-q} \ln \sum_i p_i^q, \qquad H_1(s) = -\sum_i p_i \ln p_i, \qquad
        D_q = -\frac{d H_q}{d \ln s}

    with p_i the share of the mass in box i of side s. D_0 is the box-counting dimension, D_1 the information
    dimension, D_2 the correlation dimension.

    Parameters
    ----------
    measure : array, shape (rows, columns)
        A mask, or finite masses that are not negative and not all 0.
    orders : sequence of float
        The orders q, from -20 to 20.
    scales : sequence of int, optional
        Box sides, from 1 to the longest side; at least two. By default those of
        :func:`box_counting_dimension` for the cells that carry mass.

    Returns
    -------
    GeneralisedDimensions
        ``result[q]`` gives D_q. The dimensions of a full mask are exactly 2 (1 for a single row or column);
        where less than two scales fit, they are 0.

    Raises
    ------
    InvalidInputError
        For anything else, among it an array without mass.

    Notes
    -----
    As box counting by ``cover``: every scale takes for each order the grid offset of least entropy, so that
    self-similar measures come out exactly wherever they lie. Negative orders weigh the emptiest boxes: an offset
    that hides the emptiest cells among others has the least entropy and is the wrong one, so only offsets with the
    fewest boxes, those of the cover, count. Their sums are taken in logarithms. O(rows columns) powers for each
    scale and order. A cell of 1e-300 of the mass is a cell; whether it is noise, negative orders cannot tell.

    References
    ----------
    H. G. E. Hentschel, I. Procaccia, "The infinite number of generalized dimensions of fractals and strange
    attractors", Physica D 8 (1983) 435. https://doi.org/10.1016/0167-2789(83)90235-X

    Examples
    --------
    >>> import numpy as np
    >>> cascade = np.ones((1, 1))
    >>> for _ in range(6):
    ...     cascade = np.kron(cascade, [[0.1, 0.2], [0.3, 0.4]])
    >>> found = generalised_dimensions(cascade)
    >>> [round(found[q], 4) for q in (0, 1, 2)]
    [2.0, 1.8464, 1.737]
    """
    masses = _as_masses(measure)
    exponents = _as_orders(orders)
    sides = None if scales is None else as_box_sizes("scales", scales, max(masses.shape), fewest=2)
    if sides is None:
        sides = count_boxes((masses > 0.0).view(np.uint8), "cover", False, None).scales
    entropies = _least_entropies(masses / masses.sum(), sides, exponents)
    even = bool((masses == masses.flat[0]).all())
    lines = [_line(sides, row, masses.shape, even) for row in entropies]
    return GeneralisedDimensions(
        orders=exponents,
        dimensions=np.asarray([line.slope for line in lines]),
        r2=np.asarray([line.r2 for line in lines]),
        standard_errors=np.asarray([line.standard_error for line in lines]),
        scales=sides,
        entropies=entropies,
    )


def _line(scales: NDArray[np.int64], entropies: NDArray[np.float64], shape: tuple[int, ...], even: bool) -> Line:
    if even and max(shape) > 1:
        return Line(float(full_dimension(shape)), 1.0, 0.0)
    return fit_line([-math.log(scale) for scale in scales.tolist()], entropies.tolist())


def _least_entropies(
    shares: NDArray[np.float64], scales: NDArray[np.int64], orders: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return the least Rényi entropy over all grid offsets, of negative orders over those of the fewest boxes."""
    from mycelium_fractal_net.fractals._kernels_mass import partition_sums

    least = np.empty((orders.size, scales.size))
    for column, scale in enumerate(scales.tolist()):
        sums, tops = partition_sums(shares, scale, np.append(orders, 0.0))
        fewest = sums[-1] == sums[-1].min()
        for row, order in enumerate(orders.tolist()):
            entropy = -sums[row] if order == 1.0 else (np.log(sums[row]) + tops[row]) / (1.0 - order)
            least[row, column] = entropy.min() if order >= 0.0 else entropy[fewest].min()
    return least


def _as_masses(measure: Any) -> NDArray[np.float64]:
    array = as_array("measure", measure, "a rectangular array")
    if array.ndim != 2 or array.size == 0 or array.dtype.kind not in "biuf":
        raise refusal("measure", "a two-dimensional array of masses", array)
    masses = np.ascontiguousarray(array, dtype=np.float64)
    if not (np.isfinite(masses).all() and (masses >= 0.0).all()):
        raise refusal("measure", "an array of finite masses that are not negative", array)
    largest = float(masses.max())
    if largest == 0.0:
        raise refusal("measure", "an array that holds some mass", array)
    shares: NDArray[np.float64] = masses / largest  # a sum of masses near 1e308 would overflow
    return shares


def _as_orders(orders: Any) -> NDArray[np.float64]:
    try:
        array = np.atleast_1d(np.asarray(orders, dtype=np.float64))
    except (TypeError, ValueError):
        raise refusal("orders", "a sequence of numbers from -20 to 20", orders) from None
    if array.ndim != 1 or array.size == 0 or not (np.abs(array) <= 20.0).all():
        raise refusal("orders", "a sequence of numbers from -20 to 20", orders)
    return array
