"""Where and when growth events happen: the draws of a run, told before each step takes them."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from mycelium_fractal_net.fields._start import EVENT_MEAN_MV, EVENT_STD_MV, RandomStreams

if TYPE_CHECKING:
    from mycelium_fractal_net.fields._engine import Engine

__all__ = ["GrowthEvent", "GrowthWatch"]

_KEPT = 4096


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
        self._first = 0
        self._draws: list[tuple[float, float, float]] = []

    def quiet_steps(self, most: int) -> int:
        """Return for how many of the next ``most`` steps there is no event; of a schedule, one step is seen ahead."""
        engine = self._engine
        probability, first = engine.event_probability, engine.step
        ahead = min(most, 1) if engine.config.schedule else most
        return next((k for k in range(ahead) if self._draw(first + k)[0] < probability), ahead)

    def next_event(self) -> GrowthEvent:
        """Return the event of the next step, where ``quiet_steps`` says that there is one."""
        engine = self._engine
        _, place, jump = self._draw(engine.step)
        row, column = engine.growth_site(place)
        return GrowthEvent(engine.step + 1, row, column, float(self._scalar(jump)))

    def _draw(self, step: int) -> tuple[float, float, float]:
        """Return the draws of a step: the chance of an event, its cell, its jump."""
        if step - self._first > _KEPT:
            done, self._first = self._engine.step - self._first, self._engine.step
            del self._draws[:done]
        sites, amplitudes = self._streams.sites, self._streams.amplitudes
        while len(self._draws) <= step - self._first:
            jump = EVENT_MEAN_MV + EVENT_STD_MV * amplitudes.standard_normal()
            self._draws.append((sites.random(), sites.random(), jump))
        return self._draws[step - self._first]
