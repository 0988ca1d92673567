"""The checks that need no kernel, and so no compiler: what an operator runs first."""

from __future__ import annotations

import math
import threading
from collections.abc import Iterator

from mycelium_fractal_net.features import FEATURE_NAMES
from mycelium_fractal_net.fields import get_kinetics
from mycelium_fractal_net.fields.stability import steady_pair
from mycelium_fractal_net.fractals import similarity_dimension
from mycelium_fractal_net.validation._membrane import membrane_checks
from mycelium_fractal_net.validation._numbers import exponent_checks
from mycelium_fractal_net.validation.report import Check

__all__ = ["quick_checks"]


def quick_checks(cancel: threading.Event | None = None) -> tuple[Check, ...]:
    """Return the scientific checks that run in seconds on a machine that has compiled nothing yet.

    Examples
    --------
    >>> all(check.passed for check in quick_checks())
    True
    """
    return (*membrane_checks(cancel), *exponent_checks(cancel), *_closed_forms())


def _closed_forms() -> Iterator[Check]:
    carpet = similarity_dimension([1 / 3] * 8)
    yield Check.number("similarity dimension of the carpet", math.log(8, 3), carpet, 1e-12, "Moran's equation")
    model = get_kinetics("schnakenberg")
    values = model.complete({})
    steady = steady_pair(model, values)
    rest = max(abs(rate) for rate in model.rates(*steady, **{name: values[name] for name in model.rate_names}))
    yield Check.number("rates at the steady state of Schnakenberg", 0.0, float(rest), 1e-9, "definition")
    yield Check.number("features", 18.0, float(len(FEATURE_NAMES)), 0.0, "the contract")
