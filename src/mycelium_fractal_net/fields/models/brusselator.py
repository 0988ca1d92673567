"""The Brusselator of Prigogine and Lefever."""

from __future__ import annotations

from typing import Any

from mycelium_fractal_net.fields.models._base import kinetics

__all__ = ["brusselator"]


@kinetics(
    "brusselator",
    diffusion=(0.2, 1.6),
    steady_guess=(2.0, 1.75),
    activator_range=(0.0, 4.0),
    scales=((0.0, 5.0), (0.0, 3.0)),
    source="Prigogine and Lefever 1968, doi:10.1063/1.1668896",
    ranges={
        "rate": (0.02, 0.25),
        "feed": (1.5, 2.5),
        "control": (3.0, 4.5),
        "D_a": (0.1, 0.3),
        "D_h": (1.0, 2.5),
    },
)
def brusselator(a: Any, h: Any, rate: float = 0.1, feed: float = 2.0, control: float = 3.5) -> tuple[Any, Any]:
    """Autocatalytic reaction scheme of Prigogine and Lefever, below its Hopf bifurcation.

    ``f = rate (feed - (control + 1) a + a^2 h)``, ``g = rate (control a - a^2 h)``; steady state
    ``(feed, control / feed)``; Hopf at ``control = 1 + feed^2``.
    """
    autocatalysis = a * a * h
    return rate * (feed - (control + 1) * a + autocatalysis), rate * (control * a - autocatalysis)
