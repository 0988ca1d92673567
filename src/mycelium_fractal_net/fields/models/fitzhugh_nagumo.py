"""FitzHugh-Nagumo kinetics in the excitable regime."""

from __future__ import annotations

from typing import Any

from mycelium_fractal_net.fields.models._base import Patches, kinetics

__all__ = ["fitzhugh_nagumo"]


@kinetics(
    "fitzhugh-nagumo",
    diffusion=(0.6, 0.0),
    steady_guess=(0.0, 0.0),
    noise=0.0,
    patches=Patches(activator=1.0, inhibitor=1.0, size=12, share=0.12, together=False),
    source="FitzHugh 1961, doi:10.1016/S0006-3495(61)86902-6; form of Rogers and McCulloch 1994, "
    "doi:10.1109/10.310090; parameters used for mycelium: Adamatzky et al. 2020, "
    "doi:10.1016/j.biosystems.2020.104138",
    ranges={
        "c_1": (0.15, 0.5),
        "c_2": (0.05, 0.2),
        "excitation": (0.05, 0.2),
        "recovery": (0.005, 0.03),
        "D_a": (0.2, 1.0),
        "D_h": (0.0, 0.2),
    },
)
def fitzhugh_nagumo(
    a: Any, h: Any, c_1: float = 0.26, c_2: float = 0.1, excitation: float = 0.13, recovery: float = 0.013
) -> tuple[Any, Any]:
    """Excitable medium: travelling spikes, no stationary pattern.

    ``f = c_1 a (a - excitation)(1 - a) - c_2 a h``, ``g = recovery (a - h)``; rest state (0, 0).
    """
    return c_1 * a * (a - excitation) * (1 - a) - c_2 * a * h, recovery * (a - h)
