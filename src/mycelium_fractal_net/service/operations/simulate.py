"""``simulate``: what ``mfn.simulate`` computes, to the bit."""

from __future__ import annotations

import math
from time import perf_counter
from typing import Annotated, Any, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field, WithJsonSchema, field_validator

from mycelium_fractal_net.dynamics import LyapunovEstimate, estimate_exponent, most_lyapunov_steps
from mycelium_fractal_net.errors import InvalidInputError
from mycelium_fractal_net.features import FeatureVector, extract_features
from mycelium_fractal_net.fields import (
    SimulationConfig,
    SimulationResult,
    get_kinetics,
    list_kinetics,
    measure_wavelengths,
    simulate,
)
from mycelium_fractal_net.fields.config import Frozen, Real
from mycelium_fractal_net.fields.variables import variable
from mycelium_fractal_net.service.core.access import Access
from mycelium_fractal_net.service.operations.features import (
    SETS_FIELD,
    FeatureNumbers,
    GivenFeatureConfig,
    Sets,
    sets_cost,
)
from mycelium_fractal_net.service.operations.operation import Answer, Context, Cost, Operation
from mycelium_fractal_net.service.operations.receipt import Receipt, receipt_of
from mycelium_fractal_net.service.operations.types import Box, Whole, as_integer

__all__ = [
    "SIMULATE",
    "GridSize",
    "Rate",
    "Seed",
    "Show",
    "SimulateRequest",
    "SimulateResponse",
    "Steps",
    "described_parameters",
    "response_of",
    "simulation_cost",
]

GridSize = Annotated[Whole, Field(ge=8, le=512, description="Cells along each side of the square lattice.")]
Steps = Annotated[Whole, Field(ge=1, le=10_000, description="Steps to simulate.")]
Seed = Annotated[Whole, Field(ge=0, lt=2**64, description="Seed of every random process.")]
Part = Literal["features", "field", "lyapunov", "wavelengths"]
Rate = Annotated[Real, Field(ge=-1e6, le=1e6)]
Show = Literal["v", "activator", "inhibitor"]
PairField = Annotated[NDArray[np.float64], Box(((8, 512), (8, 512)), -1e6, 1e6)]
StartField = Annotated[NDArray[np.float64], Box(((8, 512), (8, 512)), -1000, 1000)]
Rows = Annotated[
    NDArray[np.floating[Any]],
    WithJsonSchema({"type": "array", "items": {"type": "array", "items": {"type": "number"}}}),
]

_EXAMPLES: list[Any] = [
    {"grid_size": 32, "steps": 32, "seed": 7, "include": ["features"]},
    {"grid_size": 16, "steps": 8, "kinetics": "gray-scott", "boundary": "neumann", "include": ["field"]},
    {"grid_size": 16, "steps": 8, "kinetics_parameters": {"bias": -0.05}, "clamp_mv": [-90, 30], "dtype": "float32"},
    {"grid_size": 8, "steps": 2, "turing_enabled": False, "initial_field_mv": [[-60.0] * 8] * 8},
]

_USUAL_SUBSTEPS = 10
_PASSES = {"euler": 1, "heun": 3, "exponential": 100}  # over the field in a substep, in time


def _say_more(schema: dict[str, Any]) -> None:
    """Add examples, and the bounds that the configuration checks in ways of its own."""
    schema["examples"] = _EXAMPLES
    properties = schema["properties"]
    properties["alpha"]["maximum"] = 0.25
    properties["kinetics"] = {**properties["kinetics"], "enum": list_kinetics()}
    properties["kinetics_parameters"].update(described_parameters())


def described_parameters() -> dict[str, Any]:
    """Return what JSON Schema can say of the parameters of all kinetics."""
    return {
        "description": "Rate constants and diffusion coefficients (D_a, D_h) that replace the defaults. Each "
        "kinetics has its own names.",
        "additionalProperties": False,
        "properties": dict(sorted(_kinetics_parameters().items())),
    }


def _kinetics_parameters() -> dict[str, Any]:
    owners: dict[str, list[str]] = {}
    for kinetics in list_kinetics():
        for name in get_kinetics(kinetics).parameters:
            owners.setdefault(name, []).append(kinetics)
    rate = {"type": "number", "minimum": -1e6, "maximum": 1e6}
    diffusion = {"type": "number", "minimum": 0, "maximum": 20}
    return {
        name: {**(diffusion if name.startswith("D_") else rate), "description": f"Parameter of {', '.join(users)}."}
        for name, users in owners.items()
    }


def _with_whole_steps(items: Any) -> Any:
    """Take 2.0 for 2 in the steps of changes and stimuli, as JSON Schema does."""
    if not isinstance(items, list):
        return items
    return [
        {name: as_integer(value) if name in {"step", "over"} else value for name, value in item.items()}
        if isinstance(item, dict)
        else item
        for item in items
    ]


class SimulateRequest(SimulationConfig):
    """A simulation's parameters, and what to say about its result."""

    model_config = ConfigDict(json_schema_extra=_say_more)

    grid_size: GridSize = 64
    steps: Steps = 64
    seed: Seed = 42
    kinetics_parameters: Annotated[dict[str, Rate], Field(max_length=20)] = Field(
        default_factory=dict,  # of {} and [] pydantic would take a deep copy for each request
        json_schema_extra={"default": {}},
        description="Rate constants and diffusion coefficients (D_a, D_h) that replace the defaults.",
    )
    include: Annotated[list[Part], Field(max_length=4, fail_fast=True)] = Field(
        default_factory=list, json_schema_extra={"default": []}, description="What to add to the response."
    )
    domain: Annotated[tuple[GridSize, GridSize], Field(strict=False)] | None = Field(
        default=None, description="Rows and columns of a rectangular lattice, the longer of which is grid_size."
    )
    field: Show = Field(default="v", description="Which field is included: the potential is in mV.")
    sets: Sets = SETS_FIELD
    feature_config: GivenFeatureConfig | None = Field(
        default=None, description="Thresholds, window, connectivity, box scales of the features."
    )
    initial_activator: PairField | None = Field(default=None, description="Activator at step 0, with start = array.")
    initial_inhibitor: PairField | None = Field(default=None, description="Inhibitor at step 0, with start = array.")
    initial_field_mv: StartField | None = Field(
        default=None,
        description="Potential at step 0 in mV as a list of rows, with the lattice's shape and inside clamp_mv. Not "
        "with lyapunov in include, which is measured from the random start.",
    )

    _whole = field_validator("least_substeps", "resolution", "stencil", mode="before")(as_integer)
    _whole_steps = field_validator("schedule", "stimuli", mode="before")(_with_whole_steps)

    def __init__(self, **values: Any) -> None:
        BaseModel.__init__(self, **values)

    # As a part of another request its faults are told one by one, as those of POST /simulate are.
    __init__.__pydantic_base_init__ = True  # type: ignore[attr-defined]

    def config(self) -> SimulationConfig:
        """Return the library's configuration; the request has been validated as one, and is not once more."""
        values = {name: getattr(self, name) for name in SimulationConfig.model_fields}
        return SimulationConfig.model_construct(**{**values, "kinetics_parameters": Frozen(self.kinetics_parameters)})


class WavelengthAnswer(BaseModel):
    """One wavelength, with the step at which it was measured and what it means."""

    cells: float | None = Field(description="Wavelength in cells; null if none stands out.")
    step: int | None = Field(description="Step of the measurement; null for a prediction.")
    verdict: str = Field(description="Explanation in words.")


class SimulateResponse(BaseModel):
    """Counts, potentials and dimension of the last field; what was asked for beside; the receipt."""

    model_config = ConfigDict(arbitrary_types_allowed=True)

    growth_events: int = Field(description="Growth events in all steps.")
    turing_activations: int = Field(description="Cells above the threshold, summed over the steps.")
    clamping_events: int = Field(description="Potentials clipped to clamp_mv, summed over the steps.")
    pot_min_mV: float = Field(description="Lowest potential of the last field.")  # noqa: N815 # the pinned names
    pot_max_mV: float = Field(description="Highest potential of the last field.")  # noqa: N815 # as above
    pot_mean_mV: float = Field(description="Mean potential of the last field.")  # noqa: N815 # as above
    pot_std_mV: float = Field(description="Standard deviation of the last field.")  # noqa: N815 # as above
    fractal_dimension: float = Field(description="Box-counting dimension of the active cells.")
    features: FeatureNumbers | None = Field(
        default=None, description="If included: the 18 core features, or those of `sets`."
    )
    field: Rows | None = Field(
        default=None,
        description="If included: the last field; of float32 the exact values.",
    )
    lyapunov_exponent: float | None = Field(
        default=None,
        description="Largest Lyapunov exponent per step, if included; null if one step erases every perturbation.",
    )
    lyapunov_standard_error: float | None = Field(
        default=None,
        description="Standard error of that exponent, from 20 successive blocks; null if the exponent is null.",
    )
    lyapunov_converged: bool | None = Field(
        default=None, description="Whether the halves of that measurement agree within three standard errors."
    )
    wavelengths: dict[str, WavelengthAnswer] | None = Field(
        default=None, description="If included: predicted on the lattice, grown first, and settled, in this order."
    )
    receipt: Receipt = Field(description="Identifies the result.")


def run_simulation(request: SimulateRequest, context: Context) -> Answer:
    """Simulate a field.

    ``Accept: application/x-npy`` or ``application/vnd.apache.arrow.stream`` gives the field alone, its receipt in
    the header ``X-MFN-Receipt``; what else could be included travels in JSON only.
    """
    start, wanted = request.initial_field_mv, frozenset(request.include)
    given = [request.initial_activator, request.initial_inhibitor]
    if any(array is not None for array in (start, *given)) and "lyapunov" in wanted:
        raise InvalidInputError(
            "the Lyapunov exponent is measured from the random start; leave out the initial fields", field="include"
        )
    config, begin = request.config(), perf_counter()
    with context.trace("simulation", grid_size=config.grid_size, steps=config.steps):
        result = simulate(
            config,
            start,
            threads=1,
            cancel=context.cancel,
            initial_activator=given[0],
            initial_inhibitor=given[1],
            sets=request.sets,
            feature_config=request.feature_config,
        )
    duration_s = perf_counter() - begin
    with context.trace("features"):
        core = _core_of(result)
    exponent = None
    if "lyapunov" in wanted:
        with context.trace("lyapunov"):
            exponent = estimate_exponent(config, cancel=context.cancel)
    metrics = context.services.metrics
    largest = None if exponent is None else float(exponent.exponents[0])
    metrics.simulated(config, duration_s, result.growth_events, core.D_box, largest)
    receipt = receipt_of(result, start)
    column = variable(request.field).attribute
    return Answer(
        response_of(result, exponent, receipt, wanted, request.field), getattr(result, column), receipt, column
    )


def _core_of(result: SimulationResult) -> FeatureVector:
    """Return the 18 features, and compute those that were asked for."""
    return result.features if "core" in result.sets else extract_features(result)


def response_of(
    result: SimulationResult,
    exponent: LyapunovEstimate | None,
    receipt: Receipt,
    wanted: frozenset[str],
    field: str = "v",
) -> SimulateResponse:
    """Make the response; what was not asked for is left out."""
    features = _core_of(result)
    extra: dict[str, Any] = {}
    if "features" in wanted:
        extra["features"] = result.features.to_dict()
    if "field" in wanted:
        extra["field"] = np.asarray(getattr(result, variable(field).attribute), dtype=np.float64)
    if exponent is not None:
        extra["lyapunov_exponent"] = float(exponent.exponents[0])
        extra["lyapunov_standard_error"] = float(exponent.standard_errors[0])
        extra["lyapunov_converged"] = exponent.converged
    if "wavelengths" in wanted:
        extra["wavelengths"] = measure_wavelengths(result).to_dict()
    return SimulateResponse.model_construct(
        growth_events=result.growth_events,
        turing_activations=result.turing_activations,
        clamping_events=result.clamping_events,
        pot_min_mV=features.V_min,
        pot_max_mV=features.V_max,
        pot_mean_mV=features.V_mean,
        pot_std_mV=features.V_std,
        fractal_dimension=features.D_box,
        **extra,
        receipt=receipt,
    )


def simulation_cost(request: SimulateRequest) -> Cost:
    """Count cells times steps, and that once more for every ten substeps beyond ten.

    Examples
    --------
    >>> simulation_cost(SimulateRequest(grid_size=100, steps=1001)).text
    '10,010,000 cell steps (100 x 100 cells, 1,001 steps)'
    """
    (rows, columns), lyapunov = request.shape, "lyapunov" in request.include
    cells = rows * columns
    steps = request.steps * (2 if "wavelengths" in request.include else 1)
    steps += most_lyapunov_steps(request) if lyapunov else 0
    substeps = request.most_substeps if request.turing_enabled else 1
    passes = substeps * _PASSES[request.scheme] + request.method.potential_substeps(request.alpha, request.leak) - 1
    rounds, more = math.ceil(passes / _USUAL_SUBSTEPS), sets_cost(request.sets)
    extra = ", the Lyapunov exponent included" if lyapunov else ""
    extra += f", {rounds} times for {substeps:,} substeps" if rounds > 1 else ""
    extra += ", and feature sets" if more else ""
    total = cells * (steps * rounds + more)
    text = f"{total:,} cell steps ({rows} x {columns} cells, {steps:,} steps{extra})"
    kind = f"{request.kinetics}:{request.dtype}:{request.stencil}:{request.grid_size.bit_length()}"
    kind += ":exponent" if lyapunov else ""
    return Cost(total, text, "steps", request.steps, kind)


SIMULATE = Operation(
    name="simulate",
    tag="simulation",
    run=run_simulation,
    access=Access("simulate", "simulate"),
    request=SimulateRequest,
    response=SimulateResponse,
    cost=simulation_cost,
    simulated=SimulateRequest.config,
    arrays={2: "initial_field_mv"},
    more_arrays=("initial_activator", "initial_inhibitor"),
    array_answer="field",
    codes=(
        "COST_LIMIT_EXCEEDED",
        "INVALID_INPUT",
        "UNSTABLE_PARAMETERS",
        "NUMERICAL_DIVERGENCE",
        "SERVICE_UNAVAILABLE",
    ),
)
