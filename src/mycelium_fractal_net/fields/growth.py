"""Where and when growth events happen: the draws of a run, told before each step takes them."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from mycelium_fractal_net.fields._start import EVENT_MEAN_MV, EVENT_STD_MV, RandomStreams

if TYPE_CHECKING:
    from mycelium_fractal_net.fields._engine import Engine

__all__ = ["GrowthEvent", "GrowthWatch"]


class GrowthEvent(NamedTuple):
    """One cell's potential jumps.

    Attributes
    ----------
    step : int
        The step that the event is part of, from 1 on.
    row, column : int
        The cell.
    jump_mv : float
        How much its potential rises, in mV.
    """

    step: int
    row: int
    column: int
    jump_mv: float


class GrowthWatch:
    """Draw what a simulation draws for its growth events, a step ahead of it.

    Parameters
    ----------
    engine : Engine
        Of the simulation, at step 0.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._streams = RandomStreams(engine.config.seed)
        self._scalar = np.dtype(engine.config.dtype).type
        self._drawn = 0
        self._next = (0.0, 0.0, 0.0)

    def next_event(self) -> GrowthEvent | None:
        """Return the event of the next step, None if there is none."""
        engine = self._engine
        while self._drawn <= engine.step:
            sites, amplitudes = self._streams.sites, self._streams.amplitudes
            chance, place = sites.random(), sites.random()
            self._next = chance, place, EVENT_MEAN_MV + EVENT_STD_MV * amplitudes.standard_normal()
            self._drawn += 1
        chance, place, jump = self._next
        if chance >= engine.event_probability:
            return None
        row, column = engine.growth_site(place)
        return GrowthEvent(engine.step + 1, row, column, float(self._scalar(jump)))
