"""The equilibrium potential of one ion: Nernst's equation."""

from __future__ import annotations

import math
from functools import reduce
from operator import or_
from typing import Any, overload

import numpy as np
from numpy.typing import ArrayLike, NDArray

from mycelium_fractal_net._checks import (
    FloatOrArray,
    as_float64,
    as_result,
    require,
    require_one_shape,
)
from mycelium_fractal_net.biophysics.constants import BODY_TEMPERATURE_K, FARADAY_C_PER_MOL, GAS_J_PER_MOL_K

__all__ = [
    "ALLOWED_VALENCES",
    "TEMPERATURE_RANGE_K",
    "checked_concentration",
    "checked_temperature",
    "nernst_potential_mv",
    "thermal_voltage_mv",
]

ALLOWED_VALENCES = (-2, -1, 1, 2, 3)
TEMPERATURE_RANGE_K = (273.0, 373.0)


@overload
def nernst_potential_mv(
    valence: float,
    concentration_out_molar: float,
    concentration_in_molar: float,
    temperature_k: float = ...,
) -> float: ...
@overload
def nernst_potential_mv(
    valence: ArrayLike,
    concentration_out_molar: ArrayLike,
    concentration_in_molar: ArrayLike,
    temperature_k: ArrayLike = ...,
) -> FloatOrArray: ...
def nernst_potential_mv(
    valence: Any,
    concentration_out_molar: Any,
    concentration_in_molar: Any,
    temperature_k: Any = BODY_TEMPERATURE_K,
) -> FloatOrArray:
    r"""Return the potential at which one ion is in equilibrium across a membrane.

    .. math:: E = \frac{R T}{z F} \ln \frac{[X]_{out}}{[X]_{in}}

    Parameters
    ----------
    valence : int or array
        Charge number z; one of -2, -1, 1, 2, 3 (Al, La, Gd).
    concentration_out_molar, concentration_in_molar : float or array
        Concentrations in mol/L, greater than 0. They are never clamped: free calcium at 1e-7 mol/L is
        physiological.
    temperature_k : float or array
        Absolute temperature in K, 273 to 373.

    Returns
    -------
    float or array
        Inside minus outside, in mV. A float when every argument is a scalar, else an array of the broadcast
        shape.

    Raises
    ------
    InvalidInputError
        For anything else; the message names the parameter, its range and the value.

    Notes
    -----
    Concentrations stand for activities. Exchanging the two sides changes the sign and nothing else, to the
    bit.

    References
    ----------
    W. Nernst, "Zur Kinetik der in Lösung befindlichen Körper", Z. Phys. Chem. 2U (1888) 613.
    https://doi.org/10.1515/zpch-1888-0274

    Examples
    --------
    >>> round(nernst_potential_mv(1, 5e-3, 140e-3), 2)
    -89.06
    >>> round(nernst_potential_mv(2, 2e-3, 1e-7), 2)
    132.34
    """
    if type(concentration_out_molar) is type(concentration_in_molar) is type(temperature_k) is float:
        usable = 0 < concentration_out_molar < math.inf and 0 < concentration_in_molar < math.inf
        low, high = TEMPERATURE_RANGE_K
        if usable and low <= temperature_k <= high and type(valence) is int and valence in ALLOWED_VALENCES:
            return _one_potential_mv(valence, concentration_out_molar, concentration_in_molar, temperature_k)
    z = _checked_valence(valence)
    outside = checked_concentration("concentration_out_molar", concentration_out_molar)
    inside = checked_concentration("concentration_in_molar", concentration_in_molar)
    scale = thermal_voltage_mv(temperature_k)
    require_one_shape(z, outside, inside, scale)
    potential = scale / z * (np.log(outside) - np.log(inside))
    return as_result(np.asarray(potential))


def _one_potential_mv(valence: int, outside: float, inside: float, temperature_k: float) -> float:
    """Return the potential of four plain numbers that were checked; the same operations as for arrays, to the bit."""
    scale = 1e3 * GAS_J_PER_MOL_K * temperature_k / FARADAY_C_PER_MOL
    return float(scale / valence * (np.log(outside) - np.log(inside)))


def thermal_voltage_mv(temperature_k: Any) -> NDArray[np.float64]:
    """Return R T / F in mV, about 26.7 mV at body temperature.

    Examples
    --------
    >>> round(float(thermal_voltage_mv(310.15)), 3)
    26.727
    """
    return 1e3 * GAS_J_PER_MOL_K * checked_temperature(temperature_k) / FARADAY_C_PER_MOL


def checked_temperature(temperature_k: Any) -> NDArray[np.float64]:
    """Return the temperature as float64; refuse what lies outside 273 to 373 K."""
    temperature = as_float64("temperature_k", temperature_k)
    low, high = TEMPERATURE_RANGE_K
    inside = (temperature >= low) & (temperature <= high)
    require("temperature_k", temperature, inside, f"between {low:g} and {high:g} K")
    return temperature


def checked_concentration(name: str, value: Any, least: float | None = None) -> NDArray[np.float64]:
    """Return a concentration as float64; refuse what is not finite, or not positive, or below ``least`` if given."""
    concentration = as_float64(name, value)
    high_enough = concentration > 0 if least is None else concentration >= least
    expected = "greater than 0" if least is None else f"at least {least:g}"
    require(name, concentration, np.isfinite(concentration) & high_enough, f"finite and {expected} mol/L")
    return concentration


def _checked_valence(valence: Any) -> NDArray[np.float64]:
    z = as_float64("valence", valence)
    require("valence", z, reduce(or_, (z == allowed for allowed in ALLOWED_VALENCES)), "-2, -1, 1, 2 or 3")
    return z
