"""Centered clipping: a mean of differences that are cut to a radius."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mycelium_fractal_net.errors import AggregationError
from mycelium_fractal_net.federated._columns import column_median
from mycelium_fractal_net.federated._rule import Outcome, Rule
from mycelium_fractal_net.federated._updates import FloatArray, require_count, require_positive
from mycelium_fractal_net.federated.geometric_median import distances_to

__all__ = ["CenteredClipping"]


@dataclass(frozen=True)
class CenteredClipping(Rule):
    r"""Move a centre by the mean of the differences to it, each cut to a radius.

    .. math:: v \leftarrow v + \frac{1}{n} \sum_i (x_i - v) \min\left(1, \frac{\tau}{\lVert x_i - v \rVert}\right)

    Parameters
    ----------
    radius : float
        The longest difference :math:`\tau` that counts in full.
    iterations : int
        How often the centre moves.
    start : sequence of float, optional
        The first centre, for example the last round's answer; the coordinate-wise median by default.
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
        for _ in range(self.iterations):
            distances = distances_to(values, centre)
            shares = self.radius / np.maximum(distances, self.radius) / len(values)
            centre = centre + shares @ (values - centre)
        return Outcome(centre, scores=distances_to(values, centre))

    def _first_centre(self, values: FloatArray) -> NDArray[np.float64]:
        if self.start is None:
            return column_median(values)
        if len(self.start) != values.shape[1] or not np.isfinite(self.start).all():
            raise AggregationError(f"start is a finite vector of {values.shape[1]} values")
        return np.array(self.start)
