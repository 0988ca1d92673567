"""``POST /features``: the 18 numbers of a field or a history."""

from __future__ import annotations

import math
import threading
from collections.abc import Mapping
from dataclasses import fields
from typing import Annotated, Any, Self

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator
from starlette.requests import Request

from mycelium_fractal_net.features import FEATURE_UNITS, FeatureConfig, extract_features
from mycelium_fractal_net.fractals import BoxCounting, box_counting_dimension
from mycelium_fractal_net.service.errors import masked
from mycelium_fractal_net.service.middleware.access import access
from mycelium_fractal_net.service.middleware.exchange import exchange_of
from mycelium_fractal_net.service.rest.arrays import FieldList, field_array
from mycelium_fractal_net.service.services import services_of

__all__ = ["BoxCountingAnswer", "FeaturesRequest", "FeaturesResponse", "compute_field_features"]


def _as_config(value: Any) -> Any:
    if not isinstance(value, Mapping):
        return value
    unknown = sorted(set(value) - {field.name for field in fields(FeatureConfig)})
    if unknown:
        raise ValueError(f"there is no {masked(unknown[0])!r} in the configuration of features")
    return FeatureConfig(**value)


class FeaturesRequest(BaseModel):
    """A field, or a history of fields, in mV."""

    model_config = ConfigDict(
        extra="forbid",
        strict=True,
        json_schema_extra={"examples": [{"field": [[-70.0, -40.0], [-40.0, -70.0]], "periodic": True}]},
    )

    field: FieldList | None = Field(None, description="One field, a row a list.")
    history: Annotated[list[FieldList], Field(min_length=1)] | None = Field(
        None, description="Successive fields, the start included."
    )
    periodic: bool = Field(True, description="Whether opposite edges touch.")
    config: Annotated[FeatureConfig, BeforeValidator(_as_config)] = Field(
        FeatureConfig(), description="Thresholds, window, connectivity, box scales."
    )

    @model_validator(mode="after")
    def _one(self) -> Self:
        if (self.field is None) == (self.history is None):
            raise ValueError("give either field or history")
        return self


class BoxCountingAnswer(BaseModel):
    """Counts, fit, and whether the fit means anything."""

    dimension: float
    r2: float
    standard_error: float | None = Field(description="Of the slope; null with fewer than three scales.")
    verdict: str = Field(description="fractal, crossover, filled, empty or insufficient.")
    scales: list[int] = Field(description="Sides of the boxes in cells.")
    counts: list[int] = Field(description="Boxes that hold an active cell.")


class FeaturesResponse(BaseModel):
    """The 18 features, their units, and the box counting behind the first two."""

    features: dict[str, float]
    units: dict[str, str]
    box_counting: BoxCountingAnswer


@access("features", "simulate")
async def compute_field_features(request: Request, body: FeaturesRequest) -> FeaturesResponse:
    """Compute the 18 features."""
    services, exchange = services_of(request.scope), exchange_of(request.scope)
    array = field_array("field", body.field) if body.field is not None else field_array("history", body.history or [])
    trace = services.trace(exchange)

    def work(_cancel: threading.Event) -> FeaturesResponse:
        with trace("features"):
            return _describe(array, body)

    return await services.compute_for(request, work)


def _describe(array: NDArray[np.float64], body: FeaturesRequest) -> FeaturesResponse:
    vector = extract_features(array, body.config, body.periodic)
    last = array if array.ndim == 2 else array[-1]
    boxes = box_counting_dimension(
        last > body.config.active_threshold_mv, periodic=body.periodic, scales=body.config.box_scales
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
