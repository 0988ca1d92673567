"""The geometric median: the point with the least sum of distances."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mycelium_fractal_net.errors import AggregationError
from mycelium_fractal_net.federated._columns import column_median
from mycelium_fractal_net.federated._distances import tame
from mycelium_fractal_net.federated._rule import Outcome, Rule
from mycelium_fractal_net.federated._updates import FloatArray, require_count, require_positive
from mycelium_fractal_net.federated.mean import weighted_mean

__all__ = ["GeometricMedian"]


@dataclass(frozen=True)
class GeometricMedian(Rule):
    r"""Minimise the sum of Euclidean distances to the updates.

    .. math:: \mathrm{GM} = \arg\min_y \sum_i \lVert y - x_i \rVert

    Parameters
    ----------
    tolerance : float
        Stop when a step is shorter than this part of the median distance.
    iterations : int
        Most steps.
    """

    tolerance: float = 1e-10
    iterations: int = 1000

    def __post_init__(self) -> None:
        require_positive("tolerance", self.tolerance)
        require_count("iterations", self.iterations, 1)

    def tolerated(self, n: int) -> int:
        """Return the largest f < n/2."""
        return (n - 1) // 2

    def condition(self) -> tuple[int, str]:
        """Return n >= 1."""
        return 1, "n >= 1"

    def combine(self, values: FloatArray, lost: int) -> Outcome:
        """Run Weiszfeld's iteration from the coordinate-wise median."""
        y = column_median(values)
        for _ in range(self.iterations):
            distances = distances_to(values, y)
            scale = float(np.median(distances))
            if scale == 0.0:
                return Outcome(y, scores=distances)
            step = _weiszfeld_step(values, y, distances)
            y = y + step
            if float(np.linalg.norm(step)) <= self.tolerance * scale:
                return Outcome(y, scores=distances)
        raise AggregationError(f"{self!r} did not converge; raise iterations or the tolerance")


def distances_to(values: FloatArray, centre: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return ``|x_i - centre|``."""
    gaps = values - centre
    largest = np.abs(gaps).max(axis=1)
    safe = np.where(largest > 0, largest, 1.0)
    return np.asarray(largest * np.linalg.norm(gaps / safe[:, None], axis=1))


def _weiszfeld_step(
    values: FloatArray, y: NDArray[np.float64], distances: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return the step of Vardi and Zhang, which also leaves a vertex that is not the minimum."""
    away = distances > 0
    inverse = 1.0 / distances[away]
    pull = inverse @ (values[away] - y)
    held = len(values) - np.count_nonzero(away)
    force = float(np.linalg.norm(pull))
    share = 0.0 if force <= held else 1.0 - held / force
    return np.asarray(share * pull / inverse.sum())
