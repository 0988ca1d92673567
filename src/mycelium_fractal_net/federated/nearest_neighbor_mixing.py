"""Nearest-neighbour mixing: every update becomes the average of its neighbourhood."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mycelium_fractal_net.errors import AggregationError
from mycelium_fractal_net.federated._distances import nearest_first, squared_distances
from mycelium_fractal_net.federated._rule import PreAggregation
from mycelium_fractal_net.federated._scale import tame
from mycelium_fractal_net.federated._threads import in_blocks, stretches
from mycelium_fractal_net.federated._updates import FloatArray, require_count

__all__ = ["NNM", "NearestNeighborMixing"]

_TILE = 128
_ADDED_AT_ONCE = 16


@dataclass(frozen=True)
class NearestNeighborMixing(PreAggregation):
    r"""Replace every update by the mean of its n - f nearest, itself among them.

    .. math:: y_i = \frac{1}{n-f} \sum_{j \in N_i} x_j, \qquad |N_i| = n - f

    where :math:`N_i` are the nearest to :math:`x_i` (lower indices on ties).

    Parameters
    ----------
    f : int
        Hostile updates to tolerate; n > 2f.

    Notes
    -----
    With a rule of coefficient :math:`\kappa` behind it the whole has
    :math:`\kappa' \le \frac{8f}{n-f}(\kappa + 1)`, the order of the best that is possible, which the rules
    alone do not reach when honest clients differ. An honest client's own row never holds more than the other
    honest ones and f hostile ones, so a far-away update enters no honest neighbourhood. Cost O(n^2 d).

    References
    ----------
    Allouah, Farhadkhani, Guerraoui, Gupta, Pinot, Stephan, "Fixing by mixing: a recipe for optimal
    Byzantine ML under heterogeneity", AISTATS 2023, doi:10.48550/arXiv.2302.01772.

    Examples
    --------
    >>> NearestNeighborMixing(f=1)([[1.0], [2.0], [3.0], [1e30]])[:3]
    array([[2.],
           [2.],
           [2.]])
    """

    f: int

    def __post_init__(self) -> None:
        require_count("f", self.f, 0)

    def tolerated(self, n: int) -> int:
        """Return f."""
        return self.f

    def require(self, n: int) -> None:
        """Refuse n <= 2f."""
        if n <= 2 * self.f:
            raise AggregationError(f"{self!r} needs n > 2f, at least {2 * self.f + 1}; got n = {n}", n=n)

    def mix(self, values: FloatArray, lost: int) -> tuple[FloatArray, None]:
        """Average the neighbourhoods, in float64."""
        tamed, _ = tame(values)
        keep = len(values) - (self.f - lost)
        members = nearest_first(squared_distances(tamed), keep)
        mixed = _mixed(values, members)
        if not np.isfinite(mixed).all():  # the sum of a neighbourhood overflowed, the mean does not
            exponent = keep.bit_length()
            small = np.ldexp(values.astype(np.float64), -exponent)
            mixed = np.ldexp(np.clip(_mixed(small, members), small.min(axis=0), small.max(axis=0)), exponent)
        return mixed, None


def _mixed(values: FloatArray, members: NDArray[np.intp]) -> NDArray[np.float64]:
    """Return the mean of every neighbourhood."""
    from mycelium_fractal_net.federated._kernels import mix_rows

    mixed = np.empty(values.shape)
    n, keep = members.shape

    def block(start: int, stop: int) -> None:
        for rows in stretches(n, keep * n * max(stop - start, _TILE) // _ADDED_AT_ONCE):
            mix_rows(values, members[rows], start, stop, mixed[rows])

    in_blocks(block, values.shape[1], keep * values.size, _TILE)
    return mixed


NNM = NearestNeighborMixing
