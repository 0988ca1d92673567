"""An event stops an aggregation between pieces that change no bit of it."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from mycelium_fractal_net.errors import CancelledError
from mycelium_fractal_net.federated import (
    Bulyan,
    CenteredClipping,
    GeometricMedian,
    HierarchicalKrum,
    Krum,
    Median,
    MultiKrum,
    NearestNeighborMixing,
    Rule,
    Tree,
    TrimmedMean,
)
from tests.fields.test_runs import CancelAtLook

NEVER = 10**9
MIXED = TrimmedMean(f=9).after(NearestNeighborMixing(f=9))
RULES: list[Rule] = [
    Krum(f=9),
    MultiKrum(f=9),
    Bulyan(f=9),
    MIXED,
    Median(),
    GeometricMedian(),
    CenteredClipping(radius=1.0),
    HierarchicalKrum(3, 0.1, seed=3),
    Tree.default(900, 0.1, seed=3),
]


def _updates(kind: str, shape: tuple[int, int] = (900, 300)) -> Any:
    updates = np.random.default_rng(7).normal(size=shape)
    if kind == "near twins":
        updates[100:] = updates[0] + 1e-9 * updates[100:]
    return updates


@pytest.mark.parametrize("kind", ["spread", "near twins"])
@pytest.mark.parametrize("rule", RULES, ids=lambda rule: type(rule).__name__)
def test_what_could_be_cancelled_has_the_same_bits(rule: Rule, kind: str) -> None:
    cancel, updates = CancelAtLook(NEVER), _updates(kind)
    cancellable, alone = rule.aggregate(updates, cancel=cancel), rule.aggregate(updates)
    assert np.array_equal(cancellable.vector, alone.vector)
    assert np.array_equal(cancellable.scores, alone.scores)
    assert cancellable.selected == alone.selected


@pytest.mark.parametrize("rule", [Bulyan(f=9), Krum(f=9), MIXED], ids=lambda rule: type(rule).__name__)
@pytest.mark.parametrize("look", [1, 2, 9])
def test_pairs_are_looked_at_in_pieces(rule: Rule, look: int) -> None:
    with pytest.raises(CancelledError, match="cancelled during the aggregation"):
        rule.aggregate(_updates("spread"), cancel=CancelAtLook(look))


@pytest.mark.parametrize(
    "rule", [Median(), TrimmedMean(f=3), GeometricMedian(), Tree.default(20_000, seed=1)], ids=repr
)
@pytest.mark.parametrize("look", [1, 3])
def test_long_columns_are_sorted_in_pieces(rule: Rule, look: int) -> None:
    with pytest.raises(CancelledError, match="cancelled during the aggregation"):
        rule.aggregate(_updates("spread", (20_000, 60)), cancel=CancelAtLook(look))


def test_an_event_holds_for_one_aggregation() -> None:
    with pytest.raises(CancelledError, match="cancelled"):
        Krum(f=9).aggregate(_updates("spread"), cancel=CancelAtLook(1))
    assert Krum(f=9).aggregate(_updates("spread")).selected
