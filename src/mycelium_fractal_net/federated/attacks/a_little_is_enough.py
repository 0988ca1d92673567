"""A little is enough: hide in the spread of the honest updates."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mycelium_fractal_net._lazy import need
from mycelium_fractal_net.federated._rule import Rule
from mycelium_fractal_net.federated.attacks._attack import Attack
from mycelium_fractal_net.federated.attacks._search import strongest

__all__ = ["ALittleIsEnough", "z_max"]

_LARGEST_Z = 6.0


@dataclass(frozen=True)
class ALittleIsEnough(Attack):
    r"""Shift the honest mean by z standard deviations in every coordinate.

    .. math:: \bar x - z \sigma, \qquad
              z_{\max} = \Phi^{-1}\left(\frac{n - f - s}{n - f}\right), \quad s = \lfloor n/2 + 1 \rfloor - f

    Parameters
    ----------
    z : float, optional
        Standard deviations. None takes the paper's z_max, or with a rule searches the strongest.
    rule : Rule, optional
        The rule to search against: the z of either sign that moves its answer furthest from the honest mean.

    Notes
    -----
    n counts all clients and f the hostile ones. z_max is the largest shift at which so many honest clients
    lie further out than the forged updates that these look like the majority; if the hostile clients have a
    majority without support it is limited to z = 6. With few clients z_max is small, and the search finds
    stronger ones. The standard deviation is that of the honest updates (divided by n - f).

    References
    ----------
    Baruch, Baruch, Goldberg, "A little is enough: circumventing defenses for distributed learning",
    NeurIPS 2019, doi:10.48550/arXiv.1902.06156.

    Examples
    --------
    >>> ALittleIsEnough(z=1.5)([[1.0], [3.0]], count=1)
    array([[0.5]])
    >>> round(z_max(50, 24), 2)
    1.43
    """

    z: float | None = None
    rule: Rule | None = None

    def forge(self, honest: NDArray[np.float64], count: int) -> NDArray[np.float64]:
        """Return `count` copies of the shifted mean."""
        mean, spread = honest.mean(axis=0), honest.std(axis=0)
        return np.tile(mean - self._strength(honest, mean, spread, count) * spread, (count, 1))

    def _strength(
        self,
        honest: NDArray[np.float64],
        mean: NDArray[np.float64],
        spread: NDArray[np.float64],
        count: int,
    ) -> float:
        if self.z is not None:
            return self.z
        if self.rule is None:
            return z_max(len(honest) + count, count)
        rule = self.rule

        def damage(z: float) -> float:
            answer = rule(np.concatenate([honest, np.tile(mean - z * spread, (count, 1))]))
            return float(np.linalg.norm(answer - mean))

        candidates = [strongest(damage, 1e-2, 1e2), -strongest(lambda z: damage(-z), 1e-2, 1e2)]
        return max(candidates, key=damage)


def z_max(n: int, f: int) -> float:
    """Return the paper's z: so many honest updates lie further out that the forged ones have a majority."""
    ndtri = need("scipy.special:ndtri", "scipy")
    supporters = n // 2 + 1 - f
    honest = n - f
    return float(np.clip(ndtri((honest - supporters) / honest), 0.0, _LARGEST_Z))
