"""Multi-Krum: the average of the m best updates by Krum's score."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from mycelium_fractal_net.errors import AggregationError
from mycelium_fractal_net.federated._distances import squared_distances
from mycelium_fractal_net.federated._rule import Outcome, Rule
from mycelium_fractal_net.federated._scale import tame, untame
from mycelium_fractal_net.federated._updates import FloatArray, require_count
from mycelium_fractal_net.federated.krum import Neighbors, krum_scores, neighbor_count, require_neighbors
from mycelium_fractal_net.federated.mean import mean_of_rows

__all__ = ["MultiKrum"]


@dataclass(frozen=True)
class MultiKrum(Rule):
    r"""Average the m updates of the lowest Krum scores.

    .. math:: \frac{1}{m} \sum_{i \in S} x_i, \qquad S = \text{the } m \text{ lowest } s(i)

    Parameters
    ----------
    f : int
        Hostile updates to tolerate; n >= 2f + 3.
    m : int, optional
        Updates to average, 1 <= m <= n - f; n - f by default.
    neighbors : {"paper", "byzfl"}
        As in `Krum`.

    Notes
    -----
    ``scores`` holds s(i); lower indices win ties. For every m the robustness coefficient is that of `Krum` with as
    many neighbours, proved on the page on what robust aggregation can promise. Cost O(n^2 d).

    References
    ----------
    Blanchard et al., NeurIPS 2017, doi:10.48550/arXiv.1703.02757, who prove nothing of m > 1. Published bounds:
    Bareilles, Bouaziz, Fageot, El Mhamdi, "Byzantine machine learning: MultiKrum and an optimal notion of
    robustness", 2026, doi:10.48550/arXiv.2602.03899.

    Examples
    --------
    >>> updates = [[27.0], [20.0], [21.0], [24.0], [7.0], [10.0], [6.0]]
    >>> MultiKrum(f=2, m=2).aggregate(updates).selected
    (2, 3)
    """

    f: int
    m: int | None = None
    neighbors: Neighbors = "paper"

    def __post_init__(self) -> None:
        require_count("f", self.f, 0)
        if self.m is not None:
            require_count("m", self.m, 1)
        require_neighbors(self.neighbors)

    def tolerated(self, n: int) -> int:
        """Return f."""
        return self.f

    def condition(self) -> tuple[int, str]:
        """Return n >= 2f + 3, and n >= m + f where m is given."""
        least = 2 * self.f + 3
        if self.m is None or self.m + self.f <= least:
            return least, "n >= 2f + 3"
        return self.m + self.f, "m <= n - f"

    def combine(self, values: FloatArray, lost: int) -> Outcome:
        """Average the best rows."""
        f = self.f - lost
        count = neighbor_count(len(values), f, self.neighbors)
        tamed, exponent = tame(values)
        scores = krum_scores(squared_distances(tamed), count)
        chosen = np.sort(np.argsort(scores, kind="stable")[: self.m or len(values) - f])
        return Outcome(mean_of_rows(values[chosen]), chosen, untame(scores, 2 * exponent))

    def require(self, n: int, lost: int = 0) -> None:
        """Refuse n < 2f + 3 and m > n - f."""
        super().require(n, lost)
        if self.m is not None and self.m > n - self.f:
            raise AggregationError(f"{self!r} needs m <= n - f; got n = {n}", n=n)
