"""``POST /validate``: the scientific self-check and the learnability check."""

from __future__ import annotations

import math
import threading

from pydantic import BaseModel, ConfigDict, Field
from starlette.requests import Request

from mycelium_fractal_net.dynamics import most_lyapunov_steps
from mycelium_fractal_net.fields import SimulationConfig
from mycelium_fractal_net.service.core.access import access
from mycelium_fractal_net.service.core.call import exchange_of
from mycelium_fractal_net.service.core.errors import too_costly
from mycelium_fractal_net.service.http.body import Whole
from mycelium_fractal_net.service.services import services_of
from mycelium_fractal_net.validation import ENSEMBLE_FIELDS, ValidationReport, validate

__all__ = ["CheckResult", "ValidateRequest", "ValidateResponse", "run_validation"]


class ValidateRequest(BaseModel):
    """What the example and the ensemble look like, and how long the network learns."""

    model_config = ConfigDict(
        extra="forbid", strict=True, json_schema_extra={"examples": [{"grid_size": 16, "steps": 16, "epochs": 2}]}
    )

    seed: Whole = Field(42, ge=0, lt=2**64, description="Seed of the example and of the ensemble.")
    epochs: Whole = Field(1, ge=1, le=100, description="Passes of the network over its fields.")
    batch_size: Whole = Field(4, ge=1, le=192, description="Fields a step of the optimiser.")
    grid_size: Whole = Field(64, ge=8, le=512, description="Cells along each side.")
    steps: Whole = Field(64, ge=1, le=10_000, description="Steps of each field.")
    turing_enabled: bool = Field(True, description="Whether the Turing pair drives the fields.")
    quantum_jitter: bool = Field(False, description="Whether Gaussian noise is added each step.")


class CheckResult(BaseModel):
    """One scientific check."""

    name: str = Field(description="What is checked.")
    expected: float | str = Field(description="What had to come out.")
    got: float | str | None = Field(description="What came out; null if it was not finite.")
    tolerance: float = Field(description="How far off it may be.")
    passed: bool = Field(description="Whether it is within the tolerance.")
    reference: str = Field(description="Where the expected value comes from.")


class ValidateResponse(BaseModel):
    """What was found."""

    passed: bool = Field(description="Whether every check passed.")
    loss_start: float = Field(description="Mean squared error of the network before training.")
    loss_final: float = Field(description="The same after training.")
    loss_drop: float = Field(description="The difference.")
    r2_held_out: float = Field(description="Coefficient of determination on fields the network has not seen.")
    target: str = Field(description="The parameter that is learnt.")
    pot_min_mV: float = Field(description="Lowest potential of the example.")  # noqa: N815 # the pinned names of the API
    pot_max_mV: float = Field(description="Highest potential of the example.")  # noqa: N815 # as above
    example_fractal_dim: float = Field(description="Box-counting dimension of the example.")
    lyapunov_exponent: float | None = Field(
        description="Of the example, per step, as /simulate gives it; null where a step wipes every disturbance out."
    )
    growth_events: int = Field(description="Growth events of the example.")
    nernst_symbolic_mV: float = Field(  # noqa: N815 # as above
        description="Potassium's potential from the exact formula with 50 digits."
    )
    nernst_numeric_mV: float = Field(description="The same from the library.")  # noqa: N815 # as above
    checks: list[CheckResult] = Field(description="Every scientific check.")


@access("validate", "simulate")
async def run_validation(request: Request, body: ValidateRequest) -> ValidateResponse:
    """Check the science of this service.

    Takes seconds: beside the scientific checks, 240 fields are simulated, a network learns from the features of 192 of
    them, and the example settles before its Lyapunov exponent is measured.
    """
    services = services_of(request.scope)
    _check_cost(body, services.settings.max_cell_steps)
    trace = services.trace(exchange_of(request.scope))

    def work(cancel: threading.Event) -> ValidateResponse:
        with trace("validation", grid_size=body.grid_size, steps=body.steps):
            return _answer(validate(**body.model_dump(), threads=1, cancel=cancel))

    answer = await services.compute_for(request, work)
    services.metrics.validated(answer.passed)
    return answer


def _check_cost(body: ValidateRequest, most: int) -> None:
    """Refuse what would take too long: every field of the ensemble and the exponent's two count."""
    config = SimulationConfig(grid_size=body.grid_size, steps=body.steps)
    updates = config.grid_size**2 * (config.steps * (ENSEMBLE_FIELDS + 1) + most_lyapunov_steps(config))
    if updates > most:
        message = (
            f"{updates:,} cell steps ({ENSEMBLE_FIELDS} fields of {body.grid_size} x {body.grid_size} cells and "
            f"{body.steps:,} steps, and the Lyapunov exponent) are more than the {most:,} that one request may ask for "
            "(MFN_MAX_CELL_STEPS)"
        )
        raise too_costly(message, "steps", body.steps)


def _finite(value: float | str) -> float | str | None:
    return value if isinstance(value, str) or math.isfinite(value) else None


def _answer(report: ValidationReport) -> ValidateResponse:
    values = report.to_dict()
    for name in ("pot_min", "pot_max", "nernst_symbolic", "nernst_numeric"):
        values[f"{name}_mV"] = values.pop(f"{name}_mv")
    values["lyapunov_exponent"] = _finite(report.lyapunov_exponent)
    values["checks"] = [{**check, "got": _finite(check["got"])} for check in values["checks"]]
    return ValidateResponse(**values)
