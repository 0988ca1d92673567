"""Regimes with a name: parameters, start and steps that show what a paper describes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from mycelium_fractal_net.errors import InvalidInputError
from mycelium_fractal_net.fields.config import SimulationConfig
from mycelium_fractal_net.fields.models import MORPHOLOGIES, get_kinetics

__all__ = ["REGIMES", "Regime", "regime"]

_PEARSON = "Pearson 1993, doi:10.1126/science.261.5118.189, a point within his class"
_BRUSSELATOR = "Peña and Pérez-García 2001, doi:10.1103/PhysRevE.64.056213"
_SCHNAKENBERG = "Uecker and Wetzel 2014, doi:10.1137/130918484"
# The published D_u = 2 D_v = 2e-5 on cells of 2.5 / 256, in cells^2 and unit time.
_PEARSON_DIFFUSION = {"D_a": 0.105, "D_h": 0.21}


@dataclass(frozen=True)
class Regime:
    """A point in the space of parameters, and what to see there.

    Parameters
    ----------
    name : str
        Name for ``mfn simulate --regime``.
    settings : mapping
        Fields of ``SimulationConfig``; the steps suffice to see it.
    look_for : str
        What the activator shows.
    moving : bool
        Whether it goes on for ever, or comes to rest.
    source : str
        Who described it.
    morphology : str, optional
        What :func:`classify_morphology` calls it; None for a mixture of two forms.
    """

    name: str
    settings: Mapping[str, Any]
    look_for: str
    moving: bool
    source: str
    morphology: str | None = None


def _pearson(letter: str, feed: float, kill: float, look_for: str, morphology: str | None) -> Regime:
    parameters = {"feed": feed, "kill": kill, **_PEARSON_DIFFUSION}
    settings = {"kinetics": "gray-scott", "kinetics_parameters": parameters, "grid_size": 128, "steps": 6000}
    moving = morphology == "moving"
    return Regime(f"pearson-{letter}", MappingProxyType(settings), look_for, moving, _PEARSON, morphology)


def _turing(
    name: str, morphology: str, look_for: str, steps: int, source: str | None = None, **parameters: float
) -> Regime:
    kinetics = name.rpartition("-")[0]
    settings: dict[str, Any] = {
        "kinetics": kinetics,
        "kinetics_parameters": parameters,
        "grid_size": 96,
        "steps": steps,
    }
    if kinetics == "brusselator" and parameters:
        settings["least_substeps"] = 16  # its peaks react faster than the steady state
    return Regime(
        name, MappingProxyType(settings), look_for, False, source or get_kinetics(kinetics).source, morphology
    )


def _excitable(name: str, start: str, look_for: str, steps: int) -> Regime:
    settings = {"kinetics": "fitzhugh-nagumo", "start": start, "boundary": "neumann", "grid_size": 128, "steps": steps}
    return Regime(name, MappingProxyType(settings), look_for, True, get_kinetics("fitzhugh-nagumo").source, "moving")


_ALL = (
    _pearson("alpha", 0.012, 0.050, "wavelets and fledgling spirals that annihilate each other", "moving"),
    _pearson("beta", 0.026, 0.051, "waves of low contrast that fill the plane and never rest", "moving"),
    _pearson("gamma", 0.022, 0.051, "worms that shift without end", "moving"),
    _pearson("delta", 0.030, 0.055, "holes in hexagons, with dislocations", "holes"),
    _pearson("epsilon", 0.018, 0.055, "rings and spots that divide and die", "moving"),
    _pearson("zeta", 0.026, 0.059, "spots and short stripes that divide and overcrowd", "moving"),
    _pearson("eta", 0.034, 0.062, "spots and worms that come to rest slowly", None),
    _pearson("theta", 0.030, 0.057, "stripes that branch, and holes", "stripes"),
    _pearson("iota", 0.046, 0.0594, "holes on a filled plane", "holes"),
    _pearson("kappa", 0.050, 0.063, "a labyrinth of stripes", "stripes"),
    _pearson("lambda", 0.034, 0.065, "spots that divide until the plane is full", "spots"),
    _pearson("mu", 0.046, 0.065, "worms that grow from their ends, and spots", None),
    _turing("schnakenberg-spots", "spots", "spots in hexagons", 1500),
    # Their form, with one feed lambda: lambda 2.8 below the threshold of 3.21, D_h = 60 D_a.
    _turing(
        "schnakenberg-stripes", "stripes", "stripes", 2500, _SCHNAKENBERG, feed_a=0.0, feed_h=2.8, D_a=0.1, D_h=6.0
    ),
    _turing("brusselator-hexagons", "spots", "spots in hexagons", 1500),
    # A = 4.5 and D_h = 8 D_a: the threshold is B = 6.71; hexagons first, then stripes.
    _turing("brusselator-holes", "holes", "holes in hexagons", 2500, _BRUSSELATOR, rate=0.05, feed=4.5, control=6.9),
    _turing("brusselator-stripes", "stripes", "stripes", 2500, _BRUSSELATOR, rate=0.05, feed=4.5, control=7.5),
    _turing("gierer-meinhardt-peaks", "spots", "narrow peaks, all of one height", 1500),
    *(
        _turing(f"mycelium-{name}", morphology, look_for, 800, bias=MORPHOLOGIES[name])
        for name, morphology, look_for in (
            ("spots", "spots", "separate spots"),
            ("labyrinth", "stripes", "a labyrinth of stripes"),
            ("net", "net", "a connected net around holes"),
        )
    ),
    _excitable("fhn-spiral", "spiral", "a wave that turns around its own end", 1500),
    _excitable("fhn-pulse", "front", "a straight pulse that runs to the right and out", 100),
)

REGIMES: Mapping[str, Regime] = MappingProxyType({entry.name: entry for entry in _ALL})
"""Named regimes, by name."""


def regime(name: str, **overrides: Any) -> SimulationConfig:
    """Return the configuration of a named regime, with some fields replaced.

    Parameters
    ----------
    name : str
        One of ``REGIMES``; ``mfn regimes`` lists them with their sources.
    **overrides
        Fields of ``SimulationConfig`` that differ; of ``kinetics_parameters`` those that are given, unless
        ``kinetics`` is another.

    Raises
    ------
    InvalidInputError
        For an unknown name, and for what the configuration refuses.

    Examples
    --------
    >>> regime("pearson-mu", grid_size=64).kinetics_parameters
    {'feed': 0.046, 'kill': 0.065, 'D_a': 0.105, 'D_h': 0.21}
    """
    if name not in REGIMES:
        raise InvalidInputError(
            f"unknown regime {name!r}; known are {', '.join(REGIMES)}", field="regime", value=str(name)[:80]
        )
    settings = dict(REGIMES[name].settings)
    if overrides.get("domain") is not None:
        settings.pop("grid_size", None)  # the domain says it
    own = settings.get("kinetics_parameters", {})
    given = overrides.get("kinetics_parameters", {})
    if overrides.get("kinetics", settings["kinetics"]) == settings["kinetics"] and isinstance(given, Mapping):
        overrides["kinetics_parameters"] = {**own, **given}
    return SimulationConfig(**{**settings, **overrides})
