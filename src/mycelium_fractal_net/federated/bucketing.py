"""Bucketing: average random groups before a rule sees them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from mycelium_fractal_net.federated._seeds import drawn_seed, require_seed
from mycelium_fractal_net.federated._updates import FloatArray, require_count
from mycelium_fractal_net.federated.pipeline import PreAggregation

__all__ = ["Bucketing"]


@dataclass(frozen=True)
class Bucketing(PreAggregation):
    r"""Average random groups of s updates, so that those left vary less.

    Parameters
    ----------
    s : int
        Updates to a group; the last group may be smaller.
    seed : int, optional
        Seed of the permutation; drawn from the system's secure generator by default.
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
        groups = [order[i : i + self.s] for i in range(0, len(values), self.s)]
        return np.stack([values[group].mean(axis=0, dtype=np.float64) for group in groups]), seed
