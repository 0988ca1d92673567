"""The geometric median: the point with the least sum of distances."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mycelium_fractal_net.errors import AggregationError
from mycelium_fractal_net.federated._columns import column_median
from mycelium_fractal_net.federated._passes import ROUNDING, unit_pull
from mycelium_fractal_net.federated._rule import Outcome, Rule
from mycelium_fractal_net.federated._scale import middle_size, row_sizes, tame, untame
from mycelium_fractal_net.federated._updates import FloatArray, require_count, require_positive

__all__ = ["GeometricMedian"]

_NEAR_A_ROW = 0.05
_SLOW = 20
_HALVINGS = 12
_NOTHING = 1e-30
_PATIENCE = 100
_FLAT = 1e-9
_State = tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]


@dataclass(frozen=True)
class GeometricMedian(Rule):
    r"""Minimise the sum of Euclidean distances to the updates.

    .. math:: \mathrm{GM} = \arg\min_y \sum_i \lVert y - x_i \rVert

    Found by Weiszfeld's iteration from the coordinate-wise median, with the step of Vardi and Zhang where it
    meets an update, and by Newton's method if that is slow; an update that is itself the minimum is
    recognised and returned exactly.

    Parameters
    ----------
    tolerance : float
        Stop when the mean of the unit vectors towards the updates, zero at the median, is shorter than this;
        after 100 steps, which only updates almost on a line need, when it is shorter than 1e-9.
    iterations : int
        Most steps; the rule fails rather than return a point that is not the median.

    Notes
    -----
    Needs n >= 1; bounded while f < n/2. Robustness coefficient :math:`\kappa = 4 (1 + f/(n-2f))^2`.
    ``scores`` holds the distances to the answer. Equivariant to translation, rotation and scale. If all
    updates lie on a line and n is even, every point between the two middle ones is a median; the answer is
    then the coordinate-wise median. One iteration reads the updates once, O(nd).

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

    tolerance: float = 1e-12
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
        """Iterate from the coordinate-wise median."""
        tamed, exponent = tame(values)
        try:
            answer, distances = self._minimise(tamed)
        except AggregationError:
            # Updates that differ by next to nothing hold the iteration fast; to rounding they are the same.
            sizes = row_sizes(tamed)
            nothing = _NOTHING * (middle_size(sizes) or float(sizes.max()))
            answer, distances = self._minimise(np.where(np.abs(tamed) < nothing, np.zeros_like(tamed), tamed))
        return Outcome(untame(answer, exponent), scores=untame(distances, exponent))

    def _minimise(self, values: FloatArray) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        y, tried = column_median(values), -1
        pull, distances = unit_pull(values, y)
        for iteration in range(self.iterations):
            tolerance = self.tolerance if iteration < _PATIENCE else max(self.tolerance, _FLAT)
            if _is_minimum(y, pull, distances, tolerance):
                return y, distances
            nearest = _nearest_row(distances, 1.0 if iteration >= _SLOW else _NEAR_A_ROW)
            if nearest not in (-1, tried):
                tried = nearest
                centre = values[nearest].astype(np.float64)
                there = unit_pull(values, centre)
                if _is_minimum(centre, *there, self.tolerance):
                    return centre, there[1]
            y, pull, distances = _step(values, y, pull, distances, newton=iteration >= _SLOW)
        raise AggregationError(f"{self!r} did not converge within its iterations; raise iterations or tolerance")


def _is_minimum(
    y: NDArray[np.float64], pull: NDArray[np.float64], distances: NDArray[np.float64], tolerance: float
) -> bool:
    """Tell whether the updates at y can hold it against the pull of the others, as far as rounding shows."""
    away = distances[distances > 0.0]
    held = len(distances) - len(away)
    rounding = ROUNDING * float(np.abs(y).max()) * float((1.0 / away).sum())
    return bool(np.linalg.norm(pull) <= held + tolerance * len(distances) + rounding)


def _step(
    values: FloatArray,
    y: NDArray[np.float64],
    pull: NDArray[np.float64],
    distances: NDArray[np.float64],
    *,
    newton: bool,
) -> _State:
    """Take a Newton step if that is wanted and helps, else Weiszfeld's."""
    held = np.count_nonzero(distances == 0.0)
    if newton and not held:
        step = _newton_step(values, y, pull, distances)
        for _ in range(_HALVINGS):
            state = (y + step, *unit_pull(values, y + step))
            if np.linalg.norm(state[1]) < np.linalg.norm(pull):
                return state
            step = step / 2
    share = 1.0 - held / float(np.linalg.norm(pull))
    step = share * pull / (1.0 / distances[distances > 0.0]).sum()
    return y + step, *unit_pull(values, y + step)


def _newton_step(
    values: FloatArray, y: NDArray[np.float64], pull: NDArray[np.float64], distances: NDArray[np.float64]
) -> NDArray[np.float64]:
    r"""Solve :math:`(a I - B^T B) s = \text{pull}`, rows of B :math:`u_i / \sqrt{d_i}`, a = sum 1/d_i."""
    total = (1.0 / distances).sum()
    rows = (values - y) / distances[:, None] ** 1.5
    n, d = rows.shape
    if d <= n:
        return np.asarray(_solve(total * np.eye(d) - rows.T @ rows, pull))
    return np.asarray((pull + rows.T @ _solve(total * np.eye(n) - rows @ rows.T, rows @ pull)) / total)


def _solve(matrix: NDArray[np.float64], right: NDArray[np.float64]) -> NDArray[np.float64]:
    """Solve, with the least-squares answer where rows on a line make the matrix singular."""
    return np.asarray(np.linalg.lstsq(matrix, right, rcond=None)[0])


def _nearest_row(distances: NDArray[np.float64], part: float) -> int:
    """Return the row that is much nearer than most and may be the minimum itself, or -1."""
    nearest = int(np.argmin(np.where(distances > 0.0, distances, np.inf)))
    return nearest if 0.0 < distances[nearest] <= part * np.median(distances) else -1
