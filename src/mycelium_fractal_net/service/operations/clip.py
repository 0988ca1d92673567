"""``clip``: a run as a film."""

from __future__ import annotations

import shutil
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated, Any, Literal, Self

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, model_validator

from mycelium_fractal_net.fields import Simulation, SimulationConfig
from mycelium_fractal_net.fields.variables import variable
from mycelium_fractal_net.service.core.access import Access
from mycelium_fractal_net.service.core.errors import ServiceError
from mycelium_fractal_net.service.operations.operation import Answer, Context, Cost, Operation
from mycelium_fractal_net.service.operations.simulate import Show, SimulateRequest, simulation_cost
from mycelium_fractal_net.service.operations.types import Whole
from mycelium_fractal_net.visualization import save_animation

__all__ = ["CLIP", "ClipRequest"]

_CELL_STEPS_A_FRAME = 1_000_000  # what is computed in the time in which a frame is drawn


class ClipRequest(BaseModel):
    """What to simulate, and how to show it."""

    model_config = ConfigDict(
        extra="forbid", json_schema_extra={"examples": [{"config": {"grid_size": 16, "steps": 8}, "frames": 4}]}
    )

    config: SimulateRequest = Field(default_factory=SimulateRequest, description="As in POST /simulate.")
    field: Show = Field(default="v", description="Which field is shown: the potential is in mV.")
    colours: Literal["viridis", "cividis", "magma", "inferno", "gray"] = Field(
        default="inferno", description="Colour map."
    )
    frames: Annotated[Whole, Field(ge=2, le=120)] = Field(
        default=60, description="Number of frames, spread evenly over the steps."
    )
    frames_per_second: Annotated[float, Field(ge=1, le=50)] = Field(default=12.0, description="Frames per second.")

    @model_validator(mode="after")
    def _start_is_random(self) -> Self:
        others = self.config.model_fields_set - SimulationConfig.model_fields.keys()
        if others:
            raise ValueError(f"config may hold parameters only; {', '.join(sorted(others))} must be left out")
        return self


def clip(request: ClipRequest, context: Context) -> Answer:
    """Make a film of a simulation, as MP4.

    All frames have one colour scale, with its unit. Needs ffmpeg and the extra ``visualization`` where it runs.
    """
    if shutil.which("ffmpeg") is None:
        raise ServiceError("NOT_IMPLEMENTED", "a video needs the program ffmpeg on the server")
    config = request.config.config()
    shown = variable(request.field)
    steps = np.unique(np.linspace(0, config.steps, request.frames).round().astype(int)).tolist()
    simulation, history = Simulation(config, threads=1), []
    with context.trace("simulation", grid_size=config.grid_size, steps=config.steps):
        for step in steps:
            simulation.advance(step - simulation.step, cancel=context.cancel)
            history.append(getattr(simulation.frame, shown.attribute))
    with context.trace("film"), TemporaryDirectory(prefix="mfn-clip-") as folder:
        film = save_animation(
            np.stack(history),
            Path(folder) / "clip.mp4",
            steps=steps,
            title=f"{config.kinetics}, seed {config.seed}",
            frames_per_second=request.frames_per_second,
            label=shown.label,
            colour_map=request.colours,
        )
        return Answer(film.read_bytes())


def clip_cost(request: ClipRequest) -> Cost:
    """Count the simulation, and the drawing of each frame as so many cell steps.

    Examples
    --------
    >>> clip_cost(ClipRequest(frames=10)).text
    '10,262,144 cell steps (64 x 64 cells, 64 steps, and 10 frames)'
    """
    cost = simulation_cost(request.config)
    total = cost.cell_steps + _CELL_STEPS_A_FRAME * request.frames
    size = f"{request.config.grid_size} x {request.config.grid_size} cells, {request.config.steps:,} steps"
    text = f"{total:,} cell steps ({size}, and {request.frames} frames)"
    return Cost(total, text, "config.steps", request.config.steps, cost.kind)


def _simulated(request: ClipRequest) -> Any:
    return request.config.config()


CLIP = Operation(
    name="clip",
    tag="simulation",
    run=clip,
    access=Access("simulate", "simulate"),
    request=ClipRequest,
    media="video/mp4",
    cost=clip_cost,
    simulated=_simulated,
    codes=(
        "COST_LIMIT_EXCEEDED",
        "INVALID_INPUT",
        "MISSING_EXTRA",
        "NOT_IMPLEMENTED",
        "NUMERICAL_DIVERGENCE",
        "SERVICE_UNAVAILABLE",
        "UNSTABLE_PARAMETERS",
    ),
)
