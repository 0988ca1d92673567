"""``POST /federated/aggregate``."""

from __future__ import annotations

import threading
from typing import Annotated, Literal, get_args

from pydantic import BaseModel, ConfigDict, Field
from starlette.requests import Request

from mycelium_fractal_net import federated as fed
from mycelium_fractal_net.errors import AggregationError
from mycelium_fractal_net.service.middleware.access import access
from mycelium_fractal_net.service.middleware.exchange import exchange_of
from mycelium_fractal_net.service.rest.arrays import FieldList, field_array
from mycelium_fractal_net.service.services import services_of

__all__ = ["RULES", "AggregateRequest", "AggregateResponse", "aggregate", "make_rule"]

RuleName = Literal[
    "hierarchical_krum",
    "krum",
    "multi_krum",
    "bulyan",
    "median",
    "trimmed_mean",
    "nnm_trimmed_mean",
    "geometric_median",
    "mean",
    "tree",
]
RULES: tuple[str, ...] = get_args(RuleName)

_CLUSTERS = 10
_LEAST_IN_CLUSTER = 3


class AggregateRequest(BaseModel):
    """Clients' gradients and the rule that combines them."""

    model_config = ConfigDict(
        extra="forbid",
        strict=True,
        json_schema_extra={"examples": [{"gradients": [[1.0], [1.1], [0.9], [1.0], [99.0]], "rule": "krum"}]},
    )

    gradients: FieldList = Field(description="One gradient a client, all of one length.")
    rule: RuleName = Field("hierarchical_krum", description="Rule; the page on federated aggregation compares them.")
    num_clusters: int | None = Field(
        None,
        ge=3,
        le=100_000,
        description="Clusters of hierarchical_krum; 10, or as many as leave three gradients to each.",
    )
    byzantine_fraction: float = Field(
        0.2, ge=0, lt=0.5, allow_inf_nan=False, description="Share of hostile clients to be prepared for."
    )
    seed: Annotated[int, Field(ge=0, lt=2**64)] | None = Field(
        None, description="Seed of the assignment to clusters; drawn from a secure source if left out."
    )


class AggregateResponse(BaseModel):
    """The aggregate and how it came about."""

    aggregated_gradient: list[float]
    num_input_gradients: int
    selected: list[int] = Field(description="Gradients the rule picked; empty where it picks none as a whole.")
    rejected: list[int] = Field(description="Gradients refused before anything was computed.")
    rule: str = Field(description="The rule with its parameters.")
    f: int = Field(description="Hostile gradients the rule was prepared for.")
    failure_probability: float = Field(description="Chance that a random assignment captures a leaf; 0 without a tree.")
    seed: int | None = Field(description="The seed that was used; it repeats the same bits.")


@access("aggregate", "federated")
async def aggregate(request: Request, body: AggregateRequest) -> AggregateResponse:
    """Aggregate gradients so that hostile ones cannot steer the answer."""
    services, exchange = services_of(request.scope), exchange_of(request.scope)
    gradients = field_array("gradients", body.gradients)
    rule = make_rule(body, len(gradients))
    trace = services.trace(exchange)

    def work(_cancel: threading.Event) -> AggregateResponse:
        with trace("aggregation", rule=body.rule, gradients=len(gradients)):
            return _answer(rule.aggregate(gradients))

    return await services.compute_for(request, work)


def make_rule(body: AggregateRequest, n: int) -> fed.Rule:
    """Make the rule a request names, for n gradients.

    Raises
    ------
    AggregationError
        When there are too few gradients for it.
    """
    f = int(body.byzantine_fraction * n)
    match body.rule:
        case "hierarchical_krum":
            return fed.HierarchicalKrum(_clusters(body.num_clusters, n), body.byzantine_fraction, body.seed)
        case "krum":
            return fed.Krum(f=f)
        case "multi_krum":
            return fed.MultiKrum(f=f)
        case "bulyan":
            return fed.Bulyan(f=f)
        case "median":
            return fed.Median()
        case "trimmed_mean":
            return fed.TrimmedMean(f=f)
        case "nnm_trimmed_mean":
            return fed.TrimmedMean(f=f).after(fed.NearestNeighborMixing(f=f))
        case "geometric_median":
            return fed.GeometricMedian()
        case "mean":
            return fed.Mean()
        case "tree":
            return fed.Tree.default(n, body.byzantine_fraction, body.seed)


def _clusters(wanted: int | None, n: int) -> int:
    if wanted is not None:
        return wanted
    fitting = min(_CLUSTERS, n // _LEAST_IN_CLUSTER)
    if fitting < _LEAST_IN_CLUSTER:
        raise AggregationError(
            f"hierarchical_krum needs three clusters of three gradients, at least 9; got {n}. "
            "Take median, krum or geometric_median for so few",
            field="gradients",
            value=n,
        )
    return fitting


def _answer(found: fed.Aggregation) -> AggregateResponse:
    return AggregateResponse(
        aggregated_gradient=found.vector.tolist(),
        num_input_gradients=found.n,
        selected=list(found.selected),
        rejected=sorted(found.rejected),
        rule=found.rule,
        f=found.f,
        failure_probability=found.failure_probability,
        seed=found.seed,
    )
