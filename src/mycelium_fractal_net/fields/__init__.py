"""The field engine: kinetics, stability, simulation, checkpoints."""

from mycelium_fractal_net._checks import available_cores
from mycelium_fractal_net.features.spectrum import measure_wavelength
from mycelium_fractal_net.fields.config import PRESETS, SimulationConfig
from mycelium_fractal_net.fields.models import (
    MORPHOLOGIES,
    Kinetics,
    Patches,
    get_kinetics,
    kinetics,
    list_kinetics,
    load_kinetics_file,
)
from mycelium_fractal_net.fields.morphology import MORPHOLOGY_NAMES, Morphology, PatternNumbers, classify_morphology
from mycelium_fractal_net.fields.regimes import REGIMES, Regime, regime
from mycelium_fractal_net.fields.result import Frame, SimulationResult
from mycelium_fractal_net.fields.runs import simulate, simulate_ensemble, simulate_history
from mycelium_fractal_net.fields.schedule import Change, Stimulus
from mycelium_fractal_net.fields.simulation import Simulation
from mycelium_fractal_net.fields.stability import LinearStability, linear_stability, steady_states
from mycelium_fractal_net.fields.wavelengths import Wavelength, Wavelengths, measure_wavelengths

__all__ = [
    "MORPHOLOGIES",
    "MORPHOLOGY_NAMES",
    "PRESETS",
    "REGIMES",
    "Change",
    "Frame",
    "Kinetics",
    "LinearStability",
    "Morphology",
    "Patches",
    "PatternNumbers",
    "Regime",
    "Simulation",
    "SimulationConfig",
    "SimulationResult",
    "Stimulus",
    "Wavelength",
    "Wavelengths",
    "available_cores",
    "classify_morphology",
    "get_kinetics",
    "kinetics",
    "linear_stability",
    "list_kinetics",
    "load_kinetics_file",
    "measure_wavelength",
    "measure_wavelengths",
    "regime",
    "simulate",
    "simulate_ensemble",
    "simulate_history",
    "steady_states",
]
