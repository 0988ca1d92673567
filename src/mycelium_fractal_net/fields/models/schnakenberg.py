"""Schnakenberg's trimolecular kinetics."""

from __future__ import annotations

from typing import Any

from mycelium_fractal_net.fields.models._base import kinetics

__all__ = ["schnakenberg"]


@kinetics(
    "schnakenberg",
    diffusion=(0.05, 2.0),
    steady_guess=(1.0, 0.9),
    activator_range=(0.0, 2.0),
    scales=((0.0, 5.0), (0.0, 1.0)),
    source="Schnakenberg 1979, doi:10.1016/0022-5193(79)90042-0",
    ranges={
        "rate": (0.02, 0.3),
        "feed_a": (0.07, 0.2),
        "feed_h": (0.7, 1.3),
        "D_a": (0.02, 0.1),
        "D_h": (1.0, 4.0),
    },
)
def schnakenberg(a: Any, h: Any, rate: float = 0.1, feed_a: float = 0.1, feed_h: float = 0.9) -> tuple[Any, Any]:
    """Trimolecular autocatalysis that consumes a substrate (spots).

    ``f = rate (feed_a - a + a^2 h)``, ``g = rate (feed_h - a^2 h)``; steady state
    ``(feed_a + feed_h, feed_h / (feed_a + feed_h)^2)``.
    """
    autocatalysis = a * a * h
    return rate * (feed_a - a + autocatalysis), rate * (feed_h - autocatalysis)
