"""Inner-product manipulation."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mycelium_fractal_net.federated._rule import Rule
from mycelium_fractal_net.federated._updates import require_positive
from mycelium_fractal_net.federated.attacks._attack import Attack
from mycelium_fractal_net.federated.attacks._search import strongest

__all__ = ["InnerProductManipulation"]


@dataclass(frozen=True)
class InnerProductManipulation(Attack):
    r"""Send the honest mean times -scale, so that the answer points away from it.

    .. math:: -\text{scale} \cdot \bar x

    Parameters
    ----------
    scale : float, optional
        The paper's epsilon. None searches the one that makes the inner product of the rule's answer with the
        honest mean smallest.
    rule : Rule, optional
        The rule to search against; the mean by default, against which twice the scale that turns it is taken.

    Notes
    -----
    Small scales hide among the honest updates and hurt Krum and the medians, large ones the mean; which is
    strongest depends on the rule, hence the search: a geometric grid from 0.01 to 100, refined twice.

    References
    ----------
    Xie, Koyejo, Gupta, "Fall of empires: breaking Byzantine-tolerant SGD by inner product manipulation",
    UAI 2019, doi:10.48550/arXiv.1903.03936.

    Examples
    --------
    >>> InnerProductManipulation(scale=0.5)([[1.0], [3.0]], count=2)
    array([[-1.],
           [-1.]])
    """

    scale: float | None = None
    rule: Rule | None = None

    def __post_init__(self) -> None:
        if self.scale is not None:
            require_positive("scale", self.scale)

    def forge(self, honest: NDArray[np.float64], count: int) -> NDArray[np.float64]:
        """Return `count` copies of the scaled negative mean."""
        mean = honest.mean(axis=0)
        scale = self.scale if self.scale is not None else self._search(honest, mean, count)
        return np.tile(-scale * mean, (count, 1))

    def _search(self, honest: NDArray[np.float64], mean: NDArray[np.float64], count: int) -> float:
        if self.rule is None:
            return 2.0 * (len(honest) + count) / count
        rule = self.rule

        def damage(scale: float) -> float:
            answer = rule(np.concatenate([honest, np.tile(-scale * mean, (count, 1))]))
            return -float(answer @ mean)

        return strongest(damage, 1e-2, 1e2)
