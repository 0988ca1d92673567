"""``aggregate``: clients' gradients, combined by a robust rule."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated, Any

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field, WithJsonSchema

from mycelium_fractal_net import federated as fed
from mycelium_fractal_net._version import __version__
from mycelium_fractal_net.errors import AggregationError
from mycelium_fractal_net.federated.rules import DEFAULT_RULE, RuleName, cluster_count, make_rule
from mycelium_fractal_net.service.core.access import Access
from mycelium_fractal_net.service.operations.operation import LARGE_BODY, Answer, Context, Cost, Operation
from mycelium_fractal_net.service.operations.types import Box, Whole

__all__ = ["AGGREGATE", "AggregateRequest", "AggregateResponse", "aggregation_cost"]

# null is no reason to refuse the other clients: rules reject such a gradient by name.
Gradients = Annotated[NDArray[np.float64], Box(((1, 100_000), (1, 1_000_000)), holes=True)]
Numbers = Annotated[NDArray[np.float64], WithJsonSchema({"type": "array", "items": {"type": "number"}})]

_PAIR_RULES = frozenset({"krum", "multi_krum", "bulyan", "nnm_trimmed_mean"})
_PAIR_VALUES = 64


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

    gradients: Gradients = Field(
        description="One gradient per client, all of one length. A gradient that holds null (in an array: NaN or an "
        "infinity) is not finite: it is rejected by name and counts against f."
    )
    rule: RuleName = Field(default=DEFAULT_RULE, description="Rule; the page on federated aggregation compares them.")
    num_clusters: Whole | None = Field(
        default=None,
        ge=1,
        le=100_000,
        description="Clusters of hierarchical_krum, at least 3 and at most a third of the gradients; by default 10, "
        "or as many as leave three gradients to each. 1 means Krum over all, and `rule` in the response says so.",
    )
    byzantine_fraction: float = Field(
        default=0.2,
        ge=0,
        lt=0.5,
        allow_inf_nan=False,
        description="Share of hostile clients to tolerate; each rule needs enough gradients for it.",
    )
    radius: float = Field(
        default=1.0,
        gt=0,
        le=1e300,
        allow_inf_nan=False,
        description="centered_clipping: differences longer than this radius are clipped to it.",
    )
    seed: Annotated[Whole, Field(ge=0, lt=2**64)] | None = Field(
        default=None,
        description="Seed of the assignment to clusters or leaves; by default 53 bits from a secure source. Clients "
        "must not know it before their gradients are in.",
    )


class AggregateReceipt(BaseModel):
    """What identifies an aggregate: rule, seed, gradients, code and result."""

    rule: str = Field(description="The rule with its parameters.")
    seed: int | None = Field(description="The seed that was used.")
    gradients_digest: str = Field(description="SHA-256 of the gradients' doubles, row after row.")
    version: str = Field(description="Version of the package that computed it.")
    result_digest: str = Field(description="SHA-256 of the aggregate's doubles.")


class AggregateResponse(BaseModel):
    """The aggregate and how it came about."""

    model_config = ConfigDict(arbitrary_types_allowed=True)

    aggregated_gradient: Numbers = Field(description="The aggregate, one number per coordinate.")
    num_input_gradients: int = Field(description="Number of gradients received.")
    selected: list[int] = Field(
        description="Indices of the gradients that the rule selected; empty for a rule that selects none."
    )
    rejected: list[int] = Field(
        description="Indices of the gradients rejected before aggregation because they are not finite."
    )
    reasons: list[str] = Field(description="Reasons, in the order of `rejected`.")
    rule: str = Field(description="The rule with its parameters.")
    f: int = Field(description="Number of hostile gradients that the rule was set to tolerate.")
    failure_probability: float = Field(
        description="Probability that a random assignment puts more hostile gradients into a leaf, or cluster, than it "
        "tolerates; 0 for a rule without either."
    )
    assumption: str = Field(
        description="Assumption behind the guarantee, in words; empty for a rule that needs only f."
    )
    seed: int | None = Field(description="Seed used; the same seed gives the same bits.")
    receipt: AggregateReceipt = Field(description="Identifies the aggregate.")


def aggregate(request: AggregateRequest, context: Context) -> Answer:
    """Aggregate gradients with a rule that resists hostile ones.

    Needs a key with the scope ``federated``.
    """
    n = len(request.gradients)
    rule = _rule(request, n)
    with context.trace("aggregation", rule=request.rule, gradients=n), _naming("gradients", n):
        found = rule.aggregate(request.gradients, cancel=context.cancel)
    receipt = AggregateReceipt(
        rule=found.rule,
        seed=found.seed,
        gradients_digest=_digest(request.gradients),
        version=__version__,
        result_digest=_digest(found.vector),
    )
    body = AggregateResponse.model_construct(aggregated_gradient=found.vector, **found.facts(), receipt=receipt)
    return Answer(body, found.vector, receipt)


def aggregation_cost(request: AggregateRequest) -> Cost:
    """Count the values, and every pair of gradients with its values.

    Bulyan, which picks again from those that are left, counts every triple; the geometric median solves equations,
    as many as there are gradients or values, whichever are fewer. A tree's groups are small.

    Examples
    --------
    >>> aggregation_cost(AggregateRequest(gradients=[[1.0]] * 2000, rule="bulyan")).text
    '8,256,002,000 operations (bulyan of 2,000 gradients; the rule tree takes many gradients)'
    """
    (n, length), pairs = request.gradients.shape, 0
    if request.rule == "hierarchical_krum":
        clusters = cluster_count(n, request.num_clusters)
        pairs = n * math.ceil(n / clusters) + clusters**2
    elif request.rule in _PAIR_RULES:
        pairs = n**2
    triples = {"bulyan": n, "geometric_median": min(n, length)}.get(request.rule, 0) ** 3
    cost = n * length + pairs * max(length, _PAIR_VALUES) + triples
    text = f"{cost:,} operations ({request.rule} of {n:,} gradients; the rule tree takes many gradients)"
    return Cost(cost, text, "gradients", n, request.rule)


def _rule(request: AggregateRequest, n: int) -> fed.Rule:
    given = "byzantine_fraction" if request.num_clusters is None else "num_clusters"
    with _naming(given, getattr(request, given)):
        return make_rule(
            request.rule,
            n,
            byzantine_fraction=request.byzantine_fraction,
            num_clusters=request.num_clusters,
            radius=request.radius,
            seed=request.seed,
        )


@contextmanager
def _naming(field: str, value: Any) -> Iterator[None]:
    """Say which field of the request a rule's refusal is about, unless it does."""
    try:
        yield
    except AggregationError as error:
        if "field" in error.details:
            raise
        raise AggregationError(error.message, field=field, value=value) from error


def _digest(array: NDArray[Any]) -> str:
    return hashlib.sha256(np.ascontiguousarray(array, dtype="<f8").tobytes()).hexdigest()


AGGREGATE = Operation(
    name="aggregate",
    tag="federated",
    run=aggregate,
    access=Access("aggregate", "federated"),
    request=AggregateRequest,
    response=AggregateResponse,
    cost=aggregation_cost,
    body_limit=LARGE_BODY,
    arrays={2: "gradients"},
    array_answer="aggregated_gradient",
    codes=("COST_LIMIT_EXCEEDED", "AGGREGATION_FAILED", "INVALID_INPUT", "SERVICE_UNAVAILABLE"),
)
