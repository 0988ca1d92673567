from __future__ import annotations

from collections.abc import Iterator
from math import comb
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from scipy.stats import hypergeom

from mycelium_fractal_net.errors import AggregationError
from mycelium_fractal_net.federated import NNM, HierarchicalKrum, Krum, Mean, Median, Tree, TrimmedMean
from mycelium_fractal_net.federated import _threads as threads
from mycelium_fractal_net.federated._tails import captured_leaves_bound, hypergeometric_tail, smallest_tolerance

Rows = NDArray[np.floating[Any]]


def clients(n: int, d: int = 3, seed: int = 0) -> Rows:
    return np.random.default_rng(seed).normal(size=(n, d))


@pytest.mark.parametrize(
    ("n", "hostile", "m", "f"), [(10, 2, 5, 1), (1000, 200, 100, 33), (10**6, 200_000, 100, 33), (50, 40, 20, 5)]
)
def test_the_tail_is_the_hypergeometric_one(n: int, hostile: int, m: int, f: int) -> None:
    assert hypergeometric_tail(n, hostile, m, f) == pytest.approx(hypergeom.sf(f, n, hostile, m), rel=1e-9)


def test_the_tail_is_exact_where_it_can_be_counted() -> None:
    assert hypergeometric_tail(6, 3, 2, 1) == 3 / comb(6, 2)
    assert hypergeometric_tail(6, 0, 2, 0) == 0.0
    assert hypergeometric_tail(6, 6, 2, 1) == 1.0


@pytest.mark.parametrize("chance", [1e-1, 1e-3, 1e-9])
def test_the_tolerance_is_the_least_that_keeps_the_chance(chance: float) -> None:
    f = smallest_tolerance(1000, 200, 100, chance)
    assert hypergeometric_tail(1000, 200, 100, f) <= chance < hypergeometric_tail(1000, 200, 100, f - 1)
    assert smallest_tolerance(1000, 0, 100, chance) == 0


def test_the_bound_on_captured_leaves_holds_for_independent_ones() -> None:
    from scipy.stats import binom

    for tolerated in (0, 1, 5, 20, 39):
        assert captured_leaves_bound(40, 0.05, tolerated) >= binom.sf(tolerated, 40, 0.05)
    assert captured_leaves_bound(40, 0.05, 40) == 0.0
    assert captured_leaves_bound(40, 0.5, 3) == 1.0
    assert captured_leaves_bound(4, 0.5, 3) == pytest.approx(0.5**4)


def test_a_chance_too_small_for_a_double_is_not_said_to_be_nothing() -> None:
    assert hypergeometric_tail(10_000, 5_000, 4_000, 3_500) == 5e-324
    assert captured_leaves_bound(1_000_000, 1e-3, 400_000) == 5e-324
    text = Tree(Median(), TrimmedMean(f=4000), byzantine_fraction=0.25, n_clients=1_000_000).explain()
    assert "at most 4.94e-324" in text
    assert "there cannot be more" in Tree.default(100).explain()
    assert "of them in no case" in Tree.default(100).explain()


def test_the_default_for_a_million_clients_is_the_designed_one() -> None:
    tree = Tree.default(1_000_000)
    assert (tree.leaf_size, tree.leaf_rule) == (100, TrimmedMean(33).after(NNM(33)))
    assert tree.failure_probability == pytest.approx(hypergeom.sf(33, 10**6, 200_000, 100), rel=1e-9)
    assert tree.failure_probability < 1e-3
    assert tree.plan().tree_failure_probability <= tree.failure_probability


@pytest.mark.parametrize("n", [1, 2, 5, 99, 250, 299, 300, 301, 777, 1000, 12_345, 10**6, 10**7])
@pytest.mark.parametrize("fraction", [0.0, 0.1, 0.2, 0.4])
def test_the_default_always_fits_its_own_rules(n: int, fraction: float) -> None:
    tree = Tree.default(n, fraction)
    plan = tree.plan()
    assert plan.leaf_f >= plan.hostile if plan.leaves == 1 else plan.failure_probability <= 1e-3
    assert 2 * plan.root_f < plan.leaves
    assert 2 * plan.leaf_f < n // plan.leaves
    assert plan.tree_failure_probability <= plan.failure_probability


@pytest.mark.parametrize("n", [300, 1000, 12_345, 10**6])
def test_a_tree_for_any_placement_stands_all_hostile_clients_wherever_they_are(n: int) -> None:
    plan = Tree.default(n, 0.2, placement="any").plan()
    assert plan.placed >= plan.hostile
    assert plan.tree_failure_probability == 0.0
    assert "wherever they are placed" in plan.assumption(permuted=False)


def test_what_no_tree_can_promise_is_refused() -> None:
    with pytest.raises(AggregationError, match="below about 1/4"):
        Tree.default(10_000, 0.26, placement="any")
    with pytest.raises(AggregationError, match="too near 1/2"):
        Tree.default(1_000_000, 0.4999)


@pytest.mark.parametrize("trial", range(20))
def test_hostile_clients_at_random_places_do_not_move_the_answer(trial: int) -> None:
    honest = clients(1600, seed=trial)
    updates = np.concatenate([honest, np.full((400, 3), 50.0)])
    answer = Tree.default(2000, 0.2, seed=trial)(updates)
    assert np.linalg.norm(answer - honest.mean(axis=0)) < 0.5


def test_clients_that_choose_their_arrival_defeat_windows_but_not_the_tree_for_any_placement() -> None:
    honest = clients(8000)
    hostile = np.full((2000, 3), 50.0)

    def in_order() -> Iterator[Rows]:
        yield from hostile
        yield from honest

    window = 1000 * 3 * 8
    built = Tree.default(10_000, 0.2, seed=1)
    exposed = Tree(Median(), Mean(), 100, seed=1, window_bytes=window)
    assert np.linalg.norm(exposed(in_order())) > 5
    any_place = Tree.default(10_000, 0.2, seed=1, placement="any")
    safe = Tree(any_place.leaf_rule, any_place.root_rule, 100, seed=1, window_bytes=window)
    assert np.linalg.norm(safe(in_order()) - honest.mean(axis=0)) < 0.5
    told = Tree(built.leaf_rule, built.root_rule, 100, seed=1, window_bytes=window).aggregate(in_order())
    assert "order of arrival" in told.assumption
    assert "none knew the seed" in built.aggregate(np.concatenate([hostile, honest])).assumption


def test_an_iterator_that_fits_one_window_gives_the_bits_of_the_array() -> None:
    updates = clients(2345)
    tree = Tree.default(2345, seed=4)
    np.testing.assert_array_equal(tree(iter(updates)), tree(updates))
    np.testing.assert_array_equal(tree(updates[i : i + 100] for i in range(0, 2345, 100)), tree(updates))


@pytest.mark.parametrize("n", [101, 999, 1000, 1001, 1499, 1500, 2000, 3777])
def test_windows_lose_and_repeat_nobody(n: int) -> None:
    updates = np.arange(n, dtype=float)[:, None]
    tree = Tree(Mean(), Mean(), leaf_size=1, byzantine_fraction=0.0, window_bytes=8 * 37, seed=0)
    result = tree.aggregate(iter(updates))
    assert result.n == n
    assert result.vector.item() == pytest.approx((n - 1) / 2)


def test_leaves_from_windows_are_as_large_as_planned() -> None:
    tree = Tree(TrimmedMean(33).after(NNM(33)), TrimmedMean(3), 100, seed=0, window_bytes=1)
    for n in (1000, 1001, 1099, 2501, 3350):
        assert tree.aggregate(iter(clients(n))).n == n


def test_the_same_seed_gives_the_same_bits_on_any_number_of_threads(monkeypatch: pytest.MonkeyPatch) -> None:
    updates = clients(1000, d=50)
    answers = []
    for count in (1, 3):
        monkeypatch.setattr("mycelium_fractal_net.federated.tree.available_cores", lambda count=count: count)
        answers.append(Tree.default(1000, seed=2)(updates).tobytes())
    assert len(set(answers)) == 1
    assert Tree.default(1000, seed=3)(updates).tobytes() not in answers


def test_a_drawn_seed_is_secret_told_and_repeatable() -> None:
    updates = clients(1000)
    first, second = Tree.default(1000).aggregate(updates), Tree.default(1000).aggregate(updates)
    assert first.seed != second.seed
    np.testing.assert_array_equal(Tree.default(1000, seed=first.seed)(updates), first.vector)


def test_updates_that_are_not_finite_are_named_by_their_place_in_the_stream() -> None:
    updates = clients(3000)
    updates[[7, 1500, 2999], 1] = np.nan
    for source in (updates, iter(updates)):
        result = Tree.default(3000, seed=1).aggregate(source)
        assert sorted(result.rejected) == [7, 1500, 2999]
        assert np.isfinite(result.vector).all()


def test_too_many_that_are_not_finite_are_refused() -> None:
    updates = clients(1000)
    updates[:201] = np.inf
    with pytest.raises(AggregationError, match=r"201 of 1000 updates are not finite, .* 200 hostile"):
        Tree.default(1000, seed=1)(updates)


def test_a_leaf_with_too_many_nan_is_given_up_and_counts_against_the_root() -> None:
    updates = clients(40)
    updates[:12] = np.nan
    leaf = Tree(TrimmedMean(1), TrimmedMean(2), leaf_size=8, seed=0, byzantine_fraction=0.3)
    with pytest.raises(AggregationError, match=r"updates are not finite, but TrimmedMean.* f = 2"):
        leaf(updates)
    stands = Tree(TrimmedMean(3), TrimmedMean(2), leaf_size=8, seed=0, byzantine_fraction=0.3)
    assert np.isfinite(stands(updates)).all()


def test_every_kind_of_input_gives_its_kind_back() -> None:
    updates = clients(500).astype(np.float32)
    expected = Tree.default(500, seed=1)(updates)
    for source in (list(updates), iter(updates), updates.tolist()):
        np.testing.assert_allclose(Tree.default(500, seed=1)(source), expected, rtol=1e-6)
    for tensors in (torch.from_numpy(updates), iter(torch.from_numpy(updates))):
        answer = Tree.default(500, seed=1)(tensors)
        assert answer.dtype == torch.float32
        np.testing.assert_array_equal(answer.numpy(), expected)


def test_a_tree_of_trees_aggregates() -> None:
    updates = clients(900)
    inner = Tree(Median(), Median(), leaf_size=10, seed=1)
    result = Tree(inner, Median(), leaf_size=300, seed=2).aggregate(updates)
    assert np.linalg.norm(result.vector) < 0.3
    assert inner.condition() == (1, "n >= 1")


def test_the_explanation_says_what_is_and_what_is_not_promised() -> None:
    words = Tree.default(1_000_000).explain()
    for phrase in ("f = 33", "0.000736 (exact)", "wherever they are placed", "Not guaranteed", "68033"):
        assert phrase in words


BAD: list[tuple[Any, str]] = [
    (lambda: Tree(NNM(1), Median()), "leaf_rule and root_rule must be rules"),  # type: ignore[arg-type]  # the point
    (lambda: Tree(Median(), Median(), leaf_size=0), "leaf_size must be a whole number >= 1"),
    (lambda: Tree(Median(), Median(), window_bytes=0), "window_bytes must be a whole number >= 1"),
    (lambda: Tree(Median(), Median(), n_clients=0), "n_clients must be a whole number >= 1"),
    (lambda: Tree(Median(), Median(), placement="x"), "placement must be one of random, any"),  # type: ignore[arg-type]  # the point
    (lambda: Tree.default(0), "n_clients must be a whole number >= 1"),
    (lambda: Tree.default(10, 0.5), r"byzantine_fraction must be"),
    (lambda: Tree.default(10, True), r"byzantine_fraction must be"),
    (lambda: Tree(Median(), Median()).explain(), "give the number of clients"),
    (lambda: Tree(Median(), Median())(iter([])), "the stream is empty"),
    (lambda: Tree(Median(), Median())(iter([[1.0], [1.0, 2.0]])), "update 1 has shape"),
    (lambda: Tree(Median(), Median())(iter([np.zeros(1), np.zeros(1, "f4")])), "need one dtype"),
    (lambda: Tree(Median(), Median())(iter([np.zeros(1), np.zeros((1, 1, 1))])), "update 1 has shape"),
    (lambda: Tree(Median(), Median())(5), "got int"),
    (lambda: Tree(Median(), Median())(clients(10), weights=np.ones(10)), "Tree takes no weights"),
    (lambda: Tree(Krum(20), Median(), 50)(clients(30)), "n >= 2f"),
    (lambda: Tree(Median(), TrimmedMean(3), 10)(clients(30)), "n > 2f"),
]


@pytest.mark.parametrize(("make", "message"), BAD, ids=[message for _, message in BAD])
def test_unusable_trees_are_refused_with_the_reason(make: Any, message: str) -> None:
    with pytest.raises(AggregationError, match=message):
        make()


def test_hierarchical_krum_blends_one_client_with_the_median_of_the_winners() -> None:
    updates = clients(30)
    result = HierarchicalKrum(clusters=3, seed=8).aggregate(updates)
    (winner,) = result.selected
    order = np.random.default_rng(8).permutation(30)
    picks = [Krum(2)(updates[np.sort(part)]) for part in np.array_split(order, 3)]
    np.testing.assert_allclose(result.vector, 0.7 * updates[winner] + 0.3 * np.median(picks, axis=0))
    assert any(np.array_equal(updates[winner], pick) for pick in picks)


@pytest.mark.parametrize(
    ("n", "clusters", "fraction", "size", "f"),
    [(100, 10, 0.2, 10, 2), (101, 10, 0.2, 11, 2), (149, 10, 0.2, 14, 2), (100, 10, 0.29, 10, 2)],
)
def test_hierarchical_krum_says_how_likely_a_cluster_is_captured(
    n: int, clusters: int, fraction: float, size: int, f: int
) -> None:
    """149 clients make clusters of 15, which stand 3, and one of 14, which stands 2 and is worse off."""
    result = HierarchicalKrum(clusters, fraction, seed=1).aggregate(clients(n))
    chance = hypergeom.sf(f, n, result.f, size)
    assert result.failure_probability == pytest.approx(chance, rel=1e-9)
    assert result.assumption == f"at most {result.f} of {n} clients are hostile, and none knew the seed"


def test_rejected_updates_count_as_hostile_ones_that_are_out_already() -> None:
    updates = clients(100)
    updates[:10] = np.nan
    chance = HierarchicalKrum(9, seed=1).aggregate(updates).failure_probability
    assert chance == pytest.approx(hypergeom.sf(2, 90, 10, 10), rel=1e-9)


def test_clusters_without_hostile_clients_cannot_be_captured() -> None:
    result = HierarchicalKrum(5, byzantine_fraction=0.0).aggregate(clients(50))
    assert result.failure_probability == 0.0
    assert result.assumption.endswith("wherever they are placed")


def test_colluders_at_a_tenth_capture_hierarchical_krum_but_not_the_default_tree() -> None:
    captured, off_krum, off_tree = 0, 0.0, 0.0
    for seed in range(10):
        random = np.random.default_rng(seed)
        honest = random.normal(size=(450, 100))
        delta = random.normal(size=100)
        delta *= np.sqrt(0.8 * 100) / np.linalg.norm(delta)
        updates = np.concatenate([honest, np.tile(delta, (50, 1)) + 1e-6 * random.normal(size=(50, 100))])
        result = HierarchicalKrum(clusters=25, seed=seed).aggregate(updates)
        captured += result.selected[0] >= 450
        off_tree += float(np.linalg.norm(Tree.default(500, 0.2, seed=seed)(updates))) / 10
        off_krum += float(np.linalg.norm(result.vector)) / 10
    assert captured >= 8
    assert off_krum > 3 * off_tree


def test_workers_do_not_start_workers() -> None:
    seen: list[bool] = []
    with threads.worker_pool(1) as pool:
        pool.submit(threads.in_turns, lambda turn, turns: seen.append(turns == 1), 4, 1 << 30).result()
        pool.submit(threads.in_blocks, lambda start, stop: seen.append(stop == 9), 9, 1 << 30).result()
    assert seen == [True, True]
