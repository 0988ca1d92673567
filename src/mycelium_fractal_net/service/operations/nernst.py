"""``nernst``: the equilibrium potential of an ion."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from mycelium_fractal_net.biophysics import nernst_potential_mv
from mycelium_fractal_net.biophysics.constants import BODY_TEMPERATURE_K
from mycelium_fractal_net.service.core.access import Access
from mycelium_fractal_net.service.operations.operation import Answer, Context, Operation
from mycelium_fractal_net.service.operations.types import AsInteger

__all__ = ["NERNST", "NernstRequest", "NernstResponse"]

Molar = Annotated[float, Field(gt=0, le=1e6)]


class NernstRequest(BaseModel):
    """One ion at a membrane."""

    model_config = ConfigDict(
        extra="forbid",
        strict=True,
        json_schema_extra={
            "examples": [
                {"z_valence": 1, "concentration_out_molar": 0.005, "concentration_in_molar": 0.14},
                {
                    "z_valence": 2,
                    "concentration_out_molar": 0.002,
                    "concentration_in_molar": 1e-7,
                    "temperature_k": 298.15,
                },
            ]
        },
    )

    z_valence: Annotated[Literal[-2, -1, 1, 2, 3], AsInteger] = Field(default=1, description="Charge number.")
    concentration_out_molar: Molar = Field(description="Concentration outside in mol/L.")
    concentration_in_molar: Molar = Field(description="Concentration inside in mol/L.")
    temperature_k: float = Field(
        default=BODY_TEMPERATURE_K, ge=273, le=373, description="Temperature in K; by default body temperature."
    )


class NernstResponse(BaseModel):
    """Its equilibrium potential."""

    potential_mV: float = Field(description="Inside minus outside, in mV.")  # noqa: N815 # the pinned name of the API


def nernst(request: NernstRequest, context: Context) -> Answer:  # noqa: ARG001 # every operation's form
    """Compute the equilibrium potential of one ion.

    Nernst's equation: E = R T / (z F) ln(out / in).
    """
    potential = nernst_potential_mv(
        request.z_valence, request.concentration_out_molar, request.concentration_in_molar, request.temperature_k
    )
    return Answer(NernstResponse(potential_mV=potential))


NERNST = Operation(
    name="nernst",
    tag="biophysics",
    run=nernst,
    access=Access("nernst", "simulate"),
    request=NernstRequest,
    response=NernstResponse,
    inline=True,
)
