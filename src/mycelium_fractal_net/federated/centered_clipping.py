"""Centered clipping: a mean of differences that are cut to a radius."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mycelium_fractal_net.errors import AggregationError
from mycelium_fractal_net.federated._columns import column_median
from mycelium_fractal_net.federated._passes import clipped_mean
from mycelium_fractal_net.federated._rule import Outcome, Rule
from mycelium_fractal_net.federated._updates import FloatArray, require_count, require_positive

__all__ = ["CenteredClipping"]


@dataclass(frozen=True)
class CenteredClipping(Rule):
    r"""Move a centre by the mean of the differences to it, each cut to a radius.

    .. math:: v \leftarrow v + \frac{1}{n} \sum_i (x_i - v) \min(1, \tau / \lVert x_i - v \rVert)

    Parameters
    ----------
    radius : float
        The longest difference :math:`\tau` that counts in full, in the unit of the updates.
    iterations : int
        How often the centre moves.
    start : sequence of float, optional
        The first centre, as a rule the last round's answer; the coordinate-wise median by default.

    Notes
    -----
    Each of f hostile updates moves the centre by at most :math:`\tau / n` per iteration, so the answer is
    bounded for every f, but good only if `radius` is near the spread of the honest updates, which the paper
    takes as known, with f <= n/10; that is the f that is reported, and how many updates may be not finite.
    ``scores`` holds the distances to the answer. Cost O(nd) per iteration.

    References
    ----------
    Karimireddy, He, Jaggi, "Learning from history for Byzantine robust optimization", ICML 2021,
    doi:10.48550/arXiv.2012.10333.

    Examples
    --------
    >>> CenteredClipping(radius=1.0, iterations=1, start=[0.0])([[0.5], [1.0], [1e30]])
    array([0.83333333])
    """

    radius: float
    iterations: int = 5
    start: Sequence[float] | None = None

    def __post_init__(self) -> None:
        require_positive("radius", self.radius)
        require_count("iterations", self.iterations, 1)
        if self.start is not None:
            object.__setattr__(self, "start", tuple(float(value) for value in self.start))

    def tolerated(self, n: int) -> int:
        """Return n // 10, as far as the published analysis goes."""
        return n // 10

    def condition(self) -> tuple[int, str]:
        """Return n >= 1."""
        return 1, "n >= 1"

    def combine(self, values: FloatArray, lost: int) -> Outcome:
        """Move the centre `iterations` times."""
        centre = self._first_centre(values)
        largest = max(float(np.abs(values).max()), float(np.abs(centre).max()))
        for _ in range(self.iterations):
            moved, _ = clipped_mean(values, centre, self.radius)
            with np.errstate(over="ignore"):  # in the hull of updates and centre but for rounding
                centre = np.clip(centre + moved, -largest, largest)
        _, distances = clipped_mean(values, centre, self.radius)
        return Outcome(centre, scores=distances)

    def _first_centre(self, values: FloatArray) -> NDArray[np.float64]:
        if self.start is None:
            return column_median(values)
        if len(self.start) != values.shape[1] or not np.isfinite(self.start).all():
            raise AggregationError(
                f"start must be a finite vector of {values.shape[1]} values; got {len(self.start)} values"
            )
        return np.asarray(self.start, dtype=np.float64)
