"""``stability``: whether parameters can form a pattern, and of what size."""

from __future__ import annotations

import math
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field

from mycelium_fractal_net.fields import linear_stability, list_kinetics
from mycelium_fractal_net.service.core.access import Access
from mycelium_fractal_net.service.operations.operation import Answer, Context, Operation
from mycelium_fractal_net.service.operations.simulate import Rate, described_parameters

__all__ = ["STABILITY", "StabilityRequest", "StabilityResponse"]


def _say_more(schema: dict[str, Any]) -> None:
    """Add examples and what the kinetics know."""
    schema["examples"] = [{"kinetics": "schnakenberg"}, {"kinetics_parameters": {"D_h": 8.0}}]
    properties = schema["properties"]
    properties["kinetics"] = {**properties["kinetics"], "enum": list_kinetics()}
    properties["kinetics_parameters"].update(described_parameters())


class StabilityRequest(BaseModel):
    """A kinetics and its parameters."""

    model_config = ConfigDict(
        extra="forbid",
        strict=True,
        json_schema_extra=_say_more,
    )

    kinetics: str = Field(default="mycelium", max_length=80, description="Name of the reaction kinetics.")
    kinetics_parameters: Annotated[dict[str, Rate], Field(max_length=20)] = Field(
        default_factory=dict,
        json_schema_extra={"default": {}},
        description="Rate constants and diffusion coefficients (D_a, D_h) that replace the defaults.",
    )


class StabilityResponse(BaseModel):
    """Linear stability around the homogeneous steady state."""

    kinetics: str = Field(description="Name of the reaction kinetics.")
    parameters: dict[str, float] = Field(description="Every parameter, defaults included.")
    steady_state: list[float] = Field(description="Activator and inhibitor where both rates vanish.")
    jacobian: list[list[float]] = Field(description="Jacobian of the two rates at that state, one rate per row.")
    homogeneous_stable: bool = Field(description="Whether the steady state is stable without diffusion.")
    turing_unstable: bool = Field(description="Whether diffusion makes it unstable, so that a pattern grows.")
    wavelength_cells: float | None = Field(
        description="Wavelength that grows fastest, in cells, in the continuum; null without a pattern."
    )
    wavelength_lattice_cells: float | None = Field(
        description="The same on the lattice, along an axis; null without a pattern or where the lattice is too coarse."
    )
    max_growth_rate: float = Field(description="Greatest growth rate over all wave numbers, per unit of time.")
    band: list[float | None] | None = Field(description="Wave numbers between which perturbations grow; null if none.")
    explanation: str = Field(description="Explanation in words.")


def stability(request: StabilityRequest, context: Context) -> Answer:  # noqa: ARG001 # every operation's form
    """Tell whether a kinetics can form a pattern, and of what wavelength.

    Takes about a millisecond; simulates nothing.
    """
    report = linear_stability(request.kinetics, **request.kinetics_parameters)
    return Answer(
        StabilityResponse(
            kinetics=report.kinetics,
            parameters=dict(report.parameters),
            steady_state=list(report.steady_state),
            jacobian=report.jacobian.tolist(),
            homogeneous_stable=report.homogeneous_stable,
            turing_unstable=report.turing_unstable,
            wavelength_cells=_finite(report.wavelength_cells),
            wavelength_lattice_cells=_finite(report.wavelength_lattice_cells),
            max_growth_rate=report.max_growth_rate,
            band=None if report.band is None else [_finite(edge) for edge in report.band],
            explanation=report.explain(),
        )
    )


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None


STABILITY = Operation(
    name="stability",
    tag="simulation",
    run=stability,
    access=Access("simulate", "simulate"),
    request=StabilityRequest,
    response=StabilityResponse,
    codes=("INVALID_INPUT", "SERVICE_UNAVAILABLE"),
)
