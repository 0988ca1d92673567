"""Gierer and Meinhardt's activator and inhibitor."""

from __future__ import annotations

from typing import Any

from mycelium_fractal_net.fields.models._base import kinetics

__all__ = ["gierer_meinhardt"]


@kinetics(
    "gierer-meinhardt",
    diffusion=(0.05, 2.0),
    steady_guess=(1.1, 1.2),
    activator_range=(0.0, 3.0),
    scales=((0.0, 5.0), (0.0, 3.0)),
    source="Gierer and Meinhardt 1972, doi:10.1007/BF00289234",
    ranges={
        "rate": (0.02, 0.5),
        "decay_h": (1.05, 1.5),
        "basal": (0.05, 0.2),
        "saturation": (0.0, 0.05),
        "D_a": (0.02, 0.1),
        "D_h": (1.0, 4.0),
    },
)
def gierer_meinhardt(
    a: Any,
    h: Any,
    rate: float = 0.1,
    decay_h: float = 1.2,
    basal: float = 0.1,
    saturation: float = 0.02,
) -> tuple[Any, Any]:
    """Autocatalytic activator with a saturating production and an antagonist (peaks).

    ``f = rate (a^2 / (h (1 + saturation a^2)) - a + basal)``, ``g = rate (a^2 - decay_h h)``.
    """
    square = a * a
    return rate * (square / (h * (1 + saturation * square)) - a + basal), rate * (square - decay_h * h)
