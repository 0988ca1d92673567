"""Run a simulation under a progress bar, keep frames on the way, and leave a checkpoint when interrupted."""

from __future__ import annotations

import shlex
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mycelium_fractal_net.cli._console import cancel_on_signal, progress_bar
from mycelium_fractal_net.errors import CancelledError
from mycelium_fractal_net.fields import Simulation
from mycelium_fractal_net.fields.variables import variable

__all__ = ["CHECKPOINT_NAME", "Recording", "run_recorded"]

CHECKPOINT_NAME = "checkpoint.npz"


@dataclass
class Recording:
    """Frames of a field, the potential in mV or one of the pair, and the steps to which they belong."""

    shown: str = "v"
    steps: list[int] = field(default_factory=list)
    frames: list[NDArray[np.floating[Any]]] = field(default_factory=list)

    def keep(self, simulation: Simulation) -> None:
        """Add the present field."""
        self.steps.append(simulation.step)
        self.frames.append(getattr(simulation, variable(self.shown).attribute))


def run_recorded(
    simulation: Simulation, *, every: int | None, directory: Path, again: list[str], quiet: bool, show: str = "v"
) -> Recording:
    """Run to the configuration's last step.

    Parameters
    ----------
    simulation : Simulation
        Fresh or resumed.
    every : int or None
        Keep the present field, every field at a multiple of ``every`` and the last one; None keeps nothing.
    directory : Path
        Where the checkpoint goes if SIGINT or SIGTERM arrives.
    again : list of str
        Options to repeat when the run is resumed.
    quiet : bool
        Draw no progress bar.
    show : {"v", "activator", "inhibitor"}
        Which field is kept.

    Raises
    ------
    CancelledError
        After the checkpoint has been written; the message says how to resume.
    """
    recording = Recording(show)
    last = simulation.config.steps
    with cancel_on_signal() as cancel, progress_bar("simulating", quiet=quiet) as report:
        if every is not None:
            recording.keep(simulation)
        try:
            while simulation.step < last:
                target = last if every is None else min((simulation.step // every + 1) * every, last)
                simulation.advance(target - simulation.step, progress=lambda step, _: report(step, last), cancel=cancel)
                report(simulation.step, last)
                if every is not None:
                    recording.keep(simulation)
        except CancelledError:
            raise _interrupted(simulation, directory, again) from None
    return recording


def _interrupted(simulation: Simulation, directory: Path, again: list[str]) -> CancelledError:
    path = directory / CHECKPOINT_NAME
    simulation.save(path)
    command = shlex.join(["mfn", "simulate", "--resume", str(path), *again])
    return CancelledError(
        f"interrupted at step {simulation.step} of {simulation.config.steps}; to go on: {command}",
        step=simulation.step,
    )
