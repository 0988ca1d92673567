"""A simulation as a series of events, computed one short piece at a time, from any place of the series."""

from __future__ import annotations

import math
import threading
from collections.abc import Iterable, Sequence
from time import perf_counter
from typing import NamedTuple

from mycelium_fractal_net.errors import InvalidInputError
from mycelium_fractal_net.features import FeatureConfig
from mycelium_fractal_net.fields import Change, Frame, Simulation, SimulationConfig, SimulationResult, Stimulus
from mycelium_fractal_net.fields.growth import GrowthEvent

__all__ = ["PIECE_S", "Completed", "Event", "Framed", "Run", "Started"]

PIECE_S = 0.02
"""How long a piece of a run takes, in s: nobody waits longer for its thread."""
_FIRST_CELL_STEPS = 1 << 18  # some milliseconds, before it is known how long a step takes


class Started(NamedTuple):
    """A run begins; its sequence is 0."""

    sequence: int
    total_steps: int
    config: SimulationConfig


class Framed(NamedTuple):
    """The state after some step, and the growth events since the frame before."""

    sequence: int
    frame: Frame
    growth_events: list[GrowthEvent]


class Completed(NamedTuple):
    """The last step is done; ``result.config`` reproduces the run, steering included."""

    sequence: int
    result: SimulationResult


Event = Started | Framed | Completed


class Run:
    """A simulation that is pulled: nothing is computed before it is asked for.

    Parameters
    ----------
    config : SimulationConfig
        What to simulate.
    every : int
        Stride of the frames in steps; the last frame is that of the last step.
    resume_after : int, optional
        Sequence of the last event that is known already: the next one follows it, with the same bits.
    sets, feature_config
        Of the frames' features, as for :class:`Simulation`.

    Attributes
    ----------
    every : int
        The stride; it may be changed, and holds from the next frame on.
    is_over : bool
        Whether there are no more events.

    Raises
    ------
    InvalidInputError
        For a stride below 1, and a sequence that is not one of the run.

    Examples
    --------
    >>> import mycelium_fractal_net as mfn
    >>> run = Run(mfn.SimulationConfig(grid_size=16, steps=10), every=4)
    >>> [type(event).__name__ for event in run]
    ['Started', 'Framed', 'Framed', 'Framed', 'Completed']
    """

    def __init__(
        self,
        config: SimulationConfig,
        every: int = 8,
        resume_after: int | None = None,
        *,
        sets: str | Iterable[str] = ("core",),
        feature_config: FeatureConfig | None = None,
    ) -> None:
        if every < 1:
            raise InvalidInputError(f"every must be at least 1 step; got {every}", field="every", value=every)
        last = -(-config.steps // every) + 1
        if resume_after is not None and not 0 <= resume_after < last:
            raise InvalidInputError(
                f"resume_after must be the sequence of an event before the last, 0 to {last - 1}; got {resume_after}",
                field="resume_after",
                value=resume_after,
            )
        self.simulation = Simulation(config, sets=sets, feature_config=feature_config)
        self.every = every
        self._sequence = -1
        self._skip_to = -1 if resume_after is None else resume_after
        self._told = 0
        self._step_s, self._cells = 0.0, math.prod(config.shape)
        self._target: int | None = None
        self._framed_last = self.is_over = False

    def __iter__(self) -> Run:
        """Return the run itself."""
        return self

    def __next__(self) -> Event:
        """Compute up to the next event."""
        while not self.is_over:
            event = self.next_piece()
            if event is not None:
                return event
        raise StopIteration

    def next_piece(self, cancel: threading.Event | None = None, longest_s: float = PIECE_S) -> Event | None:
        """Compute for about so long; return the next event, or None if it needs more.

        Raises
        ------
        CancelledError
            When ``cancel`` was set.
        DivergedError
            When the pair left the finite numbers.
        """
        simulation, end = self.simulation, perf_counter() + longest_s
        steps = simulation.config.steps
        while True:
            if self._sequence < 0:
                event: Event = Started(0, steps, simulation.config)
            elif simulation.step >= steps and self._framed_last:
                self.is_over = True
                event = Completed(self._sequence + 1, simulation.result)
            else:
                if not self._advance(end, cancel):
                    return None
                self._framed_last = simulation.step >= steps
                first, self._told = self._told, simulation.step
                if self._sequence + 1 <= self._skip_to:
                    self._sequence += 1
                    continue
                event = Framed(self._sequence + 1, simulation.frame, simulation.growth_since(first))
            self._sequence += 1
            if self._sequence > self._skip_to:
                return event

    def steer(self, changes: Sequence[Change], stimuli: Sequence[Stimulus]) -> None:
        """Change what comes from the present step on; see :meth:`Simulation.steer`."""
        self.simulation.steer(changes, stimuli)

    def _advance(self, end: float, cancel: threading.Event | None) -> bool:
        """Go on to the step of the next frame; return whether it was reached in time."""
        simulation = self.simulation
        if self._target is None:
            self._target = min((simulation.step // self.every + 1) * self.every, simulation.config.steps)
        while simulation.step < self._target:
            left_s = end - perf_counter()
            if left_s <= 0:
                return False
            at_once = left_s / self._step_s if self._step_s else _FIRST_CELL_STEPS / self._cells
            self._step(min(self._target - simulation.step, max(1, int(at_once))), cancel)
        self._target = None
        return True

    def _step(self, most: int, cancel: threading.Event | None) -> None:
        """Do some steps, and note how long they take."""
        simulation, begin, first = self.simulation, perf_counter(), self.simulation.step
        simulation.advance(most, cancel=cancel)
        self._step_s = (perf_counter() - begin) / (simulation.step - first)
