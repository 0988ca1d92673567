"""Sign flipping."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mycelium_fractal_net.federated._updates import require_positive
from mycelium_fractal_net.federated.attacks._attack import Attack

__all__ = ["SignFlip"]


@dataclass(frozen=True)
class SignFlip(Attack):
    r"""Send the honest mean with the opposite sign.

    .. math:: -\text{scale} \cdot \bar x
    """

    scale: float = 1.0

    def __post_init__(self) -> None:
        require_positive("scale", self.scale)

    def forge(self, honest: NDArray[np.float64], count: int) -> NDArray[np.float64]:
        """Return `count` copies of the negative mean."""
        return np.tile(-self.scale * honest.mean(axis=0), (count, 1))
