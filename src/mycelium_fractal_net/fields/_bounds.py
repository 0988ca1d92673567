"""How long an explicit step may be."""

from __future__ import annotations

import math
from functools import lru_cache

import numpy as np

from mycelium_fractal_net.errors import StabilityError
from mycelium_fractal_net.fields._dispersion import eigenvalues
from mycelium_fractal_net.fields.models import Kinetics
from mycelium_fractal_net.fields.stability import jacobian_at, steady_pair

__all__ = ["check_pair_stability", "check_potential_stability", "substeps_for"]


def substeps_for(d_a: float, d_h: float) -> int:
    """Return how many Euler substeps one step takes: ``ceil(max(D) / 0.2)``, at least one.

    Examples
    --------
    >>> substeps_for(0.1, 2.0)
    10
    """
    return max(1, math.ceil(max(d_a, d_h) / 0.2))


def check_potential_stability(alpha: float, leak: float) -> None:
    """Refuse a diffusion and a leak of the potential with which its explicit step is unstable.

    Raises
    ------
    StabilityError
        When ``8 alpha + leak`` exceeds 2.

    Examples
    --------
    >>> check_potential_stability(0.18, 0.1)
    """
    bound = 8 * alpha + leak
    if bound > 2:
        raise StabilityError(
            f"8 alpha + leak = {bound} with alpha = {alpha} and leak = {leak}, but the explicit "
            f"step is stable only up to 2: use alpha <= {(2 - leak) / 8}",
            field="alpha",
            value=alpha,
        )


def check_pair_stability(model: Kinetics, values: dict[str, float], substeps: int) -> None:
    """Refuse parameters for which the explicit substep amplifies a mode that the equations damp.

    For every eigenvalue of ``J - s D`` with the lattice symbol ``s`` in [0, 8] and negative real part, the substep
    ``dt`` must keep ``abs(1 + dt eigenvalue) <= 1``.

    Raises
    ------
    StabilityError
        With the bound and the value that breaks it.
    """
    _check_pair_stability(model, tuple(values.items()), substeps)


@lru_cache(maxsize=4096)
def _check_pair_stability(model: Kinetics, items: tuple[tuple[str, float], ...], substeps: int) -> None:
    values = dict(items)
    diffusion = values["D_a"], values["D_h"]
    jacobian = jacobian_at(model, values, np.array(steady_pair(model, values)))
    found = np.concatenate(eigenvalues(jacobian, diffusion, np.linspace(0.0, 8.0, 65)))
    damped = found[found.real < 0]
    if damped.size == 0:
        return
    needed = float(np.max(np.abs(damped) ** 2 / (-2 * damped.real)))
    if needed > substeps * (1 + 1e-9):
        raise StabilityError(
            f"kinetics {model.name!r} with {values} decays so fast that the explicit substep 1/{substeps} is unstable: "
            f"at most 1/{needed:.4g} is stable; lower the rate constants by a factor of {needed / substeps:.3g}, or "
            f"set least_substeps to {math.ceil(needed)}",
            field="kinetics_parameters",
            value=values,
        )
