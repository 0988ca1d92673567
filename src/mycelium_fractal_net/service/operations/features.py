"""``features``: the 18 numbers of a field or a history."""

from __future__ import annotations

import math
from dataclasses import fields
from typing import Annotated, Any, Literal, Self

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field, GetPydanticSchema, WithJsonSchema, model_validator
from pydantic_core import CoreSchema, core_schema

from mycelium_fractal_net.errors import InvalidInputError
from mycelium_fractal_net.features import (
    FEATURE_SETS,
    FEATURE_UNITS,
    REST_POTENTIAL_MV,
    FeatureConfig,
    extract_features,
)
from mycelium_fractal_net.features.spectrum import find_wavelength, radial_power_spectrum
from mycelium_fractal_net.fractals import box_counting_dimension
from mycelium_fractal_net.service.core.access import Access
from mycelium_fractal_net.service.operations.operation import LARGE_BODY, Answer, Context, Cost, Operation
from mycelium_fractal_net.service.operations.types import Box

__all__ = [
    "FEATURES",
    "SETS_FIELD",
    "BoxCountingAnswer",
    "FeatureNumbers",
    "FeaturesRequest",
    "FeaturesResponse",
    "GivenFeatureConfig",
    "Sets",
    "sets_cost",
]

FeatureNumbers = Annotated[
    dict[str, float],
    WithJsonSchema(
        {
            "type": "object",
            "properties": {
                name: {"type": "number", "description": f"In {unit}."} for name, unit in FEATURE_UNITS.items()
            },
            "additionalProperties": {"type": ["number", "null"]},
        }
    ),
]

_SIDE = (1, 2_048)
_MOST_FRAMES = 4_096
_MOST_SCALES = 64
_USUAL_SCALES = 12
_STEPS_A_FRAME = 5
_STEPS_A_SCALE = 3
_DEFAULTS = FeatureConfig()


def _member(kind: dict[str, Any], name: str, description: str) -> dict[str, Any]:
    return {**kind, "default": getattr(_DEFAULTS, name), "description": description}


_MV: dict[str, Any] = {"type": "number", "minimum": -1e12, "maximum": 1e12}
_SCALES: dict[str, Any] = {
    "type": "array",
    "items": {"type": "integer", "minimum": 1, "maximum": _SIDE[1]},
    "minItems": 2,
    "maxItems": _MOST_SCALES,
    "uniqueItems": True,
}
_THRESHOLDS: dict[str, Any] = {"type": "array", "items": _MV, "minItems": 3, "maxItems": 3, "uniqueItems": True}


def _optional(schema: dict[str, Any]) -> dict[str, Any]:
    return {"anyOf": [schema, {"type": "null"}]}


_DESCRIBED: dict[str, tuple[dict[str, Any], str]] = {
    "active_threshold_mv": (
        _optional(_MV),
        "Threshold in mV above which a cell is active; by default 10 mV above rest.",
    ),
    "cluster_thresholds_mv": (
        _optional(_THRESHOLDS),
        "Thresholds of the cluster counts in mV, ascending; by default 10, 20 and 30 mV above rest.",
    ),
    "rest_potential_mv": (_optional(_MV), "Rest potential in mV; by default -70."),
    "stability_share": (
        {"type": "number", "exclusiveMinimum": 0, "maximum": 1},
        "A step moves the field if its mean change exceeds this share of the field's largest spread.",
    ),
    "stability_window": (
        {"type": "integer", "minimum": 1, "maximum": 1_000_000},
        "Steps over which the mean change is smoothed.",
    ),
    "connectivity": ({"enum": [4, 8]}, "Neighbours that connect active cells: 4 (by sides), or 8 (by corners too)."),
    "box_scales": (
        _optional(_SCALES),
        "Box sides in cells, at least two different ones, none above the longest side; by default chosen by the size.",
    ),
}
_SCHEMA = {
    "title": "FeatureConfig",
    "description": "What counts as active, connected and stable.",
    "type": "object",
    "additionalProperties": False,
    "properties": {name: _member(kind, name, text) for name, (kind, text) in _DESCRIBED.items()},
}


def _feature_config(given: Any) -> FeatureConfig:
    """Make the library's configuration of a JSON object; it checks its members itself."""
    if not isinstance(given, dict):
        raise ValueError("must be a JSON object")  # noqa: TRY004 # pydantic reports ValueErrors only
    known = [field.name for field in fields(FeatureConfig)]
    for name, value in given.items():
        if name not in known:
            raise InvalidInputError(f"is unknown; known are {', '.join(known)}", field=name, value=value)
        _check_bounds(name, value)
    return FeatureConfig(**{name: _whole(value) for name, value in given.items()})


def _check_bounds(name: str, value: Any) -> None:
    """Refuse what is valid but larger than this service takes."""
    schema, _ = _DESCRIBED.get(name, ({}, ""))
    schema = schema.get("anyOf", [schema])[0]
    if isinstance(value, list) and not schema.get("minItems", 0) <= len(value) <= schema.get("maxItems", 0):
        bounds = f"{schema.get('minItems')} to {schema.get('maxItems')}"
        raise InvalidInputError(f"{name} takes {bounds} numbers; got {len(value)}", field=name)
    most = schema.get("items", schema).get("maximum", float("inf"))
    for number in value if isinstance(value, list) else [value]:
        if isinstance(number, int | float) and not abs(number) <= most:
            raise InvalidInputError(f"{name} is at most {most:g} here; got {number:g}", field=name, value=number)


def _whole(value: Any) -> Any:
    """Take 8.0 for 8, as JSON Schema does."""
    if isinstance(value, list):
        return [_whole(item) for item in value]
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _by_the_library(_source: Any, _handler: Any) -> CoreSchema:
    return core_schema.no_info_plain_validator_function(_feature_config)


GivenFeatureConfig = Annotated[FeatureConfig, GetPydanticSchema(_by_the_library), WithJsonSchema(_SCHEMA)]
SetName = Literal["core", "spectral", "activator", "events", "topology", "extended"]
Sets = Annotated[list[SetName], Field(min_length=1, max_length=len(FEATURE_SETS), fail_fast=True)]
SETS_FIELD: Any = Field(
    default_factory=lambda: ["core"],
    json_schema_extra={"default": ["core"]},
    description="Feature sets, always in this order: core (the 18), spectral, activator (of a simulation only), "
    "events, topology, extended. A feature that does not exist for the field is null.",
)
_STEPS_A_SET = {"core": 0, "spectral": 30, "activator": 60, "events": 0, "topology": 400, "extended": 300}


def sets_cost(sets: list[SetName]) -> int:
    """Return the cell steps that the sets beside the 18 take for each cell of the last field."""
    return sum(_STEPS_A_SET[name] for name in set(sets))


class FeaturesRequest(BaseModel):
    """A field, or a history of fields, in mV."""

    model_config = ConfigDict(
        extra="forbid",
        strict=True,
        json_schema_extra={
            "examples": [
                {"field": [[-70.0, -40.0], [-40.0, -70.0]], "periodic": True},
                {
                    "history": [[[-70.0, -70.0], [-70.0, -70.0]], [[-70.0, -40.0], [-70.0, -70.0]]],
                    "config": {"connectivity": 8, "active_threshold_mv": -65},
                },
            ],
            "oneOf": [
                {"required": [one], "properties": {one: {"type": "array"}, other: {"type": "null"}}}
                for one, other in (("field", "history"), ("history", "field"))
            ],
        },
    )

    field: Annotated[NDArray[np.float64], Box((_SIDE, _SIDE))] | None = Field(
        default=None, description="One field as a list of rows, all of one length."
    )
    history: Annotated[NDArray[np.float64], Box(((1, _MOST_FRAMES), _SIDE, _SIDE))] | None = Field(
        default=None, description="Successive fields of one size, the start included."
    )
    periodic: bool = Field(default=True, description="Whether opposite edges touch.")
    config: GivenFeatureConfig = Field(
        default_factory=FeatureConfig, description="Thresholds, window, connectivity, box scales."
    )
    sets: Sets = SETS_FIELD
    spectrum: bool = Field(default=False, description="Whether to return the spectrum of the last field too.")

    @model_validator(mode="after")
    def _one(self) -> Self:
        if (self.field is None) == (self.history is None):
            raise InvalidInputError("give either field or history", field="field")
        return self


class BoxCountingAnswer(BaseModel):
    """Counts, fit, and whether the fit means anything."""

    dimension: float = Field(description="Slope of log count against log 1/(scale + thickness).")
    r2: float = Field(description="Coefficient of determination of the fit.")
    standard_error: float | None = Field(description="Standard error of the slope; null with fewer than three scales.")
    verdict: str = Field(description="Verdict: fractal, crossover, filled, empty or insufficient.")
    thickness: float = Field(
        description="Cells by which the fit takes boxes as wider than their side; 0 unless the set is thin."
    )
    scales: list[int] = Field(description="Box sides in cells.")
    counts: list[int] = Field(description="Boxes that hold an active cell.")


class SpectrumAnswer(BaseModel):
    """Power by distance from the origin of wave space, and the wavelength that stands out."""

    wavenumbers: list[float] = Field(description="Mean wave number of each ring in cycles per cell, ascending.")
    power: list[float] = Field(description="Mean power of the modes in each ring in mV^2.")
    wavelength_cells: float | None = Field(description="Measured wavelength in cells; null if none stands out.")


class FeaturesResponse(BaseModel):
    """The features, their units, and the box counting behind the first two."""

    features: FeatureNumbers = Field(description="The features by name: the 18, or those of the sets.")
    units: dict[str, str] = Field(description="The unit of each; 1 for a number without one.")
    box_counting: BoxCountingAnswer = Field(description="Details of the dimension's measurement.")
    spectrum: SpectrumAnswer | None = Field(default=None, description="The spectrum of the last field, if asked for.")


def features(request: FeaturesRequest, context: Context) -> Answer:
    """Compute features of a field or of a history: the 18, or any sets by name.

    The set `activator` needs the pair, which no array holds: ask `/simulate`; `events` needs a history. A single
    field has not moved: dV_mean, dV_max, T_stable and E_trend are 0. Send an array as `application/x-npy` to save nine
    tenths of the time: two dimensions are a field, three a history.
    """
    array, config = _array(request), request.config
    with context.trace("features"):
        vector = extract_features(array, config, request.periodic, context.cancel, sets=request.sets)
        last = array if array.ndim == 2 else array[-1]
        active = last > config.at_rest(REST_POTENTIAL_MV).active_threshold_mv
        boxes = box_counting_dimension(
            active, periodic=request.periodic, scales=config.box_scales, cancel=context.cancel
        )
        extra: dict[str, Any] = {"spectrum": _spectrum(last, request.periodic)} if request.spectrum else {}
    counting = {name: getattr(boxes, name) for name in BoxCountingAnswer.model_fields}
    return Answer(
        FeaturesResponse.model_construct(
            features=vector.to_dict(),
            units=dict(vector.units),
            box_counting=BoxCountingAnswer.model_construct(**counting),
            **extra,
        )
    )


def _spectrum(field_mv: NDArray[np.float64], periodic: bool) -> SpectrumAnswer:
    rings, wavelength = radial_power_spectrum(field_mv, periodic), find_wavelength(field_mv, periodic).wavelength
    return SpectrumAnswer(
        wavenumbers=rings.wavenumbers.tolist(),
        power=rings.power.tolist(),
        wavelength_cells=wavelength if math.isfinite(wavelength) else None,
    )


def _array(request: FeaturesRequest) -> NDArray[np.float64]:
    array = request.history if request.field is None else request.field
    assert array is not None  # noqa: S101 # the model has one of them
    return array


def features_cost(request: FeaturesRequest) -> Cost:
    """Count each cell of each frame, and each cell of the last one for every box scale."""
    array = _array(request)
    cells = array.shape[-1] * array.shape[-2]
    scales = len(request.config.box_scales or range(_USUAL_SCALES))
    frames = array.size // cells
    each = _STEPS_A_FRAME * (frames + request.spectrum) + _STEPS_A_SCALE * scales + sets_cost(request.sets)
    steps = cells * each
    text = f"{steps:,} cell steps ({frames:,} frames of {cells:,} cells, {scales} box scales)"
    return Cost(steps, text, "field" if request.history is None else "history", frames)


FEATURES = Operation(
    name="features",
    tag="simulation",
    run=features,
    access=Access("features", "simulate"),
    request=FeaturesRequest,
    response=FeaturesResponse,
    cost=features_cost,
    body_limit=LARGE_BODY,
    arrays={2: "field", 3: "history"},
    codes=("COST_LIMIT_EXCEEDED", "INVALID_INPUT", "SERVICE_UNAVAILABLE"),
)
