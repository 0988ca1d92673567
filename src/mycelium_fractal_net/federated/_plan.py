"""What a tree promises: leaves, tolerances and chances."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, Protocol

from mycelium_fractal_net._checks import as_choice, as_number
from mycelium_fractal_net.errors import AggregationError
from mycelium_fractal_net.federated._rule import Rule
from mycelium_fractal_net.federated._tails import (
    captured_leaves_bound,
    hypergeometric_tail,
    smallest_tolerance,
)

__all__ = [
    "Placement",
    "TreePlan",
    "clusters_plan",
    "default_plan",
    "explain_plan",
    "hostile_clients",
    "leaf_count",
    "make_plan",
    "require_fraction",
    "require_placement",
]

Placement = Literal["random", "any"]

_LEAF_CHANCE = 1e-3
_LEAF_SIZE = 100
_LARGEST_LEAF = 6400


class Shape(Protocol):
    """What the promise of a tree follows from."""

    @property
    def leaf_rule(self) -> Rule:
        """Aggregates every leaf."""
        ...

    @property
    def root_rule(self) -> Rule:
        """Aggregates the leaves' answers."""
        ...

    @property
    def leaf_size(self) -> int:
        """Most clients in a leaf."""
        ...

    @property
    def byzantine_fraction(self) -> float:
        """Share of hostile clients."""
        ...


@dataclass(frozen=True)
class TreePlan:
    """Hold what a tree does with n clients and how likely its promise fails.

    Attributes
    ----------
    n, hostile : int
        Clients, and how many of them may be hostile.
    leaves, leaf_size : int
        Number of leaves and the size of the largest.
    leaf_f, root_f : int
        Hostile clients a leaf tolerates, and captured leaves the root tolerates.
    failure_probability : float
        Chance that a leaf holds more than `leaf_f` hostile clients: an exact hypergeometric tail.
    tree_failure_probability : float
        Bound on the chance that this happens in more than `root_f` leaves, so that the promise is void.
    placed : int
        So many hostile clients are tolerated wherever they are placed, even with a known seed.
    """

    n: int
    hostile: int
    leaves: int
    leaf_size: int
    leaf_f: int
    root_f: int
    failure_probability: float
    tree_failure_probability: float

    @property
    def placed(self) -> int:
        """Return (leaf_f + 1)(root_f + 1) - 1."""
        return (self.leaf_f + 1) * (self.root_f + 1) - 1

    def assumption(self, *, permuted: bool) -> str:
        """Say what the chances rest on."""
        if self.hostile <= self.placed:
            return f"at most {self.hostile} of {self.n} clients are hostile, wherever they are placed"
        if permuted:
            return f"at most {self.hostile} of {self.n} clients are hostile, and none knew the seed"
        return (
            f"at most {self.hostile} of {self.n} clients are hostile, and the order of arrival does not "
            f"depend on who is; wherever they are placed, at most {self.placed} are tolerated"
        )


def require_fraction(fraction: float) -> None:
    """Refuse a fraction outside [0, 0.5)."""
    as_number("byzantine_fraction", fraction, least=0, below=0.5, error=AggregationError)


def require_placement(placement: str) -> None:
    """Refuse an unknown kind of promise."""
    as_choice("placement", placement, ("random", "any"), AggregationError)


def hostile_clients(n: int, fraction: float) -> int:
    """Return floor(fraction n), the hostile clients among n, safe against 0.29 * 100 = 28.999...

    Examples
    --------
    >>> hostile_clients(100, 0.29)
    29
    """
    return int(fraction * n + 1e-9)


def leaf_count(n: int, tree: Shape) -> int:
    """Return ceil(n / leaf_size), or fewer leaves if those would be too small for the leaf rule."""
    count = -(-n // tree.leaf_size)
    if n // count < tree.leaf_rule.condition()[0]:
        count = max(1, n // tree.leaf_size)
    return count


def make_plan(tree: Shape, n: int) -> TreePlan:
    """Compute the chances of a tree for n clients."""
    hostile = hostile_clients(n, tree.byzantine_fraction)
    leaves = leaf_count(n, tree)
    size = -(-n // leaves)
    leaf_f, root_f = tree.leaf_rule.tolerated(size), tree.root_rule.tolerated(leaves)
    return _plan(n, hostile, leaves, size, leaf_f, root_f)


def clusters_plan(n: int, hostile: int, clusters: int, fraction: float) -> TreePlan:
    """Compute the chances of n clients in random clusters that each tolerate a fraction, for the cluster worst off."""
    root_f = hostile_clients(clusters, fraction)
    sizes = {n // clusters, -(-n // clusters)}
    plans = [_plan(n, hostile, clusters, size, hostile_clients(size, fraction), root_f) for size in sizes]
    return max(plans, key=lambda plan: plan.failure_probability)


def _plan(n: int, hostile: int, leaves: int, size: int, leaf_f: int, root_f: int) -> TreePlan:
    placed = (leaf_f + 1) * (root_f + 1) - 1
    chance = hypergeometric_tail(n, hostile, size, leaf_f)
    whole = 0.0 if hostile <= placed else captured_leaves_bound(leaves, chance, root_f)
    return TreePlan(n, hostile, leaves, size, leaf_f, root_f, chance, whole)


def default_plan(n: int, fraction: float, placement: Placement) -> tuple[int, int, int]:
    """Return leaf size, leaf f and root f of `Tree.default`."""
    hostile = hostile_clients(n, fraction)
    if n < 3 * _LEAF_SIZE:
        return n, hostile, 0
    if placement == "any":
        return _plan_for_any_placement(n, hostile)
    size = _LEAF_SIZE
    while 3 * size <= n and size <= _LARGEST_LEAF:
        leaves = -(-n // size)
        largest = -(-n // leaves)
        f = smallest_tolerance(n, hostile, largest, _LEAF_CHANCE)
        if 2 * f < n // leaves:
            return largest, f, _root_tolerance(n, hostile, leaves, largest, f)
        size *= 2
    return _one_leaf(n, hostile, fraction)


def _one_leaf(n: int, hostile: int, fraction: float) -> tuple[int, int, int]:
    if n > 2 * _LARGEST_LEAF:
        raise AggregationError(
            f"byzantine_fraction = {fraction} is too near 1/2 for leaves of up to {_LARGEST_LEAF} clients"
        )
    return n, hostile, 0


def _root_tolerance(n: int, hostile: int, leaves: int, size: int, leaf_f: int) -> int:
    """Cover the hostile share of the leaves, and make the tree no likelier to fail than a leaf."""
    most = (leaves - 1) // 2
    f = min(most, -(-hostile * leaves // n))
    while f < most:
        plan = _plan(n, hostile, leaves, size, leaf_f, f)
        if plan.tree_failure_probability <= plan.failure_probability:
            break
        f += 1
    return f


def _plan_for_any_placement(n: int, hostile: int) -> tuple[int, int, int]:
    leaves = -(-n // _LEAF_SIZE)
    smallest = n // leaves
    pairs = [(leaf_f, hostile // (leaf_f + 1)) for leaf_f in range((smallest - 1) // 2 + 1)]
    fits = [pair for pair in pairs if 2 * pair[1] < leaves]
    if not fits:
        raise AggregationError(
            f"no tree of leaves of {_LEAF_SIZE} tolerates {hostile} of {n} clients placed at will: "
            "the fraction has to be below about 1/4"
        )
    leaf_f, root_f = min(fits, key=lambda pair: max(pair[0] / smallest, pair[1] / leaves))
    return -(-n // leaves), leaf_f, root_f


def explain_plan(plan: TreePlan, tree: Shape) -> str:
    """Write the promise and its limits as a few sentences."""
    placed = (
        f"Guaranteed wherever they are placed, even if the seed is known: {plan.placed} hostile clients, "
        f"{100 * plan.placed / plan.n:.3g} %."
    )
    unseeded = (
        "Not guaranteed: the chances, if the seed was known before the updates were in, or if an iterator "
        "longer than one window brings the clients in an order that hostile clients chose."
    )
    distance = (
        "Not guaranteed: that the answer is the honest mean. It is within the rules' robustness coefficients "
        "of it, so the more the honest updates differ, the further off it can be."
    )
    return "\n".join((_shape_in_words(plan, tree), _chance_in_words(plan), placed, unseeded, distance))


def _shape_in_words(plan: TreePlan, tree: Shape) -> str:
    return (
        f"{plan.n} clients in {plan.leaves} leaves of at most {plan.leaf_size}: {tree.leaf_rule!r} in each "
        f"leaf, {tree.root_rule!r} over the leaves' answers."
    )


def _chance_in_words(plan: TreePlan) -> str:
    leaf, tree = plan.failure_probability, plan.tree_failure_probability
    captured = f"with a chance of {leaf:.3g} (exact)" if leaf else "in no case"
    more = f"there are more with a chance of at most {tree:.3g}" if tree else "there cannot be more"
    return (
        f"Guaranteed with at most {plan.hostile} hostile clients that do not know the seed: a leaf holds "
        f"more than its f = {plan.leaf_f} of them {captured}; "
        f"the root tolerates {plan.root_f} such leaves, and {more}."
    )
