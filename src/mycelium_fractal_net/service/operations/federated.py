"""``POST /federated/aggregate``."""

from __future__ import annotations

import math
import secrets
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Annotated, Any, ClassVar, Literal, get_args

import numpy as np
import orjson
from pydantic import BaseModel, ConfigDict, Field
from starlette.requests import Request

from mycelium_fractal_net import federated as fed
from mycelium_fractal_net.errors import AggregationError
from mycelium_fractal_net.service.core.access import access
from mycelium_fractal_net.service.core.call import exchange_of
from mycelium_fractal_net.service.core.errors import too_costly
from mycelium_fractal_net.service.http.arrays import field_array
from mycelium_fractal_net.service.http.body import Whole
from mycelium_fractal_net.service.http.route import Answer
from mycelium_fractal_net.service.http.rows import Packed
from mycelium_fractal_net.service.services import services_of

__all__ = ["RULES", "AggregateRequest", "AggregateResponse", "aggregate", "check_cost", "make_rule"]

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

# null, or a number beyond every float, is no reason to refuse the other clients: rules reject such a gradient by name.
Value = float | None
Gradient = Annotated[list[Value], Field(min_length=1, max_length=1_000_000, fail_fast=True)]

_PAIR_RULES = frozenset({"krum", "multi_krum", "bulyan", "nnm_trimmed_mean"})
_PAIR_VALUES = 64
_CLUSTERS = 10
_LEAST_IN_CLUSTER = 3
_SEEDED_RULES = frozenset({"hierarchical_krum", "tree"})
_SEED_BITS = 53
_WRITTEN_AT_ONCE = 8_192


class AggregateRequest(BaseModel):
    """Clients' gradients and the rule that combines them."""

    model_config = ConfigDict(
        extra="forbid",
        strict=True,
        json_schema_extra={
            "examples": [
                {"gradients": [[1.0], [1.1], [0.9], [1.0], [99.0]], "rule": "krum"},
                {
                    "gradients": [[i, 1] for i in range(9)],
                    "num_clusters": 3,
                    "byzantine_fraction": 0,
                    "seed": 5,
                },
            ]
        },
    )

    arrays: ClassVar[Mapping[str, int]] = {"gradients": 2}

    gradients: Annotated[list[Gradient], Field(min_length=1, max_length=100_000, fail_fast=True), Packed()] = Field(
        description="One gradient a client, all of one length. A gradient that holds null, or a number beyond every "
        "float such as 1e400, is not finite: it is rejected by name and counts against f."
    )
    rule: RuleName = Field("hierarchical_krum", description="Rule; the page on federated aggregation compares them.")
    num_clusters: Whole | None = Field(
        None,
        ge=3,
        le=100_000,
        description="Clusters of hierarchical_krum; 10, or as many as leave three gradients to each.",
    )
    byzantine_fraction: float = Field(
        0.2, ge=0, lt=0.5, allow_inf_nan=False, description="Share of hostile clients to be prepared for."
    )
    seed: Annotated[Whole, Field(ge=0, lt=2**64)] | None = Field(
        None,
        description="Seed of the assignment to clusters or leaves; 53 bits from a secure source if left out. It must "
        "be unknown to the clients until their gradients are in.",
    )


class AggregateResponse(BaseModel):
    """The aggregate and how it came about."""

    aggregated_gradient: list[float] = Field(description="One number for each place of the gradients.")
    num_input_gradients: int = Field(description="Gradients that came.")
    selected: list[int] = Field(description="Gradients the rule picked; empty where it picks none as a whole.")
    rejected: list[int] = Field(description="Gradients refused before anything was computed: they are not finite.")
    rule: str = Field(description="The rule with its parameters.")
    f: int = Field(description="Hostile gradients the rule was prepared for.")
    failure_probability: float = Field(
        description="Chance that a random assignment puts more hostile gradients into a leaf, or cluster, than it "
        "stands; 0 for a rule without either."
    )
    assumption: str = Field(description="What that rests on, in words; empty for a rule that needs no more than its f.")
    seed: int | None = Field(description="The seed that was used; it repeats the same bits.")


@access("aggregate", "federated")
async def aggregate(request: Request, body: AggregateRequest) -> AggregateResponse:
    """Aggregate gradients so that hostile ones cannot steer the answer.

    Needs a key with the scope ``federated``.
    """
    services, exchange = services_of(request.scope), exchange_of(request.scope)
    gradients = field_array("gradients", body.gradients)
    n, length = gradients.shape
    check_cost(body, n, length, services.settings.max_cell_steps)
    rule = make_rule(body, n)
    trace = services.trace(exchange)

    def work(cancel: threading.Event) -> bytes:
        with trace("aggregation", rule=body.rule, gradients=n), _naming("gradients", n):
            return _payload(rule.aggregate(gradients, cancel=cancel))

    return Answer(await services.compute_for(request, work))  # type: ignore[return-value] # the response as bytes


def check_cost(body: AggregateRequest, n: int, length: int, most: int) -> None:
    """Refuse what would take too long, or too much memory: every pair of gradients counts with its values.

    Bulyan, which picks again from those that are left, counts every triple; the geometric median solves equations,
    as many as there are gradients or values, whichever are fewer. Mean, median and trimmed mean cost no more than the
    reading of the body, and a tree's groups are small.

    Raises
    ------
    ServiceError
        COST_LIMIT_EXCEEDED, with the bound.

    Examples
    --------
    >>> request = AggregateRequest(gradients=[[1.0]], rule="bulyan")
    >>> check_cost(request, 1000, 50, 2_000_000_000)
    >>> check_cost(request, 2000, 50, 2_000_000_000)
    Traceback (most recent call last):
    ...
    mycelium_fractal_net.service.core.errors.ServiceError: bulyan of 2,000 gradients takes 8,256,000,000 ...
    """
    pairs = 0
    if body.rule == "hierarchical_krum":
        clusters = _clusters(body.num_clusters, n)
        pairs = n * math.ceil(n / clusters) + clusters**2
    elif body.rule in _PAIR_RULES:
        pairs = n**2
    triples = {"bulyan": n, "geometric_median": min(n, length)}.get(body.rule, 0) ** 3
    cost = pairs * max(length, _PAIR_VALUES) + triples
    if cost > most:
        message = (
            f"{body.rule} of {n:,} gradients takes {cost:,} operations, more than the {most:,} that one request may "
            "ask for (MFN_MAX_CELL_STEPS); the rule tree takes many gradients"
        )
        raise too_costly(message, "gradients", n)


def make_rule(body: AggregateRequest, n: int) -> fed.Rule:
    """Make the rule a request names, for n gradients.

    A seed that is left out is drawn here: the library's own has more bits than JavaScript's numbers, and than a request
    may give.

    Raises
    ------
    AggregationError
        When there are too few gradients for it.
    """
    given = "byzantine_fraction" if body.num_clusters is None else "num_clusters"
    with _naming(given, getattr(body, given)):
        return _rule(body, n)


def _rule(body: AggregateRequest, n: int) -> fed.Rule:
    f = fed.hostile_clients(n, body.byzantine_fraction)
    seed = secrets.randbits(_SEED_BITS) if body.seed is None and body.rule in _SEEDED_RULES else body.seed
    match body.rule:
        case "hierarchical_krum":
            return fed.HierarchicalKrum(_clusters(body.num_clusters, n), body.byzantine_fraction, seed)
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
            return fed.Tree.default(n, body.byzantine_fraction, seed)


@contextmanager
def _naming(field: str, value: Any) -> Iterator[None]:
    """Say which field of the request a rule's refusal is about, unless it does."""
    try:
        yield
    except AggregationError as error:
        if "field" in error.details:
            raise
        raise AggregationError(error.message, field=field, value=value) from error


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


def _payload(found: fed.Aggregation) -> bytes:
    """Write the answer, a piece of the vector at a time: a million numbers at once would hold everybody up."""
    answer = _answer(found)
    pieces = np.array_split(found.vector, found.vector.size // _WRITTEN_AT_ONCE + 1)
    numbers = b",".join(orjson.dumps(piece, option=orjson.OPT_SERIALIZE_NUMPY)[1:-1] for piece in pieces)
    return answer.__pydantic_serializer__.to_json(answer).replace(b"[]", b"[" + numbers + b"]", 1)


def _answer(found: fed.Aggregation) -> AggregateResponse:
    return AggregateResponse(
        aggregated_gradient=[],
        num_input_gradients=found.n,
        selected=list(found.selected),
        rejected=sorted(found.rejected),
        rule=found.rule,
        f=found.f,
        failure_probability=found.failure_probability,
        assumption=found.assumption,
        seed=found.seed,
    )
