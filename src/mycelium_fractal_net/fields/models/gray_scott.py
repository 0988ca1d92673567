"""Gray and Scott's cubic autocatalysis in an open reactor."""

from __future__ import annotations

from typing import Any

from mycelium_fractal_net.fields.models._base import Patches, kinetics

__all__ = ["gray_scott"]


@kinetics(
    "gray-scott",
    diffusion=(0.08, 0.16),
    steady_guess=(0.0, 1.0),
    noise=0.0,
    patches=Patches(activator=0.25, inhibitor=0.5, size=6, share=0.08),
    activator_range=(0.0, 0.4),
    scales=((0.0, 0.4), (0.0, 1.0)),
    source="Gray and Scott 1984, doi:10.1016/0009-2509(84)87017-7; regimes: Pearson 1993, "
    "doi:10.1126/science.261.5118.189",
    ranges={
        "feed": (0.01, 0.08),
        "kill": (0.045, 0.07),
        "D_a": (0.04, 0.1),
        "D_h": (0.1, 0.2),
    },
)
def gray_scott(a: Any, h: Any, feed: float = 0.037, kill: float = 0.06) -> tuple[Any, Any]:
    """Cubic autocatalysis fed with its substrate (labyrinth from finite patches).

    ``f = a^2 h - (feed + kill) a``, ``g = -a^2 h + feed (1 - h)``. The rest state (0, 1) is linearly stable for
    every wavelength: patterns come from patches, not from noise.
    """
    autocatalysis = a * a * h
    return autocatalysis - (feed + kill) * a, feed * (1 - h) - autocatalysis
