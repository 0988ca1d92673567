"""Krum: the update that lies closest to its neighbours."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from mycelium_fractal_net._checks import as_choice
from mycelium_fractal_net.errors import AggregationError
from mycelium_fractal_net.federated._distances import (
    rough_squared_distances,
    squared_distances,
    squared_distances_of_pairs,
)
from mycelium_fractal_net.federated._rule import Outcome, Rule
from mycelium_fractal_net.federated._scale import tame, untame
from mycelium_fractal_net.federated._threads import in_blocks
from mycelium_fractal_net.federated._updates import FloatArray, require_count

__all__ = ["Krum", "Neighbors"]

Neighbors = Literal["paper", "byzfl"]

_ROUNDING = 1e-8
_MOST_REPEATED = 64
_ROUGH = 1e-3
_MOST_SIFTED = 16


@dataclass(frozen=True)
class Krum(Rule):
    r"""Return the update whose n - f - 2 nearest others lie closest, in squared distance.

    .. math:: s(i) = \sum_{j \in N_i} \lVert x_i - x_j \rVert^2, \quad |N_i| = n - f - 2, \qquad
              \mathrm{Krum} = x_{\arg\min_i s(i)}

    Parameters
    ----------
    f : int
        Hostile updates to tolerate; n >= 2f + 3.
    neighbors : {"paper", "byzfl"}
        How many neighbours count: n - f - 2 as published, or n - f - 1 as the library ByzFL does.

    Notes
    -----
    ``scores`` holds s(i). The lowest index wins ties. Robustness coefficient, with h = n - f, k neighbours and
    q = n - 2f - 1 (``paper``) or n - 2f (``byzfl``):
    :math:`\kappa = (\sqrt{2 h k / (h - 1)} + \sqrt{h - q})^2 / q`, proved on the page on what robust aggregation
    can promise. Allouah et al. prove :math:`6 (1 + f/(n-2f))` for the scores of ``byzfl``; it is not proved
    for those of ``paper``. Cost O(n^2 d) as one symmetric matrix product in float64; updates whose scores are
    closer than its rounding are ranked again from exact differences.

    References
    ----------
    Blanchard, El Mhamdi, Guerraoui, Stainer, "Machine learning with adversaries: Byzantine tolerant gradient
    descent", NeurIPS 2017, doi:10.48550/arXiv.1703.02757. Coefficient for ``byzfl``: Allouah et al. 2023,
    doi:10.48550/arXiv.2302.01772.

    Examples
    --------
    >>> updates = [[27.0], [20.0], [21.0], [24.0], [7.0], [10.0], [6.0]]
    >>> Krum(f=2).aggregate(updates).scores
    array([ 94.,  66.,  46.,  34., 179., 125., 213.])
    >>> Krum(f=2)(updates), Krum(f=2, neighbors="byzfl")(updates)
    (array([24.]), array([20.]))
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
        """Return n >= 2f + 3."""
        return 2 * self.f + 3, "n >= 2f + 3"

    def combine(self, values: FloatArray, lost: int) -> Outcome:
        """Pick the row of the lowest score."""
        best, scores = self.best(values, lost)
        return Outcome(values[best].copy(), np.array([best]), scores)

    def quickly(self, values: FloatArray, lost: int) -> Outcome:
        """Pick the same row; large inputs are sifted in float32 and only what is left is scored exactly."""
        count = neighbor_count(len(values), self.f - lost, self.neighbors)
        rough = rough_squared_distances(values)
        if rough is None:
            return self.combine(values, lost)
        scores = krum_scores(rough, count)
        near = np.flatnonzero(scores <= scores.min() * (1.0 + _ROUGH))
        if len(near) > _MOST_SIFTED:
            return self.combine(values, lost)
        best = _exactly_lowest(values, near, count)
        return Outcome(values[best].copy(), np.array([best]))

    def best(self, values: FloatArray, lost: int) -> tuple[int, NDArray[np.float64]]:
        """Return the index of the lowest score, and all scores."""
        count = neighbor_count(len(values), self.f - lost, self.neighbors)
        tamed, exponent = tame(values)
        scores = krum_scores(squared_distances(tamed), count)
        return _first_lowest(tamed, scores, count), untame(scores, 2 * exponent)


def require_neighbors(neighbors: str) -> None:
    """Refuse an unknown convention."""
    as_choice("neighbors", neighbors, ("paper", "byzfl"), AggregationError)


def neighbor_count(n: int, f: int, neighbors: Neighbors) -> int:
    """Return n - f - 2 or n - f - 1."""
    return n - f - (2 if neighbors == "paper" else 1)


def krum_scores(distances: NDArray[np.float64], count: int) -> NDArray[np.float64]:
    """Sum the `count` smallest squared distances of every row to others, in increasing order."""
    n = len(distances)
    scores = np.empty(n)

    def block(start: int, stop: int) -> None:
        others = distances[start:stop].copy()
        np.fill_diagonal(others[:, start:stop], np.inf)
        others.sort(axis=1)
        scores[start:stop] = others[:, :count].sum(axis=1)

    in_blocks(block, n, 8 * n * n)
    return scores


def _first_lowest(values: FloatArray, scores: NDArray[np.float64], count: int) -> int:
    """Return the lowest index of the lowest score, beyond the rounding of the matrix product."""
    near = np.flatnonzero(scores <= scores.min() * (1.0 + _ROUNDING))
    if not 1 < len(near) <= _MOST_REPEATED:
        return int(near[0])
    return _exactly_lowest(values, near, count)


def _exactly_lowest(values: FloatArray, near: NDArray[np.intp], count: int) -> int:
    exact = np.array([_exact_score(values, int(i), count) for i in near])
    return int(near[np.argmin(exact)])


def _exact_score(values: FloatArray, index: int, count: int) -> float:
    others = np.delete(np.arange(len(values)), index)
    distances = squared_distances_of_pairs(values, np.full(len(others), index), others)
    distances.sort()
    return float(distances[:count].sum())
