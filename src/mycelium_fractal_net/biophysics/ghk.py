"""The resting potential of a membrane that several ions cross: Goldman, Hodgkin and Katz."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from mycelium_fractal_net._checks import (
    FloatOrArray,
    as_float64,
    as_result,
    require,
    require_one_shape,
)
from mycelium_fractal_net.biophysics.constants import BODY_TEMPERATURE_K
from mycelium_fractal_net.biophysics.nernst import (
    checked_concentration,
    nernst_potential_mv,
    thermal_voltage_mv,
)
from mycelium_fractal_net.errors import InvalidInputError

__all__ = ["Ion", "ghk_potential_mv"]


@dataclass(frozen=True)
class Ion:
    """Describe one monovalent ion on both sides of a membrane.

    Parameters
    ----------
    valence : int
        Charge number, -1 or +1. The closed GHK equation holds for monovalent ions only.
    permeability : float or array
        Relative to any ion chosen as 1; at least 0.
    concentration_out_molar, concentration_in_molar : float or array
        In mol/L, at least 0; an ion that is missing on one side has no equilibrium of its own.
    symbol : str
        For display, for example ``"K+"``.

    Examples
    --------
    >>> potassium = Ion(1, 1.0, 5e-3, 140e-3, "K+")
    >>> round(potassium.nernst_potential_mv(), 2)
    -89.06
    """

    valence: int
    permeability: FloatOrArray
    concentration_out_molar: FloatOrArray
    concentration_in_molar: FloatOrArray
    symbol: str = ""

    def __post_init__(self) -> None:
        z = as_float64("valence", self.valence)
        require("valence", z, np.isin(z, (-1, 1)), "-1 or 1 (the GHK equation holds for monovalent ions)")
        if z.ndim:
            raise InvalidInputError(f"valence must be one number per ion; got an array of shape {z.shape}")
        permeability = as_float64("permeability", self.permeability)
        require(
            "permeability",
            permeability,
            np.isfinite(permeability) & (permeability >= 0),
            "finite and at least 0",
        )
        outside = checked_concentration("concentration_out_molar", self.concentration_out_molar, least=0.0)
        inside = checked_concentration("concentration_in_molar", self.concentration_in_molar, least=0.0)
        require_one_shape(permeability, outside, inside)

    def nernst_potential_mv(self, temperature_k: ArrayLike = BODY_TEMPERATURE_K) -> FloatOrArray:
        """Return the equilibrium potential of this ion alone, in mV; refuse a concentration of 0."""
        return nernst_potential_mv(
            self.valence, self.concentration_out_molar, self.concentration_in_molar, temperature_k
        )


def ghk_potential_mv(ions: Iterable[Ion], temperature_k: Any = BODY_TEMPERATURE_K) -> FloatOrArray:
    r"""Return the potential at which the ions' currents through a membrane add up to zero.

    .. math::

        V = \frac{R T}{F} \ln
        \frac{\sum_c P_c [C]_{out} + \sum_a P_a [A]_{in}}{\sum_c P_c [C]_{in} + \sum_a P_a [A]_{out}}

    with cations c and anions a.

    Parameters
    ----------
    ions : iterable of Ion
        At least one, and at least one with a permeability above 0.
    temperature_k : float or array
        Absolute temperature in K, 273 to 373.

    Returns
    -------
    float or array
        Inside minus outside, in mV; a float when everything is a scalar.

    Raises
    ------
    InvalidInputError
        If there is no permeable ion, or a number is outside its range.

    Notes
    -----
    Constant field, independent ions. An ion may be missing on one side, as long as cations outside or anions
    inside, and cations inside or anions outside, are left. With one permeable ion this is Nernst's equation. A
    membrane whose pumps carry current, a fungal one for example, lies below this value.

    References
    ----------
    D. E. Goldman, J. Gen. Physiol. 27 (1943) 37. https://doi.org/10.1085/jgp.27.1.37
    A. L. Hodgkin and B. Katz, J. Physiol. 108 (1949) 37. https://doi.org/10.1113/jphysiol.1949.sp004310

    Examples
    --------
    >>> neuron = [
    ...     Ion(1, 1.0, 5e-3, 140e-3),
    ...     Ion(1, 0.0486, 145e-3, 12e-3),
    ...     Ion(-1, 0.45, 110e-3, 4e-3),
    ... ]
    >>> round(ghk_potential_mv(neuron), 1)
    -70.0
    """
    members = _checked_members(ions)
    scale = thermal_voltage_mv(temperature_k)
    numerator, denominator = _totals(members)
    require_one_shape(scale, numerator)
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        potential = np.asarray(scale * (np.log(numerator) - np.log(denominator)))
    if not np.isfinite(potential).all():
        raise InvalidInputError(
            "permeable ions must be present on both sides (cations outside or anions inside, and cations inside or "
            f"anions outside), and permeability times concentration must stay within float64; got totals {numerator} "
            f"and {denominator}"
        )
    return as_result(potential)


def _checked_members(ions: Iterable[Ion]) -> tuple[Ion, ...]:
    try:
        members = tuple(ions)
    except TypeError:
        raise InvalidInputError(f"ions must be a sequence of Ion; got {type(ions).__name__}") from None
    if not members:
        raise InvalidInputError("ions must hold at least one Ion; got none")
    for member in members:
        if not isinstance(member, Ion):
            raise InvalidInputError(f"ions must be a sequence of Ion; it holds a {type(member).__name__}")
    return members


def _totals(members: tuple[Ion, ...]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    with np.errstate(over="ignore", under="ignore"):
        sides = [_weighted_sides(member) for member in members]
        require_one_shape(*(side for pair in sides for side in pair))
        return np.asarray(sum(upper for upper, _ in sides)), np.asarray(sum(lower for _, lower in sides))


def _weighted_sides(ion: Ion) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return P[X] on the side that the numerator takes, and on the other."""
    permeability = as_float64("permeability", ion.permeability)
    outside = permeability * as_float64("concentration_out_molar", ion.concentration_out_molar)
    inside = permeability * as_float64("concentration_in_molar", ion.concentration_in_molar)
    return (outside, inside) if ion.valence > 0 else (inside, outside)
