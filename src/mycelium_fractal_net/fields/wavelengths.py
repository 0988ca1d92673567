"""The wavelength of a pattern three times: as predicted, as it grows first, and as it settles."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from mycelium_fractal_net.errors import InvalidInputError
from mycelium_fractal_net.features.spectrum import find_wavelength
from mycelium_fractal_net.fields.simulation import Simulation
from mycelium_fractal_net.fields.stability import linear_stability

if TYPE_CHECKING:
    from mycelium_fractal_net.fields.result import Frame

__all__ = ["Wavelength", "Wavelengths", "measure_wavelengths", "pace_of"]

_LINEAR, _GROWN = 0.05, 0.25  # of the activator's range: deviations at which growth ends to be linear, and has ended
_PACE = 1.05
_AT_REST = 1e-3  # of the activator's range, root mean square, in a step


class Wavelength(NamedTuple):
    """One wavelength.

    Attributes
    ----------
    cells : float or None
        In cells; None where none stands out.
    step : int or None
        Step at which it was measured; None for what is computed.
    verdict : str
        What that means.
    """

    cells: float | None
    step: int | None
    verdict: str


class Wavelengths(NamedTuple):
    """Predicted on the lattice, grown first, and settled, in cells."""

    predicted: Wavelength
    first: Wavelength
    settled: Wavelength

    def to_dict(self) -> dict[str, dict[str, Any]]:
        """Return plain values, ready for JSON."""
        return {name: each._asdict() for name, each in self._asdict().items()}


def measure_wavelengths(frame: Frame) -> Wavelengths:
    """Measure the wavelength of a result's activator beside the one that linear stability predicts.

    Parameters
    ----------
    frame : Frame
        A frame or a result of a simulation.

    Returns
    -------
    Wavelengths
        ``predicted``: what grows fastest on the lattice. ``first``: the one in the activator once its standard
        deviation, which falls while noise dies away, has grown to a twentieth of its range and a wavelength stands out.
        ``settled``: the one in the frame itself, with the verdict whether the activator rests.

    Notes
    -----
    The beginning is simulated once more, from the same seed to the same bits, up to the end of linear growth. Where
    arrays were the start, or parameters change, nothing is said of it.

    Examples
    --------
    >>> import mycelium_fractal_net as mfn
    >>> found = measure_wavelengths(mfn.simulate(mfn.SimulationConfig(steps=200)))
    >>> round(found.predicted.cells, 2), found.settled.step, found.first.step < 60
    (9.03, 200, True)
    """
    config = frame.config
    if not config.turing_enabled:
        off = Wavelength(None, None, "the pair is switched off")
        return Wavelengths(off, off, off)
    report = linear_stability(config.model, **config.lattice_parameters)
    if not report.turing_unstable:
        predicted = Wavelength(None, None, "no mode of the lattice grows from the steady state")
    else:
        predicted = Wavelength(report.wavelength_lattice_cells, None, "fastest on the lattice")
    return Wavelengths(predicted, _first(frame, grows=report.turing_unstable), _settled(frame))


def _first(frame: Frame, *, grows: bool) -> Wavelength:
    config = frame.config
    if config.start == "array" or config.schedule or config.stimuli:
        return Wavelength(None, None, "not measured: the start is not kept, or the run is steered")
    if not grows or config.start != "noise" or config.model.patches is not None:
        return Wavelength(None, None, "no linear growth from noise")
    low, high = config.model.activator_range
    simulation, least, enough = Simulation(config, threads=1), math.inf, _LINEAR * (high - low)
    while simulation.step < frame.step:
        pace = max(1, int(simulation.step * (_PACE - 1)))
        simulation.advance(min(pace, frame.step - simulation.step))
        deviation = float(np.std(simulation.activator, dtype=np.float64))
        least = min(least, deviation)
        if deviation > least and deviation >= enough:
            found = _measured(frame, simulation.activator, simulation.step, "the end of linear growth")
            if found.cells is not None or deviation >= _GROWN * (high - low):
                return found
    return Wavelength(None, frame.step, "growth was still linear at the last step")


def _settled(frame: Frame) -> Wavelength:
    low, high = frame.config.model.activator_range
    if float(np.std(frame.activator, dtype=np.float64)) < _LINEAR * (high - low):
        return Wavelength(None, frame.step, "no pattern")
    return _measured(frame, frame.activator, frame.step, "settled" if _rests(frame) else "still moving")


def _rests(frame: Frame) -> bool:
    """Return whether a step of the pair hardly moves the activator."""
    low, high = frame.config.model.activator_range
    return pace_of(frame) <= _AT_REST * (high - low)


def pace_of(frame: Frame) -> float:
    """Return the root mean square change of the activator in the step that would follow a frame."""
    config = frame.config
    settings = {"start": "array", "start_digest": None, "steps": 1, "schedule": (), "stimuli": ()}
    parameters = {**config.kinetics_parameters, **_pair_at_the_end(frame)}
    still = config.model_copy(update={**settings, "kinetics_parameters": parameters})
    simulation = Simulation(still, threads=1, initial_activator=frame.activator, initial_inhibitor=frame.inhibitor)
    simulation.advance(1)
    change = np.asarray(simulation.activator - frame.activator, np.float64)
    return math.sqrt(float(np.mean(change * change)))


def _pair_at_the_end(frame: Frame) -> dict[str, float]:
    values = frame.config.parameters_at(max(frame.step - 1, 0))
    return {name: values[name] for name in frame.config.model.parameters}


def _measured(frame: Frame, activator: NDArray[Any], step: int, verdict: str) -> Wavelength:
    try:
        cells = find_wavelength(activator, periodic=frame.config.boundary == "periodic").wavelength
    except InvalidInputError:
        cells = math.nan
    if not math.isfinite(cells):
        return Wavelength(None, step, f"{verdict}; none stands out")
    return Wavelength(float(cells), step, verdict)
