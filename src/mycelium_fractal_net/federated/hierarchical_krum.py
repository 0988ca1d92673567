"""Hierarchical Krum: Krum per cluster, then a blend of Krum and median of the clusters."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from mycelium_fractal_net.errors import AggregationError
from mycelium_fractal_net.federated._rule import Outcome, Rule
from mycelium_fractal_net.federated._seeds import drawn_seed, require_seed
from mycelium_fractal_net.federated._updates import FloatArray, require_count
from mycelium_fractal_net.federated.krum import Krum
from mycelium_fractal_net.federated.median import Median

__all__ = ["HierarchicalKrum"]

_KRUM_SHARE = 0.7


@dataclass(frozen=True)
class HierarchicalKrum(Rule):
    r"""Blend 0.7 Krum + 0.3 median of the Krum answers of random clusters.

    Parameters
    ----------
    clusters : int
        Random clusters of at least three updates each.
    byzantine_fraction : float
        Share of hostile updates, in each cluster and among the clusters, to be prepared for.
    seed : int, optional
        Seed of the assignment; drawn from the system's secure generator by default.
    """

    clusters: int
    byzantine_fraction: float = 0.2
    seed: int | None = None

    def __post_init__(self) -> None:
        require_count("clusters", self.clusters, 3)
        if not 0 <= self.byzantine_fraction < 0.5:
            raise AggregationError(f"byzantine_fraction is in [0, 0.5); got {self.byzantine_fraction!r}")
        require_seed(self.seed)
        self._krum(self.clusters)._require(self.clusters, 0)

    def tolerated(self, n: int) -> int:
        """Return floor(byzantine_fraction n), for hostile updates that cannot choose their cluster."""
        return int(self.byzantine_fraction * n + 1e-9)

    def condition(self) -> tuple[int, str]:
        """Return three updates to a cluster."""
        return 3 * self.clusters, "three updates to a cluster"

    def combine(self, values: FloatArray, lost: int) -> Outcome:
        """Run Krum in every cluster, then blend."""
        seed = drawn_seed(self.seed)
        order = np.random.default_rng(seed).permutation(len(values))
        clusters = np.array_split(order, self.clusters)
        picks = np.concatenate([rows[self._pick(values[rows])] for rows in clusters])
        winners = values[picks]
        best = self._pick(winners)
        vector = (
            _KRUM_SHARE * winners[best[0]].astype(np.float64)
            + (1 - _KRUM_SHARE) * Median().combine(winners, 0).vector
        )
        return Outcome(vector, picks[best], seed=seed)

    def _krum(self, n: int) -> Krum:
        return Krum(f=int(self.byzantine_fraction * n + 1e-9))

    def _pick(self, values: FloatArray) -> np.ndarray:
        krum = self._krum(len(values))
        krum._require(len(values), 0)
        selected = krum.combine(values, 0).selected
        return selected
