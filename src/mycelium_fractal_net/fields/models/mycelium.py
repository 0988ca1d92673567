"""The default kinetics: a cubic activator with a linear inhibitor in the Turing regime."""

from __future__ import annotations

from typing import Any

from mycelium_fractal_net.fields.models._base import kinetics

__all__ = ["MORPHOLOGIES", "mycelium"]

MORPHOLOGIES = {"spots": -0.05, "labyrinth": 0.0, "net": 0.04}
"""Value of ``bias`` that makes each morphology."""


@kinetics(
    "mycelium",
    diffusion=(0.1, 2.0),
    steady_guess=(0.5, 0.5),
    start=(0.5, 0.5),
    source="FitzHugh-Nagumo family: FitzHugh 1961, doi:10.1016/S0006-3495(61)86902-6; diffusion-driven "
    "instability: Turing 1952, doi:10.1098/rstb.1952.0012",
    ranges={
        "r_a": (0.1, 0.35),
        "beta": (1.05, 1.5),
        "bias": (-0.1, 0.1),
        "r_h": (0.3, 1.5),
        "D_a": (0.05, 0.2),
        "D_h": (1.0, 4.0),
    },
)
def mycelium(
    a: Any, h: Any, r_a: float = 0.25, beta: float = 1.1, bias: float = 0.0, r_h: float = 0.375
) -> tuple[Any, Any]:
    """Cubic activator, linear inhibitor (FitzHugh-Nagumo family, Turing regime).

    ``f = r_a [4 a (1-a)(a - 1/2) - beta (h - 1/2) + bias]``, ``g = r_h (a - h)``. A model in that family, not
    measured fungal biochemistry. ``bias`` picks the morphology: -0.05 spots, 0 labyrinth, +0.04 a connected net.
    """
    f = r_a * (4 * a * (1 - a) * (a - 0.5) - beta * (h - 0.5) + bias)
    g = r_h * (a - h)
    return f, g
