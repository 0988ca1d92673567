"""Gaussian noise."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mycelium_fractal_net.federated._seeds import drawn_seed, require_seed
from mycelium_fractal_net.federated._updates import require_positive
from mycelium_fractal_net.federated.attacks._attack import Attack

__all__ = ["GaussianNoise"]


@dataclass(frozen=True)
class GaussianNoise(Attack):
    r"""Send independent normal values of a large standard deviation.

    Parameters
    ----------
    std : float
        Standard deviation; 200 in the paper.
    seed : int, optional
        Seed of the noise; drawn by default.

    References
    ----------
    Blanchard et al., NeurIPS 2017, doi:10.48550/arXiv.1703.02757, section 5.

    Examples
    --------
    >>> GaussianNoise(std=200.0, seed=1)([[1.0, 2.0]], count=3).shape
    (3, 2)
    """

    std: float = 200.0
    seed: int | None = None

    def __post_init__(self) -> None:
        require_positive("std", self.std)
        require_seed(self.seed)

    def forge(self, honest: NDArray[np.float64], count: int) -> NDArray[np.float64]:
        """Return `count` independent rows."""
        noise = np.random.default_rng(drawn_seed(self.seed))
        return noise.normal(scale=self.std, size=(count, honest.shape[1]))
