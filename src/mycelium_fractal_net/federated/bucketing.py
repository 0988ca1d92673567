"""Bucketing: average random groups before a rule sees them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from mycelium_fractal_net.federated._rule import PreAggregation
from mycelium_fractal_net.federated._seeds import drawn_seed, require_seed
from mycelium_fractal_net.federated._updates import FloatArray, require_count
from mycelium_fractal_net.federated.mean import mean_of_rows

__all__ = ["Bucketing"]


@dataclass(frozen=True)
class Bucketing(PreAggregation):
    r"""Average random groups of s updates, so that honest groups differ less than honest clients.

    .. math:: y_b = \frac{1}{s} \sum_{i=(b-1)s+1}^{bs} x_{\pi(i)}, \qquad b = 1, \dots, \lceil n/s \rceil

    Parameters
    ----------
    s : int
        Updates to a group; the last group may be smaller.
    seed : int, optional
        Seed of the permutation; drawn from the system's secure generator by default.

    Notes
    -----
    Each hostile update spoils one group, so the rule behind has to stand the same f among n/s groups: s may
    be at most about n/(2f). It has no f of its own. Variance among honest rows falls by 1/s. Cost O(nd).

    References
    ----------
    Karimireddy, He, Jaggi, "Byzantine-robust learning on heterogeneous datasets via bucketing", ICLR 2022,
    doi:10.48550/arXiv.2006.09365.

    Examples
    --------
    >>> Bucketing(s=2, seed=0)([[1.0], [1.0], [3.0], [3.0]]).sum()
    np.float64(4.0)
    """

    s: int
    seed: int | None = None

    def __post_init__(self) -> None:
        require_count("s", self.s, 1)
        require_seed(self.seed)

    def size(self, n: int) -> int:
        """Return ceil(n / s)."""
        return -(-n // self.s)

    def mix(self, values: FloatArray, lost: int) -> tuple[FloatArray, int]:
        """Average the groups."""
        seed = drawn_seed(self.seed)
        order = np.random.default_rng(seed).permutation(len(values))
        groups = [np.sort(order[i : i + self.s]) for i in range(0, len(values), self.s)]
        means = [mean_of_rows(values[rows]) for rows in groups]
        return np.stack(means), seed
