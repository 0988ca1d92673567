"""What client and service say to each other about a stream: the models behind every door and behind AsyncAPI."""

from __future__ import annotations

import base64
import math
from collections.abc import Callable
from typing import Annotated, Any, Literal, NamedTuple, Self

import numpy as np
import orjson
from pydantic import BaseModel, ConfigDict, Field, model_validator

from mycelium_fractal_net.fields import Frame, SimulationConfig
from mycelium_fractal_net.fields.variables import physical_limits, variable
from mycelium_fractal_net.service.operations.features import SETS_FIELD, FeatureNumbers, GivenFeatureConfig, Sets
from mycelium_fractal_net.service.operations.receipt import Receipt
from mycelium_fractal_net.service.operations.simulate import Show, SimulateRequest, SimulateResponse
from mycelium_fractal_net.service.operations.types import Whole

__all__ = [
    "CLIENT_MESSAGES",
    "SERVER_MESSAGES",
    "AckMessage",
    "AuthMessage",
    "CancelMessage",
    "ClientMessage",
    "Message",
    "PauseMessage",
    "PingMessage",
    "Render",
    "ResumeMessage",
    "SetMessage",
    "StartMessage",
    "SteerMessage",
    "StreamStart",
    "as_json",
    "field_of",
    "statistics_of",
]

Name = Annotated[str, Field(min_length=1, max_length=64, pattern=r"^[A-Za-z0-9._-]+$")]
Stride = Annotated[Whole, Field(ge=1, le=10_000, description="Steps between two frames; the last step always has one.")]
Rate = Annotated[float, Field(gt=0, le=1000, description="Maximum frames per second.")]


class StreamStart(BaseModel):
    """What to simulate, and what to say while it runs."""

    model_config = ConfigDict(extra="forbid")

    stream: Name = Field(default="s1", description="Name of the stream in each of its messages.")
    config: SimulateRequest = Field(default_factory=SimulateRequest, description="As in POST /simulate.")
    every: Stride = 8
    include: list[Literal["features", "field"]] = Field(
        default_factory=list, max_length=2, description="What each frame holds besides its statistics."
    )
    field: Show = Field(default="v", description="Which field frames hold: the potential is in mV.")
    sets: Sets = SETS_FIELD
    feature_config: GivenFeatureConfig | None = Field(
        default=None, description="Thresholds, window, connectivity, box scales of the features."
    )
    encoding: Literal["float32", "uint8"] = Field(
        default="float32", description="uint8 for display: 0 to 255 over its range."
    )
    flow: Literal["ack", "none"] = Field(
        default="ack", description="ack: at most two frames with a field are sent before the client acknowledges them."
    )
    max_rate_hz: Rate | None = None
    resume_after: Annotated[Whole, Field(ge=0)] | None = Field(
        default=None, description="Sequence of the last message received; the stream goes on after it."
    )

    @model_validator(mode="after")
    def _start_is_random(self) -> Self:
        beside = {"include", "field", "sets", "feature_config"}
        arrays = (self.config.initial_field_mv, self.config.initial_activator, self.config.initial_inhibitor)
        if any(array is not None for array in arrays) or beside & self.config.model_fields_set:
            raise ValueError(
                "config may hold parameters only; include, field, sets and feature_config go beside it, and streams "
                "take no initial fields"
            )
        return self


class _Told(BaseModel):
    model_config = ConfigDict(extra="forbid")


class AuthMessage(_Told):
    """The key, as the first message, where neither a header nor a ticket brought it."""

    type: Literal["auth"]
    key: Annotated[str, Field(min_length=1, max_length=1000)]


class StartMessage(StreamStart):
    """A simulation begins; all but the type may be left out."""

    type: Literal["start"]


class _OfStream(_Told):
    stream: Name = Field(default="s1", description="Which stream.")


class AckMessage(_OfStream):
    """What the reader has drawn: all frames up to this one."""

    type: Literal["ack"]
    sequence: Annotated[int, Field(ge=0)]


class PauseMessage(_OfStream):
    """Compute nothing until resume."""

    type: Literal["pause"]


class ResumeMessage(_OfStream):
    """Go on."""

    type: Literal["resume"]


class CancelMessage(_OfStream):
    """Stop at once; the stream ends with an error CANCELLED."""

    type: Literal["cancel"]


class SetMessage(_OfStream):
    """Another stride, pace or field from the next frame on."""

    type: Literal["set"]
    every: Stride | None = None
    max_rate_hz: Rate | None = None
    field: Show | None = None


class SteerMessage(_OfStream):
    """Changes and stimuli from the present step on, or from the step they name."""

    type: Literal["steer"]
    changes: Annotated[list[dict[str, Any]], Field(max_length=100)] = Field(default_factory=list)
    stimuli: Annotated[list[dict[str, Any]], Field(max_length=100)] = Field(default_factory=list)


class PingMessage(_Told):
    """Answered with pong."""

    type: Literal["ping"]


CLIENT_MESSAGES: tuple[type[BaseModel], ...] = (
    AuthMessage, StartMessage, AckMessage, PauseMessage, ResumeMessage, CancelMessage, SetMessage, SteerMessage,
    PingMessage,
)  # fmt: skip
"""What a client may say over a WebSocket."""

ClientMessage: Any = Annotated[
    AuthMessage
    | StartMessage
    | AckMessage
    | PauseMessage
    | ResumeMessage
    | CancelMessage
    | SetMessage
    | SteerMessage
    | PingMessage,
    Field(discriminator="type"),
]
"""One of them, by its type."""


class _Said(_Told):
    stream: Name = Field(description="Which stream.")


class StartedMessage(_Said):
    """The run begins."""

    type: Literal["started"]
    sequence: Literal[0]
    total_steps: int = Field(description="Steps it will take.")
    config: SimulationConfig = Field(description="Its parameters, defaults included.")


class Statistics(_Told):
    """Of the potential."""

    pot_min_mV: float = Field(description="Lowest potential.")  # noqa: N815 # the pinned names
    pot_max_mV: float = Field(description="Highest potential.")  # noqa: N815 # as above
    pot_mean_mV: float = Field(description="Mean potential.")  # noqa: N815 # as above
    pot_std_mV: float = Field(description="Standard deviation.")  # noqa: N815 # as above


class FieldOfFrame(_Told):
    """What the bytes are that follow the frame, or stand in it over Server-Sent Events."""

    dtype: Literal["float32", "uint8"] = Field(description="Little-endian, row after row.")
    shape: tuple[int, int] = Field(description="Rows and columns.")
    field: Show = Field(description="Which field.")
    range: tuple[float, float] | None = Field(default=None, description="What 0 and 255 of uint8 stand for.")
    data: str | None = Field(default=None, description="Over Server-Sent Events: the bytes in base64.")


class FrameMessage(_Said):
    """The state after a step. With a field, one binary message follows."""

    type: Literal["frame"]
    sequence: int = Field(ge=1, description="Place in the stream; resume after it.")
    step: int = Field(ge=1, description="The step.")
    statistics: Statistics
    features: FeatureNumbers | None = Field(default=None, description="The features so far, if included.")
    growth_events: list[tuple[int, int, int, float]] = Field(
        description="Since the frame before: step, row, column, jump in mV."
    )
    field: FieldOfFrame | None = Field(default=None, description="If included.")


class HeartbeatMessage(_Said):
    """A sign of life after silence."""

    type: Literal["heartbeat"]


class CompletedMessage(_Said):
    """The last step is done."""

    type: Literal["completed"]
    sequence: int = Field(ge=2, description="Place in the stream.")
    result: SimulateResponse = Field(description="As POST /simulate answers.")
    receipt: Receipt = Field(description="Identifies the result.")
    config: SimulationConfig = Field(description="What reproduces it, steering included.")


class ErrorMessage(_Told):
    """A stream ends, or what was asked for cannot be done."""

    type: Literal["error"]
    stream: Name | None = Field(description="Which stream; null where no stream is meant.")
    problem: dict[str, Any] = Field(description="As the body of an HTTP answer has it.")
    resume_after: int | None = Field(description="Where to go on; null where the stream goes on, or never began.")


class PongMessage(_Told):
    """The answer to a ping."""

    type: Literal["pong"]


SERVER_MESSAGES: tuple[type[BaseModel], ...] = (
    StartedMessage, FrameMessage, HeartbeatMessage, CompletedMessage, ErrorMessage, PongMessage,
)  # fmt: skip
"""What the service says."""


class Message(NamedTuple):
    """A message as it goes out: its bytes, and those of a field that follow it; ``sequence`` of those that count."""

    kind: str
    sequence: int | None
    text: bytes
    binary: bytes | None = None


Render = Callable[[str, str, int | None, dict[str, Any], bytes | None], Message]
"""``render(kind, stream, sequence, members, field)`` writes a message down; called in a compute thread."""


def as_json(
    kind: str, stream: str, sequence: int | None, members: dict[str, Any], field: bytes | None, *, inline: bool = False
) -> Message:
    r"""Write a message as JSON; the field follows it in bytes, or stands in it in base64.

    Examples
    --------
    >>> as_json("frame", "s1", 3, {"step": 8}, None)
    Message(kind='frame', sequence=3, text=b'{"type":"frame","stream":"s1","sequence":3,"step":8}', binary=None)
    """
    if inline and field is not None:
        members, field = {**members, "field": {**members["field"], "data": base64.b64encode(field).decode()}}, None
    counted = {} if sequence is None else {"sequence": sequence}
    return Message(kind, sequence, orjson.dumps({"type": kind, "stream": stream, **counted, **members}), field)


def statistics_of(frame: Frame) -> dict[str, float]:
    """Return the statistics of a frame's potential."""
    field = np.asarray(frame.field_mv, dtype=np.float64)
    mean = float(field.mean())
    apart = (field - mean).ravel()
    return {
        "pot_min_mV": float(field.min()),
        "pot_max_mV": float(field.max()),
        "pot_mean_mV": mean,
        "pot_std_mV": math.sqrt(float(np.dot(apart, apart)) / apart.size),
    }


def field_of(frame: Frame, name: str, encoding: str) -> tuple[dict[str, Any], bytes]:
    """Return what is said of a field, and its bytes, row after row, little-endian."""
    shown = variable(name)
    array = getattr(frame, shown.attribute)
    described: dict[str, Any] = {"dtype": encoding, "shape": list(array.shape), "field": name}
    if encoding == "float32":
        return described, array.astype("<f4").tobytes()
    low, high = physical_limits(frame.config, shown.name)
    described["range"] = [low, high]
    scaled = np.subtract(array, low, dtype=np.float64)
    scaled *= 255.0 / (high - low)
    np.rint(scaled, out=scaled)
    np.clip(scaled, 0, 255, out=scaled)
    return described, scaled.astype(np.uint8).tobytes()
