"""Aggregate many clients: a rule in every leaf, a rule over the leaves."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Sized
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from mycelium_fractal_net._checks import available_cores
from mycelium_fractal_net.errors import AggregationError
from mycelium_fractal_net.federated._finite import reject_non_finite
from mycelium_fractal_net.federated._plan import (
    Placement,
    TreePlan,
    default_plan,
    explain_plan,
    hostile_clients,
    leaf_count,
    make_plan,
    require_fraction,
    require_placement,
)
from mycelium_fractal_net.federated._rule import Aggregation, Outcome, Rule
from mycelium_fractal_net.federated._seeds import drawn_seed, require_seed
from mycelium_fractal_net.federated._stream import Windows
from mycelium_fractal_net.federated._threads import cancellable, stop_if_cancelled, worker_pool
from mycelium_fractal_net.federated._updates import FloatArray, read_updates, require_count
from mycelium_fractal_net.federated.nearest_neighbor_mixing import NearestNeighborMixing
from mycelium_fractal_net.federated.trimmed_mean import TrimmedMean

__all__ = ["Tree"]


@dataclass(frozen=True)
class Tree(Rule):
    r"""Split the clients at random into leaves, aggregate each, and aggregate the answers.

    .. math:: T(x) = R\left(\ell(x_{\pi(1)}, \dots, x_{\pi(m)}), \; \ell(x_{\pi(m+1)}, \dots), \; \dots\right)

    with leaf rule :math:`\ell`, root rule :math:`R` and a secret random permutation :math:`\pi`.

    Parameters
    ----------
    leaf_rule : Rule
        Aggregates every leaf; its f is per leaf.
    root_rule : Rule
        Aggregates the leaves' answers; its f counts leaves.
    leaf_size : int
        Most clients in a leaf.
    seed : int, optional
        Seed of the permutation; drawn from the system's secure generator by default. It must be unknown to
        the clients until their updates are in.
    byzantine_fraction : float
        Share of hostile clients for which chances are computed, in [0, 0.5).
    n_clients : int, optional
        Number of clients that `explain` and `failure_probability` speak of.
    placement : {"random", "any"}
        What the promise rests on: a secret permutation, or nothing but the counts.
    window_bytes : int
        Memory for the clients that wait for a leaf when the input is an iterator.

    Notes
    -----
    An array, a tensor or a list is permuted as a whole. An *iterator* is read once: clients wait in a window
    of `window_bytes`, and each window is permuted by itself. If all clients fit into one window this is the
    same; if not, the chances hold only when a client's place in the order of arrival says nothing about
    its being hostile, and `Aggregation.assumption` says so. Clients that choose when they arrive can fill
    whole leaves; then what counts is `TreePlan.placed`, or a tree built with ``placement="any"``.

    A leaf in which more than f updates are not finite is given up and counts against the root's f. Memory:
    one window, and per core a leaf with its Gram matrix, and the leaves' answers. The same seed gives the
    same bits, whatever the number of threads. Cost O(n m d) for leaves of m clients.

    References
    ----------
    Leaf rule of `default`: Allouah et al., "Fixing by mixing", AISTATS 2023, doi:10.48550/arXiv.2302.01772.

    Examples
    --------
    >>> tree = Tree.default(1_000_000)
    >>> tree.leaf_rule.rule, tree.leaf_size, tree.root_rule
    (TrimmedMean(f=33), 100, TrimmedMean(f=2000))
    >>> 0 < tree.failure_probability < 1e-3
    True
    """

    leaf_rule: Rule
    root_rule: Rule
    leaf_size: int = 100
    seed: int | None = None
    byzantine_fraction: float = 0.2
    n_clients: int | None = None
    placement: Placement = "random"
    window_bytes: int = 1 << 28

    def __post_init__(self) -> None:
        if not isinstance(self.leaf_rule, Rule) or not isinstance(self.root_rule, Rule):
            raise AggregationError("leaf_rule and root_rule must be rules, for example TrimmedMean(f=2)")
        require_count("leaf_size", self.leaf_size, 1)
        require_count("window_bytes", self.window_bytes, 1)
        require_seed(self.seed)
        require_fraction(self.byzantine_fraction)
        require_placement(self.placement)
        if self.n_clients is not None:
            require_count("n_clients", self.n_clients, 1)

    @classmethod
    def default(
        cls,
        n_clients: int,
        byzantine_fraction: float = 0.2,
        seed: int | None = None,
        placement: Placement = "random",
    ) -> Tree:
        """Build nearest-neighbour mixing + trimmed mean in leaves of about 100, trimmed mean over them.

        With ``placement="random"`` the leaf's f is the least for which a random leaf holds more hostile
        clients with a chance of at most 1e-3 (exact hypergeometric tail), and the root's f covers
        `byzantine_fraction` of the leaves. With ``"any"`` both are so large that the hostile clients are too
        few to capture the root wherever they are placed, which needs a fraction below 1/4.

        Raises
        ------
        AggregationError
            If no leaf size or no f can give the promise.
        """
        require_count("n_clients", n_clients, 1)
        require_fraction(byzantine_fraction)
        require_placement(placement)
        size, leaf_f, root_f = default_plan(n_clients, byzantine_fraction, placement)
        leaf = TrimmedMean(f=leaf_f).after(NearestNeighborMixing(f=leaf_f))
        return cls(leaf, TrimmedMean(f=root_f), size, seed, byzantine_fraction, n_clients, placement)

    @property
    def failure_probability(self) -> float:
        """Chance that a leaf holds more hostile clients than its f, for `n_clients`."""
        return self.plan().failure_probability

    def plan(self, n: int | None = None) -> TreePlan:
        """Compute leaves, tolerances and chances for n clients, `n_clients` by default."""
        n = self.n_clients if n is None else n
        if n is None:
            raise AggregationError("give the number of clients: plan(n), or Tree(..., n_clients=n)")
        return make_plan(self, n)

    def explain(self, n: int | None = None) -> str:
        """Say in words what is guaranteed for n clients and what is not."""
        return explain_plan(self.plan(n), self)

    def tolerated(self, n: int) -> int:
        """Return floor(byzantine_fraction n)."""
        return hostile_clients(n, self.byzantine_fraction)

    def condition(self) -> tuple[int, str]:
        """Return the leaf rule's condition."""
        return self.leaf_rule.condition()

    def aggregate(
        self, updates: Any, weights: ArrayLike | None = None, cancel: threading.Event | None = None
    ) -> Aggregation:
        """Aggregate an (n, d) array, a list, a tensor, or an iterator of vectors or of (k, d) blocks.

        Raises
        ------
        AggregationError
            If the leaves are too small for the leaf rule, too few for the root rule, or too many updates
            are not finite.
        CancelledError
            When ``cancel`` was set.
        """
        with cancellable(cancel):
            return self._aggregate_leaves(updates, weights)

    def _aggregate_leaves(self, updates: Any, weights: ArrayLike | None) -> Aggregation:
        if weights is not None:
            raise self._refusal_of_weights()
        if isinstance(updates, Iterable) and not isinstance(updates, Sized):
            windows = Windows(updates, self.leaf_size, self.window_bytes)
            return self._report(_Run(self).over(windows), windows.restore)
        batch = read_updates(updates)
        return self._report(_Run(self).over([batch.values]), batch.restore)

    def __call__(self, updates: Any, weights: ArrayLike | None = None) -> Any:
        """Aggregate and return the vector alone, in the kind of the updates."""
        return self.aggregate(updates, weights).vector

    def combine(self, values: FloatArray, lost: int) -> Outcome:
        """Aggregate finite rows, as a leaf or root of another tree does."""
        run = _Run(self).over([values])
        return Outcome(run.answer(), seed=run.seed, failure_probability=self.plan(len(values)).failure_probability)

    def _report(self, run: _Run, restore: Any) -> Aggregation:
        vector = run.answer()
        plan = self.plan(run.n)
        return Aggregation(
            vector=restore(vector),
            rule=repr(self),
            f=plan.hostile,
            n=run.n,
            rejected=run.rejected,
            failure_probability=plan.failure_probability,
            seed=run.seed,
            assumption=plan.assumption(permuted=run.windows == 1),
        )


class _Run:
    """Carry one aggregation through its windows."""

    def __init__(self, tree: Tree) -> None:
        self.tree = tree
        self.seed = drawn_seed(tree.seed)
        self.n = 0
        self.windows = 0
        self.rejected: dict[int, str] = {}
        self._random = np.random.default_rng(self.seed)
        self._answers: list[NDArray[np.float64]] = []
        self._lost = 0

    def over(self, windows: Iterable[FloatArray]) -> _Run:
        with worker_pool(available_cores()) as pool:
            for window in windows:
                self._window(window, pool)
        return self

    def answer(self) -> NDArray[np.float64]:
        """Aggregate the leaves' answers."""
        tree, total = self.tree, sum(map(len, self._answers)) + self._lost
        if len(self.rejected) > tree.tolerated(self.n):
            raise AggregationError(
                f"{len(self.rejected)} of {self.n} updates are not finite, but the tree tolerates "
                f"{tree.tolerated(self.n)} hostile ones",
                n=self.n,
            )
        tree.root_rule.require(total, self._lost)
        return np.asarray(tree.root_rule.combine(np.concatenate(self._answers), self._lost).vector, dtype=np.float64)

    def _window(self, values: FloatArray, pool: ThreadPoolExecutor) -> None:
        count = leaf_count(len(values), self.tree)
        leaves = np.array_split(self._random.permutation(len(values)), count)
        found = list(pool.map(lambda rows: self._leaf(values, rows), leaves))
        answers = [answer for answer, _ in found if answer is not None]
        self._lost += count - len(answers)
        for _, rejected in found:
            self.rejected.update({self.n + index: reason for index, reason in rejected.items()})
        if answers:
            self._answers.append(np.stack(answers))
        self.n += len(values)
        self.windows += 1

    def _leaf(self, values: FloatArray, rows: NDArray[np.intp]) -> tuple[FloatArray | None, dict[int, str]]:
        stop_if_cancelled()
        rule = self.tree.leaf_rule
        finite, _, bad = reject_non_finite(values[rows])
        rejected = {int(rows[index]): reason for index, reason in bad.items()}
        if len(bad) == len(rows) or len(bad) > rule.tolerated(len(rows)):
            return None, rejected
        rule.require(len(rows), len(bad))
        return rule.combine(finite, len(bad)).vector, rejected
