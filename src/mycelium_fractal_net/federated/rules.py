"""The rules by name, as Python, the command line, REST and gRPC offer them: the same names and defaults."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from typing import Literal, NamedTuple, get_args

from mycelium_fractal_net._checks import as_choice
from mycelium_fractal_net.errors import AggregationError
from mycelium_fractal_net.federated._plan import hostile_clients
from mycelium_fractal_net.federated._rule import Rule
from mycelium_fractal_net.federated._updates import require_count
from mycelium_fractal_net.federated.bulyan import Bulyan
from mycelium_fractal_net.federated.centered_clipping import CenteredClipping
from mycelium_fractal_net.federated.geometric_median import GeometricMedian
from mycelium_fractal_net.federated.hierarchical_krum import HierarchicalKrum
from mycelium_fractal_net.federated.krum import Krum
from mycelium_fractal_net.federated.mean import Mean
from mycelium_fractal_net.federated.median import Median
from mycelium_fractal_net.federated.multi_krum import MultiKrum
from mycelium_fractal_net.federated.nearest_neighbor_mixing import NearestNeighborMixing
from mycelium_fractal_net.federated.tree import Tree
from mycelium_fractal_net.federated.trimmed_mean import TrimmedMean

__all__ = ["DEFAULT_RULE", "RULES", "RuleName", "cluster_count", "make_rule"]

RuleName = Literal[
    "hierarchical_krum",
    "krum",
    "multi_krum",
    "bulyan",
    "median",
    "trimmed_mean",
    "nnm_trimmed_mean",
    "geometric_median",
    "centered_clipping",
    "mean",
    "tree",
]
RULES: tuple[str, ...] = get_args(RuleName)
"""Names of the rules."""
DEFAULT_RULE: RuleName = "hierarchical_krum"

_CLUSTERS = 10
_LEAST_CLUSTERS = 3
_LEAST_IN_CLUSTER = 3
_SEED_BITS = 53  # as many as JavaScript's numbers hold


class _Wanted(NamedTuple):
    """What a rule is made from."""

    n: int
    f: int
    fraction: float
    clusters: int | None
    radius: float
    seed: int | None

    def drawn(self) -> int:
        return secrets.randbits(_SEED_BITS) if self.seed is None else self.seed


def make_rule(
    name: str = DEFAULT_RULE,
    n: int = 1,
    *,
    byzantine_fraction: float = 0.2,
    num_clusters: int | None = None,
    radius: float = 1.0,
    seed: int | None = None,
) -> Rule:
    """Make a rule by its name, that tolerates a share of hostile clients.

    Parameters
    ----------
    name : str
        One of `RULES`.
    n : int
        Clients that take part.
    byzantine_fraction : float
        Share of hostile clients, in [0, 0.5); f is floor(byzantine_fraction n).
    num_clusters : int, optional
        Clusters of ``hierarchical_krum``: 10, or as many as leave three clients to each. 1 means Krum over all.
    radius : float
        Of ``centered_clipping``: the longest difference that counts in full.
    seed : int, optional
        Of the assignment to clusters or leaves; 53 bits from the system's secure generator by default.

    Raises
    ------
    AggregationError
        For an unknown name, or when there are too few clients for the rule.

    Examples
    --------
    >>> make_rule("krum", 10)
    Krum(f=2, neighbors='paper')
    >>> make_rule("hierarchical_krum", 10, num_clusters=1)
    Krum(f=2, neighbors='paper')
    """
    as_choice("rule", name, RULES, AggregationError)
    require_count("n", n, 1)
    f = hostile_clients(n, byzantine_fraction)
    return _MAKERS[name](_Wanted(n, f, byzantine_fraction, num_clusters, radius, seed))


def cluster_count(n: int, num_clusters: int | None = None) -> int:
    """Return how many clusters ``hierarchical_krum`` makes of n clients.

    Raises
    ------
    AggregationError
        When there are too few clients for three clusters, or two clusters are asked for.

    Examples
    --------
    >>> cluster_count(100), cluster_count(12), cluster_count(12, 1)
    (10, 4, 1)
    """
    if num_clusters is not None:
        if num_clusters == 1 or num_clusters >= _LEAST_CLUSTERS:
            return num_clusters
        raise AggregationError(
            f"num_clusters must be 1, which is Krum over all clients, or at least {_LEAST_CLUSTERS}; "
            f"got {num_clusters}",
            field="num_clusters",
            value=num_clusters,
        )
    fitting = min(_CLUSTERS, n // _LEAST_IN_CLUSTER)
    if fitting < _LEAST_CLUSTERS:
        raise AggregationError(
            f"hierarchical_krum needs three clusters of three gradients, at least 9; got {n}. "
            "Take median, krum or geometric_median for so few",
            field="gradients",
            value=n,
        )
    return fitting


def _hierarchical_krum(wanted: _Wanted) -> Rule:
    clusters = cluster_count(wanted.n, wanted.clusters)
    if clusters == 1:
        return Krum(f=wanted.f)
    return HierarchicalKrum(clusters, wanted.fraction, wanted.drawn())


_MAKERS: dict[str, Callable[[_Wanted], Rule]] = {
    "hierarchical_krum": _hierarchical_krum,
    "krum": lambda wanted: Krum(f=wanted.f),
    "multi_krum": lambda wanted: MultiKrum(f=wanted.f),
    "bulyan": lambda wanted: Bulyan(f=wanted.f),
    "median": lambda _: Median(),
    "trimmed_mean": lambda wanted: TrimmedMean(f=wanted.f),
    "nnm_trimmed_mean": lambda wanted: TrimmedMean(f=wanted.f).after(NearestNeighborMixing(f=wanted.f)),
    "geometric_median": lambda _: GeometricMedian(),
    "centered_clipping": lambda wanted: CenteredClipping(radius=wanted.radius),
    "mean": lambda _: Mean(),
    "tree": lambda wanted: Tree.default(wanted.n, wanted.fraction, wanted.drawn()),
}
