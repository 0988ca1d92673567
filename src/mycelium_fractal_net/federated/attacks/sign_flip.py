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

    Parameters
    ----------
    scale : float
        Factor on the mean; 1 is the plain attack.

    Notes
    -----
    The clients collude: they know the honest mean, which is stronger than each flipping its own.

    References
    ----------
    Li, Xu, Chen, Giannakis, Ling, "RSA: Byzantine-robust stochastic aggregation methods", AAAI 2019,
    doi:10.1609/aaai.v33i01.33011544.

    Examples
    --------
    >>> SignFlip()([[1.0, 2.0], [3.0, 4.0]], count=1)
    array([[-2., -3.]])
    """

    scale: float = 1.0

    def __post_init__(self) -> None:
        require_positive("scale", self.scale)

    def forge(self, honest: NDArray[np.float64], count: int) -> NDArray[np.float64]:
        """Return `count` copies of the negative mean."""
        return np.tile(-self.scale * honest.mean(axis=0), (count, 1))
