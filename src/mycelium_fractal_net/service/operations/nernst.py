"""``POST /nernst``."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field
from starlette.requests import Request

from mycelium_fractal_net.biophysics import nernst_potential_mv
from mycelium_fractal_net.biophysics.constants import BODY_TEMPERATURE_K
from mycelium_fractal_net.service.core.access import access
from mycelium_fractal_net.service.http.body import AsInteger

__all__ = ["NernstRequest", "NernstResponse", "nernst"]

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
                    "temperature_k": 310.15,
                },
            ]
        },
    )

    z_valence: Annotated[Literal[-2, -1, 1, 2, 3], AsInteger] = Field(1, description="Charge number.")
    concentration_out_molar: Molar = Field(description="Concentration outside in mol/L.")
    concentration_in_molar: Molar = Field(description="Concentration inside in mol/L.")
    temperature_k: float = Field(BODY_TEMPERATURE_K, ge=273, le=373, description="Temperature in K.")


class NernstResponse(BaseModel):
    """Its equilibrium potential."""

    potential_mV: float = Field(description="Inside minus outside, in mV.")  # noqa: N815 # the pinned name of the API


@access("nernst", "simulate")
async def nernst(request: Request, body: NernstRequest) -> NernstResponse:  # noqa: ARG001 # every endpoint's form
    """Compute the equilibrium potential of one ion.

    Nernst's equation: E = R T / (z F) ln(out / in).
    """
    potential = nernst_potential_mv(
        body.z_valence, body.concentration_out_molar, body.concentration_in_molar, body.temperature_k
    )
    return NernstResponse(potential_mV=potential)
