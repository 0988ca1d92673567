"""Nearest-neighbour mixing: every update becomes the average of its neighbourhood."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from mycelium_fractal_net.errors import AggregationError
from mycelium_fractal_net.federated._distances import squared_distances
from mycelium_fractal_net.federated._updates import FloatArray, require_count
from mycelium_fractal_net.federated.pipeline import PreAggregation

__all__ = ["NearestNeighborMixing"]


@dataclass(frozen=True)
class NearestNeighborMixing(PreAggregation):
    r"""Replace every update by the mean of its n - f nearest, itself among them.

    .. math:: y_i = \frac{1}{n-f} \sum_{j \in N_i} x_j

    Parameters
    ----------
    f : int
        Hostile updates to be prepared for; n > 2f.
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
            raise AggregationError(f"{self!r} needs n > 2f; got n = {n}", n=n)

    def mix(self, values: FloatArray, lost: int) -> tuple[FloatArray, None]:
        """Average the neighbourhoods."""
        n = len(values)
        keep = n - (self.f - lost)
        nearest = np.argsort(squared_distances(values), axis=1, kind="stable")[:, :keep]
        shares = np.zeros((n, n))
        np.put_along_axis(shares, nearest, 1.0 / keep, axis=1)
        mixed = np.empty(values.shape)
        step = max(1, (1 << 22) // n)
        for left in range(0, values.shape[1], step):
            block = values[:, left : left + step].astype(np.float64)
            mixed[:, left : left + step] = shares @ block
        return mixed, None
