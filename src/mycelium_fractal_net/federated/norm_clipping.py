"""Norm clipping: no update is longer than c."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from mycelium_fractal_net.federated._updates import FloatArray, require_positive
from mycelium_fractal_net.federated.geometric_median import distances_to
from mycelium_fractal_net.federated.pipeline import PreAggregation

__all__ = ["NormClipping"]


@dataclass(frozen=True)
class NormClipping(PreAggregation):
    r"""Shorten every update that is longer than c to the length c.

    .. math:: y_i = x_i \min(1, c / \lVert x_i \rVert)

    Parameters
    ----------
    c : float
        The greatest length.
    """

    c: float

    def __post_init__(self) -> None:
        require_positive("c", self.c)

    def mix(self, values: FloatArray, lost: int) -> tuple[FloatArray, None]:
        """Shorten the rows."""
        lengths = distances_to(values, np.zeros(values.shape[1]))
        return values * (self.c / np.maximum(lengths, self.c))[:, None], None
