"""Norm clipping: no update is longer than c."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from mycelium_fractal_net.federated._rule import PreAggregation
from mycelium_fractal_net.federated._scale import row_sizes
from mycelium_fractal_net.federated._updates import FloatArray, require_positive

__all__ = ["NormClipping"]


@dataclass(frozen=True)
class NormClipping(PreAggregation):
    r"""Shorten every update that is longer than c to the length c.

    .. math:: y_i = x_i \min(1, c / \lVert x_i \rVert)

    Parameters
    ----------
    c : float
        The greatest length, in the unit of the updates.

    Notes
    -----
    Bounds what one update can do to any rule, and is no robust rule by itself: f clipped updates still move a
    mean by up to f c / n. It has no f of its own. Exact for lengths whose squares overflow. Cost O(nd).

    References
    ----------
    Sun, Kairouz, Suresh, McMahan, "Can you really backdoor federated learning?", 2019,
    doi:10.48550/arXiv.1911.07963.

    Examples
    --------
    >>> NormClipping(c=1.0)([[3.0, 4.0], [0.1, 0.0], [0.0, 1e300]])
    array([[0.6, 0.8],
           [0.1, 0. ],
           [0. , 1. ]])
    """

    c: float

    def __post_init__(self) -> None:
        require_positive("c", self.c)

    def mix(self, values: FloatArray, lost: int) -> tuple[FloatArray, None]:
        """Shorten the rows."""
        clipped = values.astype(np.float64)
        for i, size in enumerate(row_sizes(values).tolist()):
            if size > 0.0:
                shape = clipped[i] / size
                length = float(np.linalg.norm(shape))
                if length > self.c / size:
                    clipped[i] = shape * (self.c / length)
        return clipped, None
