"""Ion concentrations and permeabilities of cells that people have measured."""

from __future__ import annotations

from dataclasses import dataclass

from mycelium_fractal_net._checks import as_choice
from mycelium_fractal_net.biophysics.constants import BODY_TEMPERATURE_K
from mycelium_fractal_net.biophysics.ghk import Ion, ghk_potential_mv

__all__ = ["IonPreset", "ion_preset", "list_ion_presets"]


@dataclass(frozen=True)
class IonPreset:
    """Hold the ions of one kind of cell, and where the numbers come from.

    Parameters
    ----------
    name : str
    ions : tuple of Ion
    temperature_k : float
        Temperature to which the numbers belong, in K.
    measured_potential_mv : float
        What electrodes read in that cell, in mV.
    source : str
        The literature, and what in the preset is a choice of this package.

    Examples
    --------
    >>> neuron = ion_preset("mammalian-neuron")
    >>> round(neuron.ghk_potential_mv(), 1), neuron.measured_potential_mv
    (-70.0, -70.0)
    """

    name: str
    ions: tuple[Ion, ...]
    temperature_k: float
    measured_potential_mv: float
    source: str

    def ghk_potential_mv(self) -> float:
        """Return the potential that passive permeation alone gives, in mV."""
        return float(ghk_potential_mv(self.ions, self.temperature_k))


_MAMMALIAN_NEURON = IonPreset(
    name="mammalian-neuron",
    ions=(
        Ion(1, 1.0, 5e-3, 140e-3, "K+"),
        Ion(1, 0.0486, 145e-3, 12e-3, "Na+"),
        Ion(-1, 0.45, 110e-3, 4e-3, "Cl-"),
    ),
    temperature_k=BODY_TEMPERATURE_K,
    measured_potential_mv=-70.0,
    source=(
        "Concentrations typical of mammalian neurons: B. Hille, Ion Channels of Excitable Membranes, 3rd "
        "ed., Sinauer 2001, chapter 1. P_K : P_Cl = 1 : 0.45 after Hodgkin and Katz, J. Physiol. 108 (1949) "
        "37, https://doi.org/10.1113/jphysiol.1949.sp004310; P_Na = 0.0486 is chosen so that the membrane "
        "rests at -70 mV."
    ),
)

_SQUID_AXON = IonPreset(
    name="squid-axon",
    ions=(
        Ion(1, 1.0, 20e-3, 400e-3, "K+"),
        Ion(1, 0.04, 440e-3, 50e-3, "Na+"),
        Ion(-1, 0.45, 560e-3, 52e-3, "Cl-"),
    ),
    temperature_k=291.15,
    measured_potential_mv=-60.0,
    source=(
        "Concentrations of axoplasm and blood: A. L. Hodgkin, The Conduction of the Nervous Impulse, "
        "Liverpool University Press 1964. Permeabilities at rest, 1 : 0.04 : 0.45 at 18 degrees Celsius: "
        "Hodgkin and Katz, J. Physiol. 108 (1949) 37, https://doi.org/10.1113/jphysiol.1949.sp004310."
    ),
)

_NEUROSPORA = IonPreset(
    name="neurospora",
    ions=(
        Ion(1, 1.0, 37e-3, 180e-3, "K+"),
        Ion(1, 0.2, 25e-3, 14e-3, "Na+"),
    ),
    temperature_k=298.15,
    measured_potential_mv=-180.0,
    source=(
        "Concentrations in growing mycelium and its medium: C. W. Slayman and E. L. Tatum, Biochim. Biophys. "
        "Acta 88 (1964) 578. Resting potential near -180 mV: C. L. Slayman, W. S. Long and D. Gradmann, "
        "Biochim. Biophys. Acta 426 (1976) 732, https://doi.org/10.1016/0005-2736(76)90138-3. P_Na = 0.2 is "
        "a choice: permeation explains little here, an electrogenic proton pump carries the membrane to "
        "-160 to -240 mV (C. L. Slayman and D. Gradmann, Biophys. J. 15 (1975) 968)."
    ),
)

_PRESETS = {preset.name: preset for preset in (_MAMMALIAN_NEURON, _NEUROSPORA, _SQUID_AXON)}


def list_ion_presets() -> tuple[str, ...]:
    """Return the names of the presets, in alphabetical order.

    Examples
    --------
    >>> list_ion_presets()
    ('mammalian-neuron', 'neurospora', 'squid-axon')
    """
    return tuple(sorted(_PRESETS))


def ion_preset(name: str) -> IonPreset:
    """Return the ions of one kind of cell.

    Parameters
    ----------
    name : str
        One of :func:`list_ion_presets`.

    Raises
    ------
    InvalidInputError
        For any other name.

    Examples
    --------
    >>> [ion.symbol for ion in ion_preset("squid-axon").ions]
    ['K+', 'Na+', 'Cl-']
    """
    return _PRESETS[as_choice("ion preset", name, list_ion_presets())]
