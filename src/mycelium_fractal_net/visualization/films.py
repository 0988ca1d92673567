"""A run as a film: growth events where they happen, features beside the field."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from mycelium_fractal_net.errors import InvalidInputError
from mycelium_fractal_net.events import Framed, Run
from mycelium_fractal_net.features import FEATURE_NAMES, FEATURE_UNITS
from mycelium_fractal_net.fields import SimulationConfig
from mycelium_fractal_net.fields.variables import variable
from mycelium_fractal_net.visualization.animation import save_animation

__all__ = ["save_film"]

_REACH_MV = 50.0


def save_film(
    config: SimulationConfig,
    path: str | Path,
    *,
    every: int = 4,
    field: str = "v",
    features: Sequence[str] = ("V_mean", "f_active"),
    frames_per_second: float = 12.0,
    progress: Callable[[int, int], object] | None = None,
) -> Path:
    """Simulate, and write what happens as a film: rings mark growth events, features are drawn in time beside it.

    The scale of a potential goes from rest to 50 mV above, for every run, so that a dead field looks dead.

    Parameters
    ----------
    config : SimulationConfig
        Of the run.
    path : str or Path
        Ends in ``.gif``, ``.mp4`` or ``.webm``.
    every : int
        Steps from one frame to the next.
    field : {"v", "activator", "inhibitor"}
        What is shown.
    features : sequence of str
        Up to four of ``FEATURE_NAMES``; none for the field alone.
    frames_per_second : float
        Between 0.1 and 50.
    progress : callable, optional
        Called with the frames that are drawn and all there are.

    Returns
    -------
    Path
        Where it was written.

    Raises
    ------
    InvalidInputError
        For a feature or a field that there is not, another ending, or a rate out of range.
    MissingExtraError, ConfigurationError
        As :func:`save_animation`.
    """
    unknown = [name for name in features if name not in FEATURE_NAMES]
    if unknown:
        raise InvalidInputError(f"there is no feature {unknown[0]!r}; FEATURE_NAMES lists them", field="features")
    attribute = variable(field).attribute
    fields: list[NDArray[np.float64]] = []
    steps: list[int] = []
    events: list[list[tuple[int, int]]] = []
    rows: list[dict[str, float]] = []
    for event in Run(config, every=every):
        if isinstance(event, Framed):
            fields.append(np.array(getattr(event.frame, attribute), dtype=np.float64))
            steps.append(event.frame.step)
            events.append([(row, column) for _, row, column, *_ in event.growth_events])
            rows.append(event.frame.features.to_dict())
    rest, highest = config.rest_potential_mv, config.clamp_mv[1]
    return save_animation(
        np.stack(fields),
        path,
        field=field,
        steps=steps,
        title=f"{config.kinetics}, seed {config.seed}",
        limits_mv=(rest, min(rest + _REACH_MV, highest)) if field == "v" else None,
        frames_per_second=frames_per_second,
        events=events,
        curves={_titled(name): [row[name] for row in rows] for name in features},
        progress=progress,
    )


def _titled(name: str) -> str:
    unit = FEATURE_UNITS[name]
    return name if unit == "1" else f"{name} ({unit})"
