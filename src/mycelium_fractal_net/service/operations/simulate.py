"""``POST /simulate``: what ``mfn.simulate`` computes, to the bit."""

from __future__ import annotations

import math
import threading
from collections.abc import Mapping
from time import perf_counter
from typing import Annotated, Any, ClassVar, Literal

import numpy as np
import orjson
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field
from starlette.requests import Request

from mycelium_fractal_net.dynamics import lyapunov_exponent, most_lyapunov_steps
from mycelium_fractal_net.errors import InvalidInputError
from mycelium_fractal_net.fields import SimulationConfig, SimulationResult, get_kinetics, list_kinetics, simulate
from mycelium_fractal_net.fields.config import Frozen, Real
from mycelium_fractal_net.service.core.access import access
from mycelium_fractal_net.service.core.call import exchange_of
from mycelium_fractal_net.service.core.errors import too_costly
from mycelium_fractal_net.service.http.arrays import (
    ARROW,
    JSON,
    NPY,
    choose_media_type,
    field_array,
    to_arrow,
    to_npy,
)
from mycelium_fractal_net.service.http.body import Whole
from mycelium_fractal_net.service.http.receipt import Receipt, receipt_of
from mycelium_fractal_net.service.http.route import Answer
from mycelium_fractal_net.service.http.rows import Packed
from mycelium_fractal_net.service.operations.features import FeatureNumbers
from mycelium_fractal_net.service.services import Trace, services_of
from mycelium_fractal_net.service.telemetry.metrics import Metrics

__all__ = ["SimulateRequest", "SimulateResponse", "check_cost", "run_simulation"]

Part = Literal["features", "field", "lyapunov"]
Rate = Annotated[Real, Field(ge=-1e6, le=1e6)]
Potential = Annotated[float, Field(ge=-1000, le=1000)]
StartRow = Annotated[list[Potential], Field(min_length=8, max_length=512, fail_fast=True)]
StartField = Annotated[list[StartRow], Field(min_length=8, max_length=512, fail_fast=True), Packed()]

_EXAMPLES: list[Any] = [
    {"grid_size": 32, "steps": 32, "seed": 7, "include": ["features"]},
    {"grid_size": 16, "steps": 8, "kinetics": "gray-scott", "boundary": "neumann", "include": ["field"]},
    {"grid_size": 16, "steps": 8, "kinetics_parameters": {"bias": -0.05}, "clamp_mv": [-90, 30], "dtype": "float32"},
    {"grid_size": 8, "steps": 2, "turing_enabled": False, "initial_field_mv": [[-60.0] * 8] * 8},
]

_USUAL_SUBSTEPS = 10


def _say_more(schema: dict[str, Any]) -> None:
    """Add examples, and the bounds that the configuration checks in ways of its own."""
    schema["examples"] = _EXAMPLES
    properties = schema["properties"]
    properties["alpha"]["maximum"] = 0.25
    properties["kinetics"] = {**properties["kinetics"], "enum": list_kinetics()}
    properties["kinetics_parameters"] = {
        **properties["kinetics_parameters"],
        "description": properties["kinetics_parameters"]["description"] + " Each kinetics has its own names.",
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
        name: {**(diffusion if name.startswith("D_") else rate), "description": f"Of {', '.join(users)}."}
        for name, users in owners.items()
    }


class SimulateRequest(SimulationConfig):
    """A simulation's parameters, and what to say about its result."""

    model_config = ConfigDict(json_schema_extra=_say_more)

    arrays: ClassVar[Mapping[str, int]] = {"initial_field_mv": 2}

    grid_size: Whole = Field(64, ge=8, le=512, description="Cells along each side of the square lattice.")
    steps: Whole = Field(64, ge=1, le=10_000, description="Steps to simulate.")
    seed: Whole = Field(42, ge=0, lt=2**64, description="Seed of every random process.")
    kinetics_parameters: Annotated[dict[str, Rate], Field(max_length=20)] = Field(
        default_factory=dict,  # of {} and [] pydantic would take a deep copy for each request
        json_schema_extra={"default": {}},
        description="Rate constants, D_a and D_h in place of the defaults.",
    )
    include: Annotated[list[Part], Field(max_length=3, fail_fast=True)] = Field(
        default_factory=list, json_schema_extra={"default": []}, description="What to add to the answer."
    )
    initial_field_mv: StartField | None = Field(
        None, description="Potential at step 0 in mV, a row a list: grid_size rows and columns, inside clamp_mv."
    )

    def config(self) -> SimulationConfig:
        """Return the library's configuration; the request has been validated as one, and is not once more."""
        values = {name: getattr(self, name) for name in SimulationConfig.model_fields}
        return SimulationConfig.model_construct(**{**values, "kinetics_parameters": Frozen(self.kinetics_parameters)})


class SimulateResponse(BaseModel):
    """Counts, potentials and dimension of the last field; what was asked for beside; the receipt."""

    growth_events: int = Field(description="Growth events in all steps.")
    turing_activations: int = Field(description="Cells above the threshold, summed over the steps.")
    clamping_events: int = Field(description="Potentials cut off at the clamp, summed over the steps.")
    pot_min_mV: float = Field(description="Lowest potential of the last field.")  # noqa: N815 # the pinned names
    pot_max_mV: float = Field(description="Highest potential of the last field.")  # noqa: N815 # as above
    pot_mean_mV: float = Field(description="Mean potential of the last field.")  # noqa: N815 # as above
    pot_std_mV: float = Field(description="Standard deviation of the last field.")  # noqa: N815 # as above
    fractal_dimension: float = Field(description="Box-counting dimension of the active cells.")
    features: FeatureNumbers | None = Field(None, description="The 18 features, if included.")
    field: list[list[float]] | None = Field(
        None, description="The last field in mV, if included; of float32 the exact values."
    )
    lyapunov_exponent: float | None = Field(
        None, description="Per step, if included; null where a step wipes every disturbance out."
    )
    receipt: Receipt = Field(description="What identifies the result.")


@access("simulate", "simulate")
async def run_simulation(request: Request, body: SimulateRequest) -> SimulateResponse:
    """Simulate a field.

    ``Accept: application/x-npy`` or ``application/vnd.apache.arrow.stream`` gives the field alone, its receipt in
    the header ``X-MFN-Receipt``; what else could be included travels in JSON only.
    """
    services, exchange = services_of(request.scope), exchange_of(request.scope)
    media = choose_media_type(exchange.text_header(b"accept"))
    wanted = frozenset(body.include)
    start = None if body.initial_field_mv is None else field_array("initial_field_mv", body.initial_field_mv)
    if start is not None and "lyapunov" in wanted:
        raise InvalidInputError(
            "the Lyapunov exponent is measured from the random start; leave out initial_field_mv", field="include"
        )
    if media != JSON and wanted - {"field"}:
        raise InvalidInputError(
            f"{media} gives the field alone: ask for {JSON}, or leave {' and '.join(sorted(wanted - {'field'}))} out",
            field="include",
            value=body.include,
        )
    check_cost(body, wanted, services.settings.max_cell_steps)
    trace = services.trace(exchange)

    def work(cancel: threading.Event) -> Any:  # the response as bytes
        return _compute(body.config(), start, wanted, media, trace, services.metrics, cancel)

    return await services.compute_for(request, work)


def check_cost(config: SimulationConfig, wanted: frozenset[str], most: int) -> None:
    """Refuse what would take too long: cells times steps, and that once more for every ten substeps beyond ten.

    Raises
    ------
    ServiceError
        COST_LIMIT_EXCEEDED, with the bound.

    Examples
    --------
    >>> check_cost(SimulationConfig(grid_size=100, steps=1000), frozenset(), 10_000_000)
    >>> check_cost(SimulationConfig(grid_size=100, steps=1001), frozenset(), 10_000_000)
    Traceback (most recent call last):
    ...
    mycelium_fractal_net.service.core.errors.ServiceError: 10,010,000 cell steps (100 x 100 cells, 1,001 steps) ...
    """
    cells = config.grid_size**2
    steps = config.steps + (most_lyapunov_steps(config) if "lyapunov" in wanted else 0)
    rounds = math.ceil(config.most_substeps / _USUAL_SUBSTEPS) if config.turing_enabled else 1
    if cells * steps * rounds > most:
        extra = ", the Lyapunov exponent included" if "lyapunov" in wanted else ""
        extra += f", {rounds} times for {config.most_substeps:,} substeps" if rounds > 1 else ""
        message = (
            f"{cells * steps * rounds:,} cell steps ({config.grid_size} x {config.grid_size} cells, {steps:,} steps"
            f"{extra}) are more than the {most:,} that one request may ask for (MFN_MAX_CELL_STEPS)"
        )
        raise too_costly(message, "steps", config.steps)


def _compute(
    config: SimulationConfig,
    start: NDArray[np.float64] | None,
    wanted: frozenset[str],
    media: str,
    trace: Trace,
    metrics: Metrics,
    cancel: threading.Event,
) -> Answer:
    """Simulate and make the answer: the event loop has nothing left to do but to send it."""
    begin = perf_counter()
    with trace("simulation", grid_size=config.grid_size, steps=config.steps):
        result = simulate(config, start, threads=1, cancel=cancel)
    duration_s = perf_counter() - begin
    with trace("features"):
        _ = result.features
    exponent = None
    if "lyapunov" in wanted:
        with trace("lyapunov"):
            exponent = lyapunov_exponent(config, cancel=cancel)
    metrics.simulated(config, duration_s, result.growth_events, result.features.D_box, exponent)
    receipt = receipt_of(result, start)
    return Answer(_payload(result, exponent, receipt, wanted, media), media.encode(), receipt.headers)


def _payload(
    result: SimulationResult, exponent: float | None, receipt: Receipt, wanted: frozenset[str], media: str
) -> bytes:
    if media == NPY:
        return to_npy(result.field_mv)
    if media == ARROW:
        return to_arrow(result.field_mv, receipt.model_dump())
    return orjson.dumps(_members(result, exponent, receipt, wanted), option=orjson.OPT_SERIALIZE_NUMPY)


def _members(
    result: SimulationResult, exponent: float | None, receipt: Receipt, wanted: frozenset[str]
) -> dict[str, Any]:
    features = result.features
    members: dict[str, Any] = {
        "growth_events": result.growth_events,
        "turing_activations": result.turing_activations,
        "clamping_events": result.clamping_events,
        "pot_min_mV": features.V_min,
        "pot_max_mV": features.V_max,
        "pot_mean_mV": features.V_mean,
        "pot_std_mV": features.V_std,
        "fractal_dimension": features.D_box,
    }
    if "features" in wanted:
        members["features"] = features.to_dict()
    if "field" in wanted:
        members["field"] = np.ascontiguousarray(result.field_mv, dtype=np.float64)
    if "lyapunov" in wanted:
        members["lyapunov_exponent"] = exponent if exponent is not None and math.isfinite(exponent) else None
    return {**members, "receipt": receipt.model_dump()}
