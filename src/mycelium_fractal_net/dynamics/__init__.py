"""Lyapunov exponents of maps, flows and fields."""

from mycelium_fractal_net.dynamics._estimate import LyapunovEstimate, with_error
from mycelium_fractal_net.dynamics.field import estimate_exponent, lyapunov_exponent, most_lyapunov_steps
from mycelium_fractal_net.dynamics.flows import estimate_spectrum_flow, lyapunov_spectrum_flow
from mycelium_fractal_net.dynamics.maps import (
    dimension_error,
    estimate_spectrum,
    kaplan_yorke_dimension,
    lyapunov_spectrum,
)
from mycelium_fractal_net.dynamics.systems import DynamicalSystem, get_system, list_systems

__all__ = [
    "DynamicalSystem",
    "LyapunovEstimate",
    "dimension_error",
    "estimate_exponent",
    "estimate_spectrum",
    "estimate_spectrum_flow",
    "get_system",
    "kaplan_yorke_dimension",
    "list_systems",
    "lyapunov_exponent",
    "lyapunov_spectrum",
    "lyapunov_spectrum_flow",
    "most_lyapunov_steps",
    "with_error",
]
