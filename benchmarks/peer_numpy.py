"""The model in NumPy with ``roll``, as one would write it in an afternoon: periodic, default kinetics, no events."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

import mycelium_fractal_net as mfn


def laplacian(x: NDArray[Any]) -> NDArray[Any]:
    """Return the 5-point Laplacian."""
    return np.roll(x, 1, 0) + np.roll(x, -1, 0) + np.roll(x, 1, 1) + np.roll(x, -1, 1) - 4 * x


class NumpyPeer:
    """The fields of a simulation under NumPy."""

    def __init__(self, simulation: mfn.Simulation) -> None:
        self.config = simulation.config
        self.state = (simulation.activator, simulation.inhibitor, simulation.field_mv)

    def advance(self, steps: int) -> None:
        """Advance by some steps."""
        config, p = self.config, self.config.complete_parameters
        dt = 1.0 / config.substeps
        a, h, v = self.state
        for _ in range(steps):
            for _ in range(config.substeps):
                f = p["r_a"] * (4 * a * (1 - a) * (a - 0.5) - p["beta"] * (h - 0.5) + p["bias"])
                g = p["r_h"] * (a - h)
                a, h = a + dt * (p["D_a"] * laplacian(a) + f), h + dt * (p["D_h"] * laplacian(h) + g)
            v = v + config.alpha * laplacian(v) + config.leak * (config.rest_potential_mv - v)
            v = np.clip(v + config.turing_drive_mv * (a > config.activator_threshold), *config.clamp_mv)
        self.state = (a, h, v)
