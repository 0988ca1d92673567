"""The geometric median: the point with the least sum of distances."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mycelium_fractal_net.errors import AggregationError
from mycelium_fractal_net.federated._columns import column_median
from mycelium_fractal_net.federated._passes import unit_pull
from mycelium_fractal_net.federated._rule import Outcome, Rule
from mycelium_fractal_net.federated._scale import tame, untame
from mycelium_fractal_net.federated._updates import FloatArray, require_count, require_positive

__all__ = ["GeometricMedian"]

_NEAR_A_ROW = 0.05
_ROUNDING = 1e-12


@dataclass(frozen=True)
class GeometricMedian(Rule):
    r"""Minimise the sum of Euclidean distances to the updates.

    .. math:: \mathrm{GM} = \arg\min_y \sum_i \lVert y - x_i \rVert

    Found by Weiszfeld's iteration from the coordinate-wise median, with the step of Vardi and Zhang where it
    meets an update; an update that is itself the minimum is recognised and returned exactly.

    Parameters
    ----------
    tolerance : float
        Stop when the estimated error is below this part of the median distance to the updates.
    iterations : int
        Most steps; the rule fails rather than return a point that is not the median.

    Notes
    -----
    Needs n >= 1; bounded while f < n/2. Robustness coefficient :math:`\kappa = 4 (1 + f/(n-2f))^2`. ``scores``
    holds the distances to the answer. Equivariant to translation, rotation and scale. If all updates lie on a
    line and n is even, every point between the two middle ones is a median; the answer is then the
    coordinate-wise median. One iteration reads the updates once, O(nd).

    Raises
    ------
    AggregationError
        If `iterations` steps did not reach `tolerance`.

    References
    ----------
    Vardi and Zhang, "The multivariate L1-median and associated data depth", PNAS 97 (2000),
    doi:10.1073/pnas.97.4.1423. Pillutla, Kakade, Harchaoui, "Robust aggregation for federated learning",
    IEEE Trans. Signal Processing 70 (2022), doi:10.1109/TSP.2022.3153135.

    Examples
    --------
    >>> GeometricMedian()([[0.0, 0.0], [2.0, 0.0], [0.0, 2.0], [2.0, 2.0]])
    array([1., 1.])
    >>> GeometricMedian()([[0.0, 0.0], [1.0, 0.0], [0.0, 1.0], [-1.0, -1.0]])
    array([0., 0.])
    """

    tolerance: float = 1e-10
    iterations: int = 10_000

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
        """Iterate from the coordinate-wise median."""
        tamed, exponent = tame(values)
        answer, distances = self._minimise(tamed)
        return Outcome(untame(answer, exponent), scores=untame(distances, exponent))

    def _minimise(self, values: FloatArray) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        y, last, tried = column_median(values), np.inf, -1
        for _ in range(self.iterations):
            pull, distances = unit_pull(values, y)
            held = np.count_nonzero(distances == 0.0)
            force = float(np.linalg.norm(pull))
            if force <= held * (1 + _ROUNDING):
                return y, distances
            nearest = _nearest_row(distances)
            if nearest not in (-1, tried):
                tried = nearest
                found = _minimum_at_row(values, nearest)
                if found is not None:
                    return found
            away = distances[distances > 0.0]
            step = (1.0 - held / force) * pull / (1.0 / away).sum()
            y = y + step
            length = float(np.linalg.norm(step))
            if _error(length, last) <= self.tolerance * float(np.median(away)):
                return y, distances
            last = length
        raise AggregationError(
            f"{self!r} did not converge within its iterations; raise iterations or tolerance"
        )


def _nearest_row(distances: NDArray[np.float64]) -> int:
    """Return the row that is much nearer than most and may be the minimum itself, or -1."""
    nearest = int(np.argmin(np.where(distances > 0.0, distances, np.inf)))
    return nearest if 0.0 < distances[nearest] < _NEAR_A_ROW * np.median(distances) else -1


def _minimum_at_row(values: FloatArray, row: int) -> tuple[NDArray[np.float64], NDArray[np.float64]] | None:
    """Return the row and its distances if the others' pull does not exceed its multiplicity."""
    centre = values[row].astype(np.float64)
    pull, distances = unit_pull(values, centre)
    held = np.count_nonzero(distances == 0.0)
    return (centre, distances) if np.linalg.norm(pull) <= held * (1 + _ROUNDING) else None


def _error(length: float, last: float) -> float:
    """Estimate the distance that is left from the last two steps of a linear convergence."""
    rate = min(length / last, 1.0) if last < np.inf else 0.0
    return length * rate / (1.0 - rate) if 0.0 < rate < 1.0 else (length if rate == 0.0 else np.inf)
