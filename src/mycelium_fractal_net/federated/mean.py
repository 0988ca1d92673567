"""The average, plain or weighted by claimed sample counts."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from mycelium_fractal_net.errors import AggregationError
from mycelium_fractal_net.federated._rule import Outcome, Rule
from mycelium_fractal_net.federated._updates import FloatArray, require_positive

__all__ = ["Mean"]


@dataclass(frozen=True)
class Mean(Rule):
    r"""Average the updates; no protection against anybody.

    .. math:: \sum_i w_i x_i / \sum_i w_i, \qquad w_i = \min(\text{claimed}_i, \text{max\_weight})

    Parameters
    ----------
    max_weight : float, optional
        Cap on a claimed sample count. Without it, one claim of 1e12 takes over the average.

    Notes
    -----
    Condition n >= 1. One hostile update moves the answer anywhere: the robustness coefficient is infinite for
    f >= 1. Updates that are not finite are still rejected and named. Cost O(nd).

    Examples
    --------
    >>> Mean()([[1.0, 2.0], [3.0, 6.0]])
    array([2., 4.])
    >>> Mean(max_weight=100)([[0.0], [1.0]], weights=[100, 1e12])
    array([0.5])
    """

    max_weight: float | None = None

    def __post_init__(self) -> None:
        if self.max_weight is not None:
            require_positive("max_weight", self.max_weight)

    def tolerated(self, n: int) -> int:
        """Return 0: a mean tolerates nobody."""
        return 0

    def condition(self) -> tuple[int, str]:
        """Return n >= 1."""
        return 1, "n >= 1"

    def combine(self, values: FloatArray, lost: int) -> Outcome:
        """Average all rows."""
        return _average(values, np.ones(len(values)))

    def require(self, n: int, lost: int = 0) -> None:
        """Refuse only when no finite update is left."""
        if lost == n:
            raise AggregationError(f"none of the {n} updates is finite; ask the clients again", n=n)

    def _weighted(self, values: FloatArray, weights: ArrayLike, kept: NDArray[np.intp], n: int) -> Outcome:
        claimed = np.asarray(weights)
        if claimed.shape != (n,) or claimed.dtype.kind not in "iuf":
            raise AggregationError(f"weights must be {n} numbers, one per update; got shape {claimed.shape}")
        claimed = claimed[kept].astype(np.float64)
        if not np.isfinite(claimed).all() or (claimed < 0).any() or not claimed.any():
            raise AggregationError("weights must be finite, not negative, and not all zero")
        return _average(values, claimed if self.max_weight is None else np.minimum(claimed, self.max_weight))


def _average(values: FloatArray, weights: NDArray[np.float64]) -> Outcome:
    return Outcome(mean_of_rows(values, weights), np.flatnonzero(weights))


def mean_of_rows(values: FloatArray, weights: NDArray[np.float64] | None = None) -> NDArray[np.float64]:
    """Return the mean of the rows, by weights if given, in float64 and without a float64 copy of all values.

    One division of one sum, so that the mean of whole numbers is exact where the division is. Finite for finite rows.
    """
    weights = np.ones(len(values)) if weights is None else weights
    scaled = np.ldexp(weights, 1 - int(np.frexp(weights.max())[1]))  # exact; the largest in [1, 2) keeps denormals
    out = np.zeros(values.shape[1])
    step = max(1, (1 << 22) // len(values))
    for left in range(0, values.shape[1], step):
        out[left : left + step] = _block_mean(values[:, left : left + step].astype(np.float64), scaled)
    return out


def _block_mean(block: NDArray[np.float64], weights: NDArray[np.float64]) -> NDArray[np.float64]:
    with np.errstate(over="ignore", invalid="ignore"):
        mean = np.asarray(weights @ block / weights.sum())
    if np.isfinite(mean).all():
        return mean
    exponent = len(block).bit_length() + 1
    small = np.ldexp(block[weights > 0.0], -exponent)
    mean = weights[weights > 0.0] @ small / weights.sum()
    return np.asarray(np.ldexp(np.clip(mean, small.min(axis=0), small.max(axis=0)), exponent))
