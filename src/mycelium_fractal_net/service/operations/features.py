"""``POST /features``: the 18 numbers of a field or a history."""

from __future__ import annotations

import math
import threading
from collections.abc import Mapping
from typing import Annotated, ClassVar, Literal, Self

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field, WithJsonSchema, model_validator
from starlette.requests import Request

from mycelium_fractal_net.errors import InvalidInputError
from mycelium_fractal_net.features import FEATURE_UNITS, REST_POTENTIAL_MV, FeatureConfig, extract_features
from mycelium_fractal_net.fractals import BoxCounting, box_counting_dimension
from mycelium_fractal_net.service.core.access import access
from mycelium_fractal_net.service.core.call import exchange_of
from mycelium_fractal_net.service.http.arrays import FieldList, Millivolt, field_array
from mycelium_fractal_net.service.http.body import AsInteger, Whole
from mycelium_fractal_net.service.services import services_of

__all__ = [
    "BoxCountingAnswer",
    "FeatureNumbers",
    "FeatureParameters",
    "FeaturesRequest",
    "FeaturesResponse",
    "compute_field_features",
]


Scale = Annotated[Whole, Field(ge=1, le=2_048)]
FeatureNumbers = Annotated[
    dict[str, float],
    WithJsonSchema(
        {
            "type": "object",
            "required": list(FEATURE_UNITS),
            "properties": {
                name: {"type": "number", "description": f"In {unit}."} for name, unit in FEATURE_UNITS.items()
            },
        }
    ),
]


class FeatureParameters(BaseModel):
    """What counts as active, connected and stable; the library's FeatureConfig, bounded."""

    model_config = ConfigDict(extra="forbid", strict=True)

    active_threshold_mv: Millivolt | None = Field(
        None, description="Cells above it are active, in mV; 10 mV above rest if left out."
    )
    cluster_thresholds_mv: Annotated[tuple[Millivolt, Millivolt, Millivolt], Field(strict=False)] | None = Field(
        None,
        description="Ascending thresholds of the counts of clusters, in mV; 10, 20 and 30 above rest if left out.",
    )
    rest_potential_mv: Millivolt | None = Field(None, description="Rest potential in mV; -70 if left out.")
    stability_share: float = Field(
        0.01, gt=0, le=1, description="Share of the field's largest spread above which a step's mean change moves it."
    )
    stability_window: Whole = Field(10, ge=1, le=1_000_000, description="Steps over which that is smoothed.")
    connectivity: Annotated[Literal[4, 8], AsInteger] = Field(
        4, description="Whether cells that touch at a corner only are connected: 8."
    )
    box_scales: Annotated[list[Scale], Field(min_length=2, max_length=64, fail_fast=True)] | None = Field(
        None, description="Sides of the boxes in cells, at least two different ones; chosen by the size if left out."
    )

    def config(self) -> FeatureConfig:
        """Return the library's configuration."""
        return FeatureConfig(**self.model_dump())


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

    arrays: ClassVar[Mapping[str, int]] = {"field": 2, "history": 3}

    field: FieldList | None = Field(None, description="One field, a row a list.")
    history: Annotated[list[FieldList], Field(min_length=1, max_length=4_096, fail_fast=True)] | None = Field(
        None, description="Successive fields, the start included."
    )
    periodic: bool = Field(True, description="Whether opposite edges touch.")
    config: FeatureParameters = Field(FeatureParameters(), description="Thresholds, window, connectivity, box scales.")

    @model_validator(mode="after")
    def _one(self) -> Self:
        if (self.field is None) == (self.history is None):
            raise InvalidInputError("give either field or history", field="field")
        return self


class BoxCountingAnswer(BaseModel):
    """Counts, fit, and whether the fit means anything."""

    dimension: float = Field(description="Slope of log count against log 1/scale.")
    r2: float = Field(description="Coefficient of determination of the fit.")
    standard_error: float | None = Field(description="Of the slope; null with fewer than three scales.")
    verdict: str = Field(description="fractal, crossover, filled, empty or insufficient.")
    scales: list[int] = Field(description="Sides of the boxes in cells.")
    counts: list[int] = Field(description="Boxes that hold an active cell.")


class FeaturesResponse(BaseModel):
    """The 18 features, their units, and the box counting behind the first two."""

    features: FeatureNumbers = Field(description="The 18 features by name.")
    units: dict[str, str] = Field(description="The unit of each; 1 for a number without one.")
    box_counting: BoxCountingAnswer = Field(description="How the dimension came about.")


@access("features", "simulate")
async def compute_field_features(request: Request, body: FeaturesRequest) -> FeaturesResponse:
    """Compute the 18 features of a field or of a history of fields.

    A single field has not moved: dV_mean, dV_max, T_stable and E_trend are 0.
    """
    services, exchange = services_of(request.scope), exchange_of(request.scope)
    config, trace = body.config.config(), services.trace(exchange)

    def work(cancel: threading.Event) -> FeaturesResponse:
        array = field_array("history", body.history) if body.field is None else field_array("field", body.field)
        with trace("features"):
            return _describe(array, config, body.periodic, cancel)

    return await services.compute_for(request, work)


def _describe(
    array: NDArray[np.float64], config: FeatureConfig, periodic: bool, cancel: threading.Event
) -> FeaturesResponse:
    vector = extract_features(array, config, periodic, cancel)
    last = array if array.ndim == 2 else array[-1]
    boxes = box_counting_dimension(
        last > config.at_rest(REST_POTENTIAL_MV).active_threshold_mv,
        periodic=periodic,
        scales=config.box_scales,
        cancel=cancel,
    )
    return FeaturesResponse(features=vector.to_dict(), units=dict(FEATURE_UNITS), box_counting=_boxes(boxes))


def _boxes(boxes: BoxCounting) -> BoxCountingAnswer:
    return BoxCountingAnswer(
        dimension=boxes.dimension,
        r2=boxes.r2,
        standard_error=boxes.standard_error if math.isfinite(boxes.standard_error) else None,
        verdict=boxes.verdict,
        scales=boxes.scales.tolist(),
        counts=boxes.counts.tolist(),
    )
