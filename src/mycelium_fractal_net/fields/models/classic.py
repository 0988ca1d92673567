"""The parameters that circulate under this product's name, kept for comparison."""

from __future__ import annotations

from typing import Any

from mycelium_fractal_net.fields.models._base import kinetics

__all__ = ["classic"]


@kinetics(
    "classic",
    diffusion=(0.1, 0.05),
    steady_guess=(0.0, 0.0),
    start=(0.5, 0.5),
    source="Published implementations named MyceliumFractalNet; for why it cannot pattern see Turing 1952, "
    "doi:10.1098/rstb.1952.0012",
    ranges={
        "r_a": (0.005, 0.02),
        "r_h": (0.01, 0.05),
        "D_a": (0.05, 0.2),
        "D_h": (0.02, 0.2),
    },
)
def classic(a: Any, h: Any, r_a: float = 0.01, r_h: float = 0.02) -> tuple[Any, Any]:
    """Logistic activator whose inhibitor diffuses more slowly: it cannot form a pattern.

    ``f = r_a (a (1-a) - h)``, ``g = r_h (a - h)``. The only steady state is (0, 0).
    """
    return r_a * (a * (1 - a) - h), r_h * (a - h)
