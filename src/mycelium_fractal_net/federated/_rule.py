"""What every rule has in common: reading, rejecting, checking, reporting; and steps before a rule."""

from __future__ import annotations

import threading
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from mycelium_fractal_net.errors import AggregationError
from mycelium_fractal_net.federated._finite import reject_non_finite
from mycelium_fractal_net.federated._threads import cancellable
from mycelium_fractal_net.federated._updates import FloatArray, read_updates

__all__ = ["Aggregation", "Outcome", "Pipeline", "PreAggregation", "Rule"]


def _empty() -> NDArray[np.float64]:
    return np.empty(0)


@dataclass(frozen=True, eq=False)
class Aggregation:
    """Tell what an aggregation answered and how it came to it.

    Attributes
    ----------
    vector : ndarray or Tensor, shape (d,)
        The answer, of the kind and dtype of the updates.
    selected : tuple of int
        Indices of the updates that the rule picked; empty where it does not pick whole updates.
    scores : ndarray, shape (n,) or (0,)
        What the rule ranked the updates by (its docstring says which); infinite for rejected updates.
    rejected : mapping of int to str
        Reason for every update that was refused before anything was computed.
    rule : str
        The rule with its parameters.
    f : int
        How many hostile updates the rule tolerates, the rejected ones among them.
    n : int
        How many updates came.
    failure_probability : float
        Chance that a random assignment puts more hostile updates into a leaf, or cluster, than it tolerates; 0 for
        a rule without either.
    seed : int or None
        The seed that was used, given or drawn; the same seed repeats the same bits.
    assumption : str
        What the promise rests on, in words; empty for a rule that needs no more than its f.
    """

    vector: Any
    rule: str
    f: int
    n: int
    selected: tuple[int, ...] = ()
    scores: NDArray[np.float64] = field(default_factory=_empty)
    rejected: Mapping[int, str] = field(default_factory=dict)
    failure_probability: float = 0.0
    seed: int | None = None
    assumption: str = ""

    def to_dict(self) -> dict[str, Any]:
        """Return what every front door answers, as JSON takes it.

        Examples
        --------
        >>> from mycelium_fractal_net.federated import Median
        >>> told = Median().aggregate([[1.0], [2.0], [float("nan")], [9.0]]).to_dict()
        >>> told["aggregated_gradient"], told["rejected"], told["reasons"]
        ([2.0], [2], ['1 NaN of 1 values'])
        """
        return {"aggregated_gradient": self.vector.tolist(), **self.facts()}

    def facts(self) -> dict[str, Any]:
        """Return what `to_dict` does, without the vector."""
        rejected = sorted(self.rejected)
        return {
            "num_input_gradients": self.n,
            "selected": list(self.selected),
            "rejected": rejected,
            "reasons": [self.rejected[index] for index in rejected],
            "rule": self.rule,
            "f": self.f,
            "failure_probability": self.failure_probability,
            "assumption": self.assumption,
            "seed": self.seed,
        }


@dataclass(frozen=True)
class Outcome:
    """Hold what a rule found among the finite updates, in their numbering."""

    vector: FloatArray
    selected: NDArray[np.intp] | None = None
    scores: NDArray[np.float64] | None = None
    seed: int | None = None
    failure_probability: float = 0.0
    assumption: str = ""


class Rule(ABC):
    """Map n updates of d values onto one vector of d values."""

    def __call__(self, updates: Any, weights: ArrayLike | None = None) -> Any:
        """Aggregate and return the vector alone, in the kind of the updates."""
        return self._aggregate(updates, weights, self.quickly).vector

    def aggregate(
        self, updates: Any, weights: ArrayLike | None = None, cancel: threading.Event | None = None
    ) -> Aggregation:
        """Aggregate and tell how.

        Parameters
        ----------
        updates : (n, d) array or tensor, or a list of n vectors
            One row per client. Rows with NaN or infinity are rejected first and count against f.
        weights : (n,) array, optional
            Claimed sample counts; only `Mean` takes them.
        cancel : threading.Event, optional
            Stops the aggregation soon after it is set.

        Raises
        ------
        AggregationError
            If the input is not n vectors of one length, or n is too small for f.
        CancelledError
            When ``cancel`` was set.
        """
        with cancellable(cancel):
            return self._aggregate(updates, weights, self.combine)

    def _aggregate(
        self, updates: Any, weights: ArrayLike | None, combine: Callable[[FloatArray, int], Outcome]
    ) -> Aggregation:
        batch = read_updates(updates)
        n = len(batch.values)
        finite, kept, rejected = reject_non_finite(batch.values)
        lost = len(rejected)
        self.require(n, lost)
        outcome = combine(finite, lost) if weights is None else self._weighted(finite, weights, kept, n)
        if not np.isfinite(outcome.vector).all():
            raise AggregationError(f"{self!r} has no finite answer for these {n} updates; scale them down", n=n)
        return Aggregation(
            vector=batch.restore(outcome.vector),
            selected=() if outcome.selected is None else tuple(kept[outcome.selected].tolist()),
            scores=_spread(outcome.scores, kept, n),
            rejected=rejected,
            rule=repr(self),
            f=self.tolerated(n),
            n=n,
            seed=outcome.seed,
            failure_probability=outcome.failure_probability,
            assumption=outcome.assumption,
        )

    def after(self, *steps: PreAggregation) -> Pipeline:
        """Put pre-aggregations before this rule; they run from left to right.

        Returns
        -------
        Pipeline
            ``TrimmedMean(f=2).after(NearestNeighborMixing(f=2))`` mixes first, then trims.
        """
        return Pipeline(steps, self)

    @abstractmethod
    def tolerated(self, n: int) -> int:
        """Return f, the number of hostile updates among n that the rule tolerates."""

    @abstractmethod
    def condition(self) -> tuple[int, str]:
        """Return the least n that the rule takes, and the bound in words."""

    @abstractmethod
    def combine(self, values: FloatArray, lost: int) -> Outcome:
        """Aggregate finite rows when `lost` of the f hostile updates were rejected before."""

    def quickly(self, values: FloatArray, lost: int) -> Outcome:
        """Do what `combine` does when nobody will look at the scores; the vector is the same."""
        return self.combine(values, lost)

    def require(self, n: int, lost: int = 0) -> None:
        """Refuse n updates, `lost` of them not finite, if the rule's condition does not hold for them."""
        least, bound = self.condition()
        if n < least:
            raise AggregationError(f"{self!r} needs {bound}, at least {least} updates; got n = {n}", n=n)
        if lost > self.tolerated(n) or lost == n:
            raise AggregationError(
                f"{lost} of {n} updates are not finite, but {self!r} tolerates "
                f"f = {self.tolerated(n)} hostile updates; raise f or ask those clients again",
                n=n,
                rejected=lost,
            )

    def _weighted(self, _values: FloatArray, _weights: ArrayLike, _kept: NDArray[np.intp], _n: int) -> Outcome:
        """Aggregate the finite rows, those `kept` of n, by the counts that all n claim; only a mean does."""
        raise self._refusal_of_weights()

    def _refusal_of_weights(self) -> AggregationError:
        return AggregationError(f"{type(self).__name__} takes no weights, since a claimed count is no evidence")


def _spread(scores: NDArray[np.float64] | None, kept: NDArray[np.intp], n: int) -> NDArray[np.float64]:
    """Give the scores in the caller's numbering."""
    if scores is None:
        return _empty()
    full = np.full(n, np.inf)
    full[kept] = scores
    return full


class PreAggregation(ABC):
    """Map n updates onto m updates that are harder to abuse."""

    def __call__(self, updates: Any) -> Any:
        """Return the (m, d) mixed updates in the kind of the input; non-finite rows are dropped first."""
        batch = read_updates(updates)
        finite, _, rejected = reject_non_finite(batch.values)
        self.require(len(batch.values))
        limit = self.tolerated(len(batch.values))
        if len(rejected) == len(batch.values) or (limit is not None and len(rejected) > limit):
            raise AggregationError(f"{len(rejected)} of {len(batch.values)} updates are not finite: too many")
        return batch.restore(self.mix(finite, len(rejected))[0])

    def require(self, n: int) -> None:  # noqa: B027 - most steps take any n
        """Refuse an n that is too small."""

    def tolerated(self, n: int) -> int | None:
        """Return the f that the step tolerates; None if it has none of its own."""
        return None

    def size(self, n: int) -> int:
        """Return m, the number of updates that come out."""
        return n

    @abstractmethod
    def mix(self, values: FloatArray, lost: int) -> tuple[FloatArray, int | None]:
        """Return the mixed rows and the seed that was used, if any."""


@dataclass(frozen=True)
class Pipeline(Rule):
    """Run pre-aggregations from left to right, then a rule; made by `Rule.after`.

    Parameters
    ----------
    steps : tuple of PreAggregation
        The first is applied first.
    rule : Rule
        Aggregates what comes out.

    Notes
    -----
    The rule's condition on n holds for the number of updates that reach it, so `Bucketing` before a rule
    asks for more clients. ``selected`` and ``scores`` are the rule's where every client keeps its own row.

    Examples
    --------
    >>> from mycelium_fractal_net.federated import NearestNeighborMixing, TrimmedMean
    >>> TrimmedMean(f=1).after(NearestNeighborMixing(f=1))([[1.0], [2.0], [3.0], [4.0], [1e30]])
    array([2.5])
    """

    steps: tuple[PreAggregation, ...]
    rule: Rule

    def __post_init__(self) -> None:
        steps = tuple(self.steps)
        if not all(isinstance(step, PreAggregation) for step in steps) or not isinstance(self.rule, Rule):
            raise AggregationError("a pipeline consists of pre-aggregations and one rule: rule.after(step, ...)")
        object.__setattr__(self, "steps", steps)

    def tolerated(self, n: int) -> int:
        """Return the smallest f of the steps and the rule."""
        limits = [step.tolerated(n) for step in self.steps]
        return min([limit for limit in limits if limit is not None] + [self.rule.tolerated(self._size(n))])

    def condition(self) -> tuple[int, str]:
        """Return the rule's condition; the steps' own are checked with it."""
        least, bound = self.rule.condition()
        n = least
        while self._size(n) < least:
            n += 1
        return n, bound if n == least else f"{bound} after {self.steps!r}"

    def combine(self, values: FloatArray, lost: int) -> Outcome:
        """Mix, then aggregate."""
        n, seed = len(values), None
        for step in self.steps:
            values, drawn = step.mix(values, lost)
            seed = drawn if seed is None else seed
        outcome = self.rule.combine(values, lost)
        if len(values) == n:
            return Outcome(outcome.vector, outcome.selected, outcome.scores, seed)
        return Outcome(outcome.vector, seed=seed)

    def _size(self, n: int) -> int:
        for step in self.steps:
            n = step.size(n)
        return n

    def require(self, n: int, lost: int = 0) -> None:
        """Refuse what a step refuses, or the rule behind them."""
        for step in self.steps:
            step.require(n)
        super().require(n, lost)
        self.rule.require(self._size(n - lost) + lost, lost)
