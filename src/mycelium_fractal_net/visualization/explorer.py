"""An explorer for notebooks: sliders for the parameters, a field that plays, the verdict and the features."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from mycelium_fractal_net.errors import InvalidInputError, MFNError, MissingExtraError
from mycelium_fractal_net.events import Completed, Framed, Run
from mycelium_fractal_net.features import FEATURE_UNITS
from mycelium_fractal_net.fields import SimulationConfig, get_kinetics, linear_stability

if TYPE_CHECKING:
    from anywidget import AnyWidget

__all__ = ["explore"]

_HERE = Path(__file__).parent
_LAB = _HERE.parent / "service" / "lab" / "static"  # the lab's view and its colour tables
_FRAMES = 32
_VARIABLES = ("v", "activator", "inhibitor")
_RANGES = {
    "alpha": (0.0, 0.23, 0.005, "cells^2/step"),
    "leak": (0.01, 0.15, 0.005, ""),
    "spike_probability": (0.0, 1.0, 0.05, ""),
    "turing_threshold": (0.5, 0.95, 0.01, ""),
    "turing_drive_mv": (-20.0, 20.0, 0.5, "mV"),
}


def explore(config: SimulationConfig | None = None) -> AnyWidget:
    """Show a field beside sliders for its parameters; every change simulates again.

    The widget shows a film of up to 33 frames, growth events as rings, what linear stability says, and the 18
    features of the frame that is seen. A change that is not possible is said in words, and the last field stays.

    Parameters
    ----------
    config : SimulationConfig, optional
        Where to start, at most 256 cells a side; the defaults without it.

    Returns
    -------
    anywidget.AnyWidget
        The last line of a notebook's cell shows it. ``widget.config`` is the configuration in force,
        ``widget.result`` what it gave.

    Raises
    ------
    MissingExtraError
        Without the extra ``notebooks``.
    InvalidInputError
        For a lattice of more than 256 cells a side.

    Examples
    --------
    >>> widget = explore(SimulationConfig(grid_size=16, steps=16))
    >>> widget.chosen = {"alpha": 0.1}
    >>> widget.config.alpha
    0.1
    """
    start = SimulationConfig() if config is None else config
    if start.grid_size > 256:
        raise InvalidInputError(f"explore shows at most 256 cells a side; got {start.grid_size}", field="config")
    return _explorer()(start)


def _sliders(config: SimulationConfig) -> list[dict[str, Any]]:
    """Describe a slider for each parameter: names, bounds, step, value, unit."""
    described = [
        {"name": name, "low": low, "high": high, "step": step, "value": getattr(config, name), "unit": unit}
        for name, (low, high, step, unit) in _RANGES.items()
    ]
    parameters = {**get_kinetics(config.kinetics).parameters, **config.kinetics_parameters}
    for name, value in parameters.items():
        reach = abs(value) or 0.5
        low, high = (value - reach, value + reach) if name not in {"D_a", "D_h"} else (0.0, 2.0 * reach)
        described.append({"name": name, "low": low, "high": high, "step": reach / 50, "value": value, "unit": ""})
    return described


def _changed(config: SimulationConfig, chosen: Mapping[str, float]) -> SimulationConfig:
    own = {name: value for name, value in chosen.items() if name in _RANGES}
    kinetic = {name: value for name, value in chosen.items() if name not in _RANGES}
    return config.model_copy(update={**own, "kinetics_parameters": {**config.kinetics_parameters, **kinetic}})


def _film(config: SimulationConfig, variable: str) -> tuple[dict[str, Any], bytes, list[dict[str, float]], Any]:
    """Simulate, and return what the view shows: shape and steps, values, the features of each frame; and the result."""
    fields: list[NDArray[np.float32]] = []
    steps, rows, events = [], [], []
    result = None
    for event in Run(config, every=max(1, config.steps // _FRAMES)):
        if isinstance(event, Framed):
            frame = event.frame
            fields.append(np.asarray(getattr(frame, "field_mv" if variable == "v" else variable), dtype=np.float32))
            steps.append(frame.step)
            rows.append(frame.features.to_dict())
            events.append([[row, column] for _, row, column, *_ in event.growth_events])
        elif isinstance(event, Completed):
            result = event.result
    stack = np.stack(fields)
    low, high = float(stack.min()), float(stack.max())
    if variable == "v":  # one scale for all parameters, so that a dead field looks dead
        low, high = config.rest_potential_mv, min(config.rest_potential_mv + 50.0, config.clamp_mv[1])
    shape = {"frames": len(fields), "rows": stack.shape[1], "columns": stack.shape[2]}
    limits = [low, high] if high > low else [low - 0.5, low + 0.5]
    return {**shape, "steps": steps, "events": events, "limits": limits}, stack.tobytes(), rows, result


@cache
def _explorer() -> type[AnyWidget]:
    """Make the class of the widget, of a package that need not be installed."""
    try:
        import anywidget
        import traitlets
    except ImportError:
        raise MissingExtraError.for_extra("notebooks", "anywidget") from None

    class Explorer(anywidget.AnyWidget):
        """The model behind the page: what is chosen goes one way, films come back."""

        _esm = (_LAB / "view.js").read_text(encoding="utf-8") + (_HERE / "explore.js").read_text(encoding="utf-8")
        _css = (_HERE / "explore.css").read_text(encoding="utf-8")
        sliders = traitlets.List().tag(sync=True)
        chosen = traitlets.Dict().tag(sync=True)
        variable = traitlets.Enum(_VARIABLES, "v").tag(sync=True)
        colours = traitlets.Bytes((_LAB / "colours.bin").read_bytes()).tag(sync=True)
        values = traitlets.Bytes().tag(sync=True)
        movie = traitlets.Dict().tag(sync=True)
        rows = traitlets.List().tag(sync=True)
        units = traitlets.Dict(dict(FEATURE_UNITS)).tag(sync=True)
        verdict = traitlets.Unicode().tag(sync=True)
        problem = traitlets.Unicode().tag(sync=True)
        revision = traitlets.Int().tag(sync=True)

        def __init__(self, config: SimulationConfig) -> None:
            super().__init__(sliders=_sliders(config))
            self._start = self.config = config
            self._simulate(config)
            self.observe(self._follow, ["chosen", "variable"])

        def _follow(self, _: object) -> None:
            try:
                self._simulate(_changed(self._start, self.chosen))
            except MFNError as error:
                self.problem = str(error)
                self.revision += 1

        def _simulate(self, config: SimulationConfig) -> None:
            verdict = linear_stability(config.kinetics, **config.kinetics_parameters).explain()
            movie, values, rows, self.result = _film(config, self.variable)
            self.config = config
            with self.hold_sync():
                self.problem, self.verdict = "", verdict
                self.movie, self.values, self.rows = movie, values, rows
                self.revision += 1

    return Explorer
