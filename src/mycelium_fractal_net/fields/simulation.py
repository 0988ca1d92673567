"""The simulation: from a configuration to a field, step by step or at once."""

from __future__ import annotations

import io
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, Self, TypeVar

import numpy as np
from numpy.typing import ArrayLike, NDArray

from mycelium_fractal_net._checks import as_whole, refusal
from mycelium_fractal_net.errors import CancelledError, InvalidInputError
from mycelium_fractal_net.features import (
    FeatureConfig,
    ordered_sets,
)
from mycelium_fractal_net.fields import checkpoint
from mycelium_fractal_net.fields._engine import Engine
from mycelium_fractal_net.fields._start import checked_field, given_arrays
from mycelium_fractal_net.fields.config import SimulationConfig
from mycelium_fractal_net.fields.growth import GrowthEvent
from mycelium_fractal_net.fields.models import Kinetics
from mycelium_fractal_net.fields.result import Frame, SimulationResult
from mycelium_fractal_net.fields.schedule import Change, Stimulus

__all__ = ["Frame", "Progress", "Simulation", "SimulationResult"]

Field = NDArray[np.floating[Any]]
Progress = Callable[[int, int], object]
"""``progress(step, steps)``, called now and then while a simulation runs."""

FrameT = TypeVar("FrameT", bound="Frame")

_DEFAULT_FEATURES = FeatureConfig()


def _measures(sets: str | Iterable[str], feature_config: FeatureConfig | None) -> tuple[tuple[str, ...], FeatureConfig]:
    if not (feature_config is None or isinstance(feature_config, FeatureConfig)):
        raise refusal("feature_config", "a FeatureConfig", feature_config)
    return ordered_sets(sets), feature_config or _DEFAULT_FEATURES


class Simulation:
    """A simulation that can be advanced, watched, cancelled, saved and resumed.

    Parameters
    ----------
    config : SimulationConfig
        What to simulate.
    initial_field_mv : array_like, shape (N, N), optional
        Potential at step 0 in mV in place of the random one, within the clamp.
    threads : int, optional
        Threads to use; by default one, or as many as there are cores from 512 x 512 cells on. The result does not
        depend on it.
    initial_activator, initial_inhibitor : array_like, shape (N, N), optional
        The pair at step 0, with ``start="array"``; what is not given is laid as noise. The digest of the arrays
        becomes part of ``config``.
    sets : iterable of str
        Which feature sets a frame or result has as its ``features``; the 18 by default. See
        :func:`mycelium_fractal_net.extract_features`.
    feature_config : FeatureConfig, optional
        Their thresholds; by default 10, 20 and 30 mV above the rest potential.

    Raises
    ------
    InvalidInputError
        For an unusable initial field or number of threads, and for an unknown set.

    Notes
    -----
    Within a step: growth event, Turing substeps (``scheme``, ``stencil``), potential. Memory: six fields
    and a sixth of one, independent of the number of steps. Not safe to call from several threads at once.

    Examples
    --------
    >>> import mycelium_fractal_net as mfn
    >>> simulation = mfn.Simulation(mfn.SimulationConfig(grid_size=32, steps=20))
    >>> simulation.advance(5)
    >>> simulation.step
    5
    >>> [frame.step for frame in simulation.frames(every=8)]
    [8, 16, 20]
    """

    def __init__(
        self,
        config: SimulationConfig,
        initial_field_mv: ArrayLike | None = None,
        threads: int | None = None,
        *,
        initial_activator: ArrayLike | None = None,
        initial_inhibitor: ArrayLike | None = None,
        sets: str | Iterable[str] = ("core",),
        feature_config: FeatureConfig | None = None,
    ) -> None:
        if not isinstance(config, SimulationConfig):
            raise InvalidInputError(f"config must be a SimulationConfig, got {type(config).__name__}")
        self.sets, self.feature_config = _measures(sets, feature_config)
        known, arrays = given_arrays(config, initial_field_mv, initial_activator, initial_inhibitor)
        self._engine = Engine(known, arrays, threads)

    @property
    def config(self) -> SimulationConfig:
        """What is simulated, with everything that steering added: it gives the same bits from step 0 on."""
        return self._engine.config

    @property
    def step(self) -> int:
        """Steps done."""
        return self._engine.step

    @property
    def field_mv(self) -> Field:
        """Potential in mV, (N, N); a copy."""
        return self._engine.interior("v")

    @property
    def activator(self) -> Field:
        """Activator, (N, N); a copy."""
        return self._engine.interior("a")

    @property
    def inhibitor(self) -> Field:
        """Inhibitor, (N, N); a copy."""
        return self._engine.interior("h")

    @property
    def growth_events(self) -> int:
        """Growth events since step 0."""
        return int(self._engine.counters[3])

    @property
    def frame(self) -> Frame:
        """The present state as a frame."""
        return self._snapshot(Frame)

    @property
    def result(self) -> SimulationResult:
        """The present state as a result."""
        return self._snapshot(SimulationResult)

    def _snapshot(self, kind: type[FrameT]) -> FrameT:
        engine = self._engine
        activations, clampings, _, events = engine.counters.tolist()
        activator, inhibitor, field_mv = engine.interiors()
        return kind(
            step=engine.step,
            field_mv=field_mv,
            activator=activator,
            inhibitor=inhibitor,
            growth_events=events,
            turing_activations=activations,
            clamping_events=clampings,
            step_statistics=engine.statistics,
            config=self.config,
            feature_config=self.feature_config,
            sets=self.sets,
        )

    def advance(
        self, steps: int = 1, *, progress: Progress | None = None, cancel: threading.Event | None = None
    ) -> None:
        """Advance by some steps.

        Parameters
        ----------
        steps : int
            How many, >= 0; may go beyond ``config.steps``.
        progress : callable, optional
            ``progress(step, last step)``, called some dozens of times a second.
        cancel : threading.Event, optional
            Stops the run within 50 ms once it is set; the simulation stays usable, at a whole step.

        Raises
        ------
        CancelledError
            When ``cancel`` was set.
        DivergedError
            When the pair left the finite numbers; carries the step.
        """
        last = self.step + as_whole("steps", steps, 0)
        while self.step < last:
            if cancel is not None and cancel.is_set():
                raise CancelledError(f"cancelled at step {self.step} of {last}", step=self.step)
            self._engine.advance_block(last - self.step, cancel)
            if progress is not None:
                progress(self.step, last)

    def frames(self, every: int = 1, *, cancel: threading.Event | None = None) -> Iterator[Frame]:
        """Run to ``config.steps`` and yield a frame at every multiple of ``every`` and at the end.

        Parameters
        ----------
        every : int
            Stride in steps, >= 1.
        cancel : threading.Event, optional
            As in :meth:`advance`.

        Yields
        ------
        Frame
        """
        stride = as_whole("every", every, 1)
        while self.step < self.config.steps:
            target = min((self.step // stride + 1) * stride, self.config.steps)
            self.advance(target - self.step, cancel=cancel)
            yield self.frame

    def steer(self, changes: Sequence[Change] = (), stimuli: Sequence[Stimulus] = ()) -> None:
        """Add changes of parameters and stimuli, from the present step on.

        They become part of ``config``, which reproduces the steered run from its start to the bit.

        Parameters
        ----------
        changes : sequence of Change
            Each takes the place of one of the same parameter at the same step.
        stimuli : sequence of Stimulus
            In addition to those that are there.

        Raises
        ------
        InvalidInputError
            For a step that lies in the past or beyond ``config.steps``, and unknown parameters.
        StabilityError
            When the run would become unstable. The simulation then goes on as it was.

        Examples
        --------
        >>> import mycelium_fractal_net as mfn
        >>> simulation = mfn.Simulation(mfn.SimulationConfig(grid_size=32, steps=20))
        >>> simulation.advance(5)
        >>> simulation.steer([mfn.Change(step=5, parameter="bias", value=0.04)])
        >>> simulation.advance(15)
        >>> mfn.simulate(simulation.config).digest == simulation.result.digest
        True
        """
        self._engine.follow(self.config.steered(self.step, changes, stimuli))

    def step_error(self) -> float:
        """Return by how much the next step of the pair changes when each of its substeps is halved.

        Returns
        -------
        float
            Largest difference of a cell, of the activator's range. The step's own error is about that for ``euler``, a
            third of it more for the schemes of second order. The simulation stays as it is.

        Examples
        --------
        >>> import mycelium_fractal_net as mfn
        >>> simulation = mfn.Simulation(mfn.SimulationConfig(grid_size=32))
        >>> 0 < simulation.step_error() < 0.01
        True
        """
        return self._engine.step_error()

    def growth_since(self, step: int = 0) -> list[GrowthEvent]:
        """Return the growth events of the steps after ``step``, in their order.

        Those before a checkpoint that the simulation was loaded from are not known.

        Examples
        --------
        >>> import mycelium_fractal_net as mfn
        >>> simulation = mfn.Simulation(mfn.SimulationConfig(grid_size=32, steps=20))
        >>> simulation.advance(20)
        >>> len(simulation.growth_since(0)) == simulation.growth_events
        True
        """
        return self._engine.grown_since(as_whole("step", step, 0))

    def replace_fields(
        self,
        *,
        field_mv: ArrayLike | None = None,
        activator: ArrayLike | None = None,
        inhibitor: ArrayLike | None = None,
    ) -> None:
        """Put other fields in place of the present ones; step, counters and random streams stay.

        Parameters
        ----------
        field_mv, activator, inhibitor : array_like, shape (N, N), optional
            Finite numbers; the potential in mV.

        Raises
        ------
        InvalidInputError
            For a wrong shape or values that are not finite.
        """
        for name, label, array in (
            ("v", "field_mv", field_mv),
            ("a", "activator", activator),
            ("h", "inhibitor", inhibitor),
        ):
            if array is not None:
                self._engine.replace(name, checked_field(label, array, self.config.shape, self.config.dtype))

    def save(self, path: str | Path) -> None:
        """Write a checkpoint: one file with fields, step, generator states, configuration and version."""
        checkpoint.save(path, self.config, self._engine)

    def __reduce__(self) -> tuple[Any, ...]:
        """Travel to other processes as a checkpoint."""
        file = io.BytesIO()
        checkpoint.write(file, self.config, self._engine)
        measures = (self.sets, self.feature_config)
        return _revive, (type(self), self.config.model, file.getvalue(), self._engine.threads, measures)

    @classmethod
    def load(
        cls,
        path: str | Path,
        threads: int | None = None,
        *,
        sets: str | Iterable[str] = ("core",),
        feature_config: FeatureConfig | None = None,
    ) -> Self:
        """Resume from a checkpoint; the run goes on with the bits that it would have had.

        Parameters
        ----------
        path : str or Path
            What :meth:`save` wrote.
        threads, sets, feature_config
            As for a new simulation; they are no part of the checkpoint.

        Raises
        ------
        CheckpointError
            When the file is missing, damaged, or of another format.
        """
        return cls._restored(checkpoint.load(path), threads, _measures(sets, feature_config))

    @classmethod
    def _restored(
        cls,
        loaded: tuple[SimulationConfig, dict[str, Any]],
        threads: int | None,
        measures: tuple[tuple[str, ...], FeatureConfig],
    ) -> Self:
        config, state = loaded
        simulation = cls.__new__(cls)
        simulation.sets, simulation.feature_config = measures
        simulation._engine = engine = Engine(config, {}, threads)  # noqa: SLF001 # of this very class
        engine.restore(state)
        return simulation


def _revive(
    cls: type[Simulation],
    _model: Kinetics,
    data: bytes,
    threads: int,
    measures: tuple[tuple[str, ...], FeatureConfig],
) -> Simulation:
    """Make a simulation from a checkpoint in memory; that its kinetics came along has registered it."""
    return cls._restored(checkpoint.read(io.BytesIO(data), "the pickled simulation"), threads, measures)
