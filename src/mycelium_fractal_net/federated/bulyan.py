"""Bulyan: iterated Krum selection, then a mean around the median per coordinate."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mycelium_fractal_net.federated._columns import column_rank_mean
from mycelium_fractal_net.federated._distances import nearest_first, squared_distances
from mycelium_fractal_net.federated._rule import Outcome, Rule
from mycelium_fractal_net.federated._scale import tame, untame
from mycelium_fractal_net.federated._threads import stretches
from mycelium_fractal_net.federated._updates import FloatArray, require_count
from mycelium_fractal_net.federated.krum import Neighbors, neighbor_count, require_neighbors

__all__ = ["Bulyan"]


@dataclass(frozen=True)
class Bulyan(Rule):
    r"""Select n - 2f updates by repeated Krum, then average the n - 4f values nearest the median.

    Krum picks one update from those that are left, again and again, each time with the neighbours that the
    shrunken set allows, one at least; equal scores go to the lesser sum of distances to all that are left. The
    picks then vote per coordinate:

    .. math:: [\mathrm{Bulyan}]_k = \frac{1}{\beta} \sum_{i \in B_k} x_{ik}, \quad \beta = n - 4f

    where :math:`B_k` are the picks whose k-th value lies nearest the picks' median (the smaller on ties).

    Parameters
    ----------
    f : int
        Hostile updates to tolerate; n >= 4f + 3.
    neighbors : {"paper", "byzfl"}
        As in `Krum`.

    Notes
    -----
    ``selected`` holds the picks, ``scores`` the Krum score at which each update was picked (infinite if it
    never was). In every coordinate the answer leaves the range of the honest updates by less than that range's
    width; hostile updates beside the range do make it leave. The page on what robust aggregation can promise has
    the proof. The paper bounds the deviation in expectation. Cost O(n^2 d + n^3).

    References
    ----------
    El Mhamdi, Guerraoui, Rouault, "The hidden vulnerability of distributed learning in Byzantium", ICML 2018,
    doi:10.48550/arXiv.1802.07927.

    Examples
    --------
    >>> updates = [[1.0], [1.1], [0.9], [1.2], [0.8], [1.0], [1e6]]
    >>> Bulyan(f=1)(updates)
    array([0.96666667])
    """

    f: int
    neighbors: Neighbors = "paper"

    def __post_init__(self) -> None:
        require_count("f", self.f, 0)
        require_neighbors(self.neighbors)

    def tolerated(self, n: int) -> int:
        """Return f."""
        return self.f

    def condition(self) -> tuple[int, str]:
        """Return n >= 4f + 3."""
        return 4 * self.f + 3, "n >= 4f + 3"

    def combine(self, values: FloatArray, lost: int) -> Outcome:
        """Select, then average around the median."""
        f = self.f - lost
        tamed, exponent = tame(values)
        chosen, scores = self._select(squared_distances(tamed), f)
        keep = len(chosen)
        vector = column_rank_mean(values[chosen], 0, keep, nearest=keep - 2 * f)
        return Outcome(vector, chosen, untame(scores, 2 * exponent))

    def _select(self, distances: NDArray[np.float64], f: int) -> tuple[NDArray[np.intp], NDArray[np.float64]]:
        from mycelium_fractal_net.federated._kernels import pick_repeatedly

        n = len(distances)
        left, scores = np.ones(n, dtype=bool), np.full(n, np.inf)
        order = nearest_first(distances)
        for picks in stretches(n - 2 * f, (n - 2 * f) * n * n):
            pick_repeatedly(
                distances,
                order,
                picks.stop - picks.start,
                n - neighbor_count(n, f, self.neighbors),
                left,
                scores,
            )
        return np.flatnonzero(~left), scores
