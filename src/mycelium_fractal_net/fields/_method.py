"""How the equations become numbers: cells a unit of length, the stencil, the scheme of the pair and its substeps."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import NamedTuple

from mycelium_fractal_net.fields._bounds import substeps_for

__all__ = ["Method"]

_EXPONENTIAL_SUBSTEPS = 2


class Method(NamedTuple):
    """What a configuration says about accuracy in space and time.

    Attributes
    ----------
    stencil : int
        Points of the Laplacian: 5, or 9 whose error does not depend on the direction.
    resolution : int
        Cells along a unit of length, the unit in which diffusion coefficients are given.
    scheme : str
        "euler", "heun" or "exponential".
    least_substeps : int
        Least number of substeps of the pair in a step.
    """

    stencil: int = 5
    resolution: int = 1
    scheme: str = "euler"
    least_substeps: int = 1

    @property
    def plain(self) -> bool:
        """Whether one kernel does whole steps: explicit Euler with a cell a unit."""
        return self.resolution == 1 and self.scheme == "euler"

    def diffusion(self, values: Mapping[str, float]) -> tuple[float, float]:
        """Return both diffusion coefficients of the pair in cells^2 a step."""
        return values["D_a"] * self.resolution**2, values["D_h"] * self.resolution**2

    def on_lattice(self, values: Mapping[str, float]) -> dict[str, float]:
        """Return the pair's parameters with diffusion coefficients in cells^2 a step.

        Examples
        --------
        >>> Method(resolution=2).on_lattice({"D_a": 0.1, "D_h": 2.0, "bias": 0.0})
        {'D_a': 0.4, 'D_h': 8.0, 'bias': 0.0}
        """
        d_a, d_h = self.diffusion(values)
        return {**values, "D_a": d_a, "D_h": d_h}

    def explicit(self, values: Mapping[str, float]) -> dict[str, float]:
        """Return the parameters of what is explicit: without diffusion where the scheme is exact in it."""
        if self.scheme == "exponential":
            return {**values, "D_a": 0.0, "D_h": 0.0}
        return self.on_lattice(values)

    def substeps(self, values: Mapping[str, float]) -> int:
        """Return the substeps of the pair in a step.

        Examples
        --------
        >>> Method().substeps({"D_a": 0.1, "D_h": 2.0}), Method(resolution=2).substeps({"D_a": 0.1, "D_h": 2.0})
        (10, 40)
        """
        if self.scheme == "exponential":
            return max(self.least_substeps, _EXPONENTIAL_SUBSTEPS)
        return max(self.least_substeps, substeps_for(*self.diffusion(values)))

    def potential_substeps(self, alpha: float, leak: float) -> int:
        """Return the substeps of the potential in a step: one with a cell a unit, else as many as damp every mode.

        Examples
        --------
        >>> Method().potential_substeps(0.18, 0.1), Method(resolution=2).potential_substeps(0.18, 0.1)
        (1, 6)
        """
        if self.resolution == 1:
            return 1
        return max(1, math.ceil(8 * alpha * self.resolution**2 + leak))
