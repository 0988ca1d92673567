"""Pre-aggregations, and a rule behind them."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Any

from mycelium_fractal_net.errors import AggregationError
from mycelium_fractal_net.federated._rule import Outcome, Rule
from mycelium_fractal_net.federated._updates import FloatArray, read_updates, reject_non_finite

__all__ = ["Pipeline", "PreAggregation"]


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
        """Return the f that the step is prepared for; None if it has none of its own."""
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
            raise AggregationError("a pipeline is made of pre-aggregations and one rule: rule.after(step, ...)")
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
