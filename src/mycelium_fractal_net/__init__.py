"""MyceliumFractalNet: parameters become a field, the field becomes numbers somebody can use.

The names below load on first use, so that importing the package stays quick.

>>> import mycelium_fractal_net as mfn
>>> mfn.FEATURE_NAMES[0]
'D_box'
"""

from __future__ import annotations

from importlib import import_module
from typing import Any

from mycelium_fractal_net._version import __version__

_ROOMS: dict[str, tuple[str, ...]] = {
    "biophysics": (
        "Ion",
        "ghk_potential_mv",
        "ion_preset",
        "nernst_potential_mv",
        "stdp_weight_update",
    ),
    "dynamics": ("lyapunov_exponent", "lyapunov_spectrum"),
    "errors": (
        "AggregationError",
        "CancelledError",
        "CheckpointError",
        "ConfigurationError",
        "DivergedError",
        "InvalidInputError",
        "MFNError",
        "MissingExtraError",
        "StabilityError",
    ),
    "features": (
        "FEATURE_NAMES",
        "FEATURE_UNITS",
        "FeatureConfig",
        "FeatureVector",
        "FieldFeatureExtractor",
        "extract_features",
    ),
    "fields": (
        "Frame",
        "Simulation",
        "SimulationConfig",
        "SimulationResult",
        "get_kinetics",
        "kinetics",
        "linear_stability",
        "list_kinetics",
        "measure_wavelength",
        "simulate",
        "simulate_ensemble",
        "simulate_history",
    ),
    "fractals": (
        "BoxCounting",
        "IFS",
        "box_counting_dimension",
        "generate_ifs",
        "generalised_dimensions",
        "lacunarity",
    ),
    "datasets": ("generate_dataset",),
    "validation": ("validate",),
}
_HOME = {name: room for room, names in _ROOMS.items() for name in names}

__all__ = ["__version__", *sorted(_HOME)]


def __getattr__(name: str) -> Any:
    room = _HOME.get(name)
    if room is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(f"{__name__}.{room}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
