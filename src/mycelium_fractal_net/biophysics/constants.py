"""Physical constants, from the values that the SI fixes exactly.

Since 2019 the Boltzmann constant, the elementary charge and the Avogadro constant have no uncertainty, so
the gas constant and the Faraday constant below are exact up to the rounding of one product. They equal those
of ``scipy.constants``, which a test shows; SciPy itself need not be imported for them.
"""

from __future__ import annotations

__all__ = [
    "AVOGADRO_PER_MOL",
    "BODY_TEMPERATURE_K",
    "BOLTZMANN_J_PER_K",
    "ELEMENTARY_CHARGE_C",
    "FARADAY_C_PER_MOL",
    "GAS_J_PER_MOL_K",
    "KELVIN_AT_ZERO_CELSIUS",
]

BOLTZMANN_J_PER_K = 1.380649e-23
ELEMENTARY_CHARGE_C = 1.602176634e-19
AVOGADRO_PER_MOL = 6.02214076e23
GAS_J_PER_MOL_K = AVOGADRO_PER_MOL * BOLTZMANN_J_PER_K
FARADAY_C_PER_MOL = AVOGADRO_PER_MOL * ELEMENTARY_CHARGE_C
KELVIN_AT_ZERO_CELSIUS = 273.15
BODY_TEMPERATURE_K = 310.15
