"""Mimic: all hostile clients repeat one honest client."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mycelium_fractal_net.errors import AggregationError
from mycelium_fractal_net.federated._updates import require_count
from mycelium_fractal_net.federated.attacks._attack import Attack

__all__ = ["Mimic"]


@dataclass(frozen=True)
class Mimic(Attack):
    r"""Repeat the honest update that stands out most along the direction of greatest spread.

    .. math:: x_{i^*}, \quad i^* = \arg\max_i |\langle z, x_i - \bar x \rangle|, \quad
              z = \arg\max_{|z|=1} \sum_i \langle z, x_i - \bar x \rangle^2

    Parameters
    ----------
    target : int, optional
        Index of the honest update to repeat instead.

    Notes
    -----
    Nothing that is sent is unusual, so no rule can reject it; it makes one client's data count f + 1 times,
    which hurts when honest clients' data differ. The paper finds z over the first rounds and then keeps to
    one client; this attack is asked anew every round, so pass the first rounds' `target` to do the same.

    References
    ----------
    Karimireddy, He, Jaggi, "Byzantine-robust learning on heterogeneous datasets via bucketing", ICLR 2022,
    doi:10.48550/arXiv.2006.09365.

    Examples
    --------
    >>> Mimic()([[1.0], [2.0], [9.0]], count=1)
    array([[9.]])
    """

    target: int | None = None

    def __post_init__(self) -> None:
        if self.target is not None:
            require_count("target", self.target, 0)

    def forge(self, honest: NDArray[np.float64], count: int) -> NDArray[np.float64]:
        """Return `count` copies of one honest row."""
        target = self.target if self.target is not None else _most_extreme(honest)
        if target >= len(honest):
            raise AggregationError(f"target {target} is not one of the {len(honest)} honest updates")
        return np.tile(honest[target], (count, 1))


def _most_extreme(honest: NDArray[np.float64]) -> int:
    centred = honest - honest.mean(axis=0)
    _, vectors = np.linalg.eigh(centred @ centred.T)
    return int(np.argmax(np.abs(vectors[:, -1])))
