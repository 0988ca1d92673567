"""Lyapunov exponents of maps, flows and fields."""

from mycelium_fractal_net.dynamics.field import lyapunov_exponent, most_lyapunov_steps
from mycelium_fractal_net.dynamics.flows import lyapunov_spectrum_flow
from mycelium_fractal_net.dynamics.maps import kaplan_yorke_dimension, lyapunov_spectrum
from mycelium_fractal_net.dynamics.systems import DynamicalSystem, get_system, list_systems

__all__ = [
    "DynamicalSystem",
    "get_system",
    "kaplan_yorke_dimension",
    "list_systems",
    "lyapunov_exponent",
    "lyapunov_spectrum",
    "lyapunov_spectrum_flow",
    "most_lyapunov_steps",
]
