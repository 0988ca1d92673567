"""Checks of the membrane's formulas."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from decimal import Decimal, localcontext

from mycelium_fractal_net.biophysics import Ion, ghk_potential_mv, nernst_potential_mv
from mycelium_fractal_net.validation.report import Check

__all__ = ["exact_nernst_mv", "membrane_checks"]

# Exact by the definition of the SI (2019).
_BOLTZMANN = Decimal("1.380649e-23")
_ELEMENTARY_CHARGE = Decimal("1.602176634e-19")


def exact_nernst_mv(valence: int, outside: str, inside: str, temperature_k: str) -> Decimal:
    """Return ``k T / (z e) ln(out / in)`` in mV with 50 digits, from decimal texts."""
    with localcontext() as context:
        context.prec = 50
        ratio = Decimal(outside) / Decimal(inside)
        return 1000 * _BOLTZMANN * Decimal(temperature_k) / (valence * _ELEMENTARY_CHARGE) * ratio.ln()


def membrane_checks(cancel: threading.Event | None = None) -> Iterator[Check]:  # noqa: ARG001 # every group's form
    """Yield the checks of Nernst's and of Goldman, Hodgkin and Katz's equations."""
    cases = (("potassium", 1, "0.005", "0.14"), ("calcium", 2, "0.0018", "1e-7"), ("chloride", -1, "0.11", "0.004"))
    for name, valence, outside, inside in cases:
        exact = float(exact_nernst_mv(valence, outside, inside, "310.15"))
        alone = nernst_potential_mv(valence, float(outside), float(inside))
        both = (alone, float(nernst_potential_mv([valence], [float(outside)], [float(inside)])[0]))
        got = max(both, key=lambda found: abs(found - exact))  # numbers and arrays have code of their own
        yield Check.number(f"Nernst, {name}, in mV", exact, got, 1e-9, "exact formula, 50 digits, SI constants")
    squid = float(nernst_potential_mv(1, 0.020, 0.400, 291.45))
    yield Check.number(
        "Nernst, potassium of the squid axon at 18.3 C, in mV", -75.0, squid, 1.0,
        "Hodgkin and Huxley 1952, doi:10.1113/jphysiol.1952.sp004764: about -75 mV",
    )  # fmt: skip
    ions = [Ion(1, 1.0, 0.005, 0.14), Ion(1, 0.0486, 0.145, 0.012), Ion(-1, 0.45, 0.11, 0.004)]
    yield Check.number(
        "GHK, mammalian neuron, in mV", -70.0, float(ghk_potential_mv(ions)), 0.05,
        "Goldman 1943, doi:10.1085/jgp.27.1.37; permeabilities 1 : 0.0486 : 0.45",
    )  # fmt: skip
    alone = float(ghk_potential_mv([Ion(1, 1.0, 0.005, 0.14)]))
    exact = float(exact_nernst_mv(1, "0.005", "0.14", "310.15"))
    yield Check.number("GHK of one ion is Nernst, in mV", exact, alone, 1e-9, "limit of the equation")
