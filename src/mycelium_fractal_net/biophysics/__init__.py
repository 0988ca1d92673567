"""Closed formulas of membranes and synapses: Nernst, Goldman-Hodgkin-Katz, STDP."""

from mycelium_fractal_net.biophysics.ghk import Ion, ghk_potential_mv
from mycelium_fractal_net.biophysics.nernst import nernst_potential_mv, thermal_voltage_mv
from mycelium_fractal_net.biophysics.presets import IonPreset, ion_preset, list_ion_presets
from mycelium_fractal_net.biophysics.stdp import STDPRule, stdp_weight_update, stdp_window

__all__ = [
    "Ion",
    "IonPreset",
    "STDPRule",
    "ghk_potential_mv",
    "ion_preset",
    "list_ion_presets",
    "nernst_potential_mv",
    "stdp_weight_update",
    "stdp_window",
    "thermal_voltage_mv",
]
