"""``validate``: the scientific self-check and the learnability check."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field

from mycelium_fractal_net.dynamics import most_lyapunov_steps
from mycelium_fractal_net.fields import SimulationConfig
from mycelium_fractal_net.service.core.access import Access
from mycelium_fractal_net.service.operations.operation import Answer, Context, Cost, Operation
from mycelium_fractal_net.service.operations.simulate import GridSize, Seed, Steps
from mycelium_fractal_net.service.operations.types import Whole
from mycelium_fractal_net.validation import ENSEMBLE_FIELDS, validate

__all__ = ["VALIDATE", "CheckResult", "ValidateRequest", "ValidateResponse", "validation_cost"]

_CHECKS = 120_000_000
"""Cell steps that take as long as the scientific checks, four seconds."""


class ValidateRequest(BaseModel):
    """What the example and the ensemble look like, and how long the network learns."""

    model_config = ConfigDict(
        extra="forbid", strict=True, json_schema_extra={"examples": [{"grid_size": 16, "steps": 16, "epochs": 2}]}
    )

    seed: Seed = 42
    epochs: Whole = Field(default=1, ge=1, le=100, description="Training epochs of the network.")
    batch_size: Whole = Field(default=4, ge=1, le=192, description="Batch size: fields per step of the optimiser.")
    grid_size: GridSize = 64
    steps: Steps = 64
    turing_enabled: bool = Field(default=True, description="Whether the Turing pair drives the fields.")
    quantum_jitter: bool = Field(default=False, description="Whether Gaussian noise is added each step.")


class CheckResult(BaseModel):
    """One scientific check."""

    name: str = Field(description="What is checked.")
    expected: float | str = Field(description="Expected value.")
    got: float | str | None = Field(description="Computed value; null if it is not finite.")
    tolerance: float = Field(description="Largest allowed difference.")
    passed: bool = Field(description="Whether the difference is within the tolerance.")
    reference: str = Field(description="Where the expected value comes from.")


class ValidateResponse(BaseModel):
    """What was found."""

    passed: bool = Field(description="Whether every check passed.")
    loss_start: float = Field(description="Mean squared error of the network before training.")
    loss_final: float = Field(description="Mean squared error after training.")
    loss_drop: float = Field(description="The difference.")
    r2_held_out: float = Field(description="Coefficient of determination on fields the network has not seen.")
    target: str = Field(description="Parameter that the network learns.")
    pot_min_mV: float = Field(description="Lowest potential of the example.")  # noqa: N815 # the pinned names of the API
    pot_max_mV: float = Field(description="Highest potential of the example.")  # noqa: N815 # as above
    example_fractal_dim: float = Field(description="Box-counting dimension of the example.")
    lyapunov_exponent: float | None = Field(
        description="Largest Lyapunov exponent of the example per step, as in /simulate; null if one step erases "
        "every perturbation."
    )
    lyapunov_standard_error: float | None = Field(
        description="Standard error of that exponent; null if the exponent is null."
    )
    lyapunov_converged: bool = Field(description="Whether the halves of its measurement agree.")
    growth_events: int = Field(description="Growth events of the example.")
    nernst_symbolic_mV: float = Field(  # noqa: N815 # as above
        description="Nernst potential of potassium from the exact formula with 50 digits."
    )
    nernst_numeric_mV: float = Field(description="The same, as the library computes it.")  # noqa: N815 # as above
    checks: list[CheckResult] = Field(description="Every scientific check.")


def run_validation(request: ValidateRequest, context: Context) -> Answer:
    """Check this service against known results.

    Costs as much as 1,400 default simulations, 370 million cell steps: 120 million for the scientific checks, whatever
    is asked for; 240 fields are simulated, a network learns from the features of 192 of them, and the example settles
    before its Lyapunov exponent is measured. Smaller `grid_size` and `steps` make the rest cheaper.
    """
    with context.trace("validation", grid_size=request.grid_size, steps=request.steps):
        report = validate(**request.model_dump(), threads=1, cancel=context.cancel)
    context.services.metrics.validated(report.passed)
    values = {name.replace("_mv", "_mV"): value for name, value in report.to_dict().items()}
    return Answer(ValidateResponse.model_construct(**values))


def validation_cost(request: ValidateRequest) -> Cost:
    """Count every field of the ensemble, the two of the exponent, and the checks that do not depend on the request."""
    config = SimulationConfig(grid_size=request.grid_size, steps=request.steps)
    updates = _CHECKS + config.grid_size**2 * (config.steps * (ENSEMBLE_FIELDS + 1) + most_lyapunov_steps(config))
    text = (
        f"{updates:,} cell steps ({ENSEMBLE_FIELDS} fields of {request.grid_size} x {request.grid_size} cells and "
        f"{request.steps:,} steps, the Lyapunov exponent and the checks)"
    )
    return Cost(updates, text, "steps", request.steps)


VALIDATE = Operation(
    name="validate",
    tag="simulation",
    run=run_validation,
    access=Access("validate", "simulate"),
    request=ValidateRequest,
    response=ValidateResponse,
    cost=validation_cost,
    codes=("COST_LIMIT_EXCEEDED", "MISSING_EXTRA", "SERVICE_UNAVAILABLE"),
    simulated=lambda _: None,
)
