from __future__ import annotations

import numpy as np
import pytest

from mycelium_fractal_net.federated import Bulyan, GeometricMedian, Krum, Mean, Median, MultiKrum, TrimmedMean

SEVEN = np.array([[27.0], [20.0], [21.0], [24.0], [7.0], [10.0], [6.0]])


def test_krum_scores_of_the_worked_case_are_those_of_the_paper() -> None:
    assert Krum(f=2).aggregate(SEVEN).scores.tolist() == [94, 66, 46, 34, 179, 125, 213]


@pytest.mark.parametrize(("neighbors", "answer", "index"), [("paper", 24.0, 3), ("byzfl", 20.0, 1)])
def test_the_two_conventions_pick_differently(neighbors: str, answer: float, index: int) -> None:
    result = Krum(f=2, neighbors=neighbors).aggregate(SEVEN)  # type: ignore[arg-type]  # parametrised
    assert (result.vector.tolist(), result.selected) == ([answer], (index,))


def test_integers_are_taken_as_numbers() -> None:
    assert Krum(f=2)(SEVEN.astype(int)).tolist() == [24.0]


def test_the_result_names_rule_f_and_n() -> None:
    result = Krum(f=2).aggregate(SEVEN)
    assert (result.rule, result.f, result.n) == ("Krum(f=2, neighbors='paper')", 2, 7)


def test_multi_krum_averages_the_best() -> None:
    assert MultiKrum(f=2, m=3).aggregate(SEVEN).selected == (1, 2, 3)
    assert MultiKrum(f=2, m=3)(SEVEN).item() == pytest.approx(65 / 3)


def test_multi_krum_of_one_is_krum() -> None:
    assert MultiKrum(f=2, m=1)(SEVEN).tolist() == Krum(f=2)(SEVEN).tolist()


def test_bulyan_of_the_worked_case_follows_its_definition_by_hand() -> None:
    result = Bulyan(f=1).aggregate(SEVEN)
    picks = {20: 166, 10: 146, 24: 18, 7: 1, 21: 36}
    assert [SEVEN[i, 0] for i in result.selected] == [20, 21, 24, 7, 10]
    assert [result.scores[i] for i in result.selected] == [picks[x] for x in (20, 21, 24, 7, 10)]
    assert result.vector.item() == pytest.approx((20 + 21 + 24) / 3)


def test_trimmed_mean_and_median_by_hand() -> None:
    assert TrimmedMean(f=2)(SEVEN).item() == pytest.approx((10 + 20 + 21) / 3)
    assert Median()(SEVEN).item() == 20.0
    assert Median()(SEVEN[:4]).item() == 22.5


def test_geometric_median_of_a_triangle_sees_its_sides_under_120_degrees() -> None:
    corners = np.array([[0.0, 0.0], [4.0, 0.0], [1.0, 3.0]])
    gaps = corners - GeometricMedian()(corners)
    units = gaps / np.linalg.norm(gaps, axis=1)[:, None]
    np.testing.assert_allclose(units @ units.T, np.where(np.eye(3), 1.0, -0.5), atol=1e-10)


def test_geometric_median_of_an_obtuse_triangle_is_its_corner_to_the_bit() -> None:
    corners = np.array([[0.0, 0.0], [4.0, 0.3], [-4.0, 0.3]])
    assert GeometricMedian()(corners).tolist() == [0.0, 0.0]


def test_one_claim_of_1e12_samples_takes_over_a_mean_without_cap_only() -> None:
    updates, claims = [[0.0], [0.0], [1.0]], [100.0, 100.0, 1e12]
    assert Mean()(updates, weights=claims).item() == pytest.approx(1.0, abs=1e-9)
    assert Mean(max_weight=100)(updates, weights=claims).item() == pytest.approx(1 / 3)


def test_the_lowest_index_wins_ties() -> None:
    assert Krum(f=1).aggregate([[1.0], [0.0], [1.0], [0.0], [1.0], [0.0]]).selected == (0,)
    assert MultiKrum(f=0, m=2).aggregate([[0.0]] * 5).selected == (0, 1)
