"""Reaction kinetics, one model per file; importing this package registers them."""

from mycelium_fractal_net.fields.models._base import (
    Kinetics,
    Patches,
    Rates,
    get_kinetics,
    kinetics,
    list_kinetics,
)
from mycelium_fractal_net.fields.models._file import load_kinetics_file
from mycelium_fractal_net.fields.models.brusselator import brusselator
from mycelium_fractal_net.fields.models.classic import classic
from mycelium_fractal_net.fields.models.fitzhugh_nagumo import fitzhugh_nagumo
from mycelium_fractal_net.fields.models.gierer_meinhardt import gierer_meinhardt
from mycelium_fractal_net.fields.models.gray_scott import gray_scott
from mycelium_fractal_net.fields.models.mycelium import MORPHOLOGIES, mycelium
from mycelium_fractal_net.fields.models.schnakenberg import schnakenberg

__all__ = [
    "MORPHOLOGIES",
    "Kinetics",
    "Patches",
    "Rates",
    "brusselator",
    "classic",
    "fitzhugh_nagumo",
    "get_kinetics",
    "gierer_meinhardt",
    "gray_scott",
    "kinetics",
    "list_kinetics",
    "load_kinetics_file",
    "mycelium",
    "schnakenberg",
]
