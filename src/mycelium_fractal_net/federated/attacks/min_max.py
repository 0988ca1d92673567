"""Min-max: as far out as the honest updates are from each other."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from mycelium_fractal_net._checks import as_choice
from mycelium_fractal_net.errors import AggregationError
from mycelium_fractal_net.federated._distances import squared_distances
from mycelium_fractal_net.federated.attacks._attack import Attack

__all__ = ["MinMax"]


@dataclass(frozen=True)
class MinMax(Attack):
    r"""Leave the honest mean as far as the greatest honest distance allows.

    .. math:: \bar x + \gamma p, \qquad \max_i \lVert \bar x + \gamma p - x_i \rVert
              = \max_{ij} \lVert x_i - x_j \rVert

    Parameters
    ----------
    direction : {"std", "unit", "sign"}
        p: minus the standard deviations, minus the mean's direction, or minus its signs.

    Notes
    -----
    The paper searches gamma by bisection; here it is the root of a quadratic for every honest update, exact.

    References
    ----------
    Shejwalkar and Houmansadr, "Manipulating the Byzantine: optimizing model poisoning attacks and defenses
    for federated learning", NDSS 2021, doi:10.14722/ndss.2021.24498.

    Examples
    --------
    >>> MinMax(direction="sign")([[1.0], [3.0]], count=1)
    array([[1.]])
    """

    direction: Literal["std", "unit", "sign"] = "std"

    def __post_init__(self) -> None:
        as_choice("direction", self.direction, ("std", "unit", "sign"), AggregationError)

    def forge(self, honest: NDArray[np.float64], count: int) -> NDArray[np.float64]:
        """Return `count` copies of the outermost point."""
        mean = honest.mean(axis=0)
        step = self._direction(honest, mean)
        length = float(step @ step)
        if length == 0.0:
            return np.tile(mean, (count, 1))
        gaps = mean - honest
        along = gaps @ step / length
        room = squared_distances(honest).max() - (gaps * gaps).sum(axis=1)
        gamma = float((np.sqrt(along**2 + np.maximum(room, 0.0) / length) - along).min())
        return np.tile(mean + gamma * step, (count, 1))

    def _direction(self, honest: NDArray[np.float64], mean: NDArray[np.float64]) -> NDArray[np.float64]:
        if self.direction == "std":
            return np.asarray(-honest.std(axis=0))
        if self.direction == "sign":
            return -np.sign(mean)
        return -mean / (float(np.linalg.norm(mean)) or 1.0)
