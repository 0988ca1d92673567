"""Persistent homology against fields whose bars are known, and against the count of clusters."""

import sys

import numpy as np
import pytest

import mycelium_fractal_net as mfn
from mycelium_fractal_net.features import cluster_sizes, persistence_bars, persistence_entropy
from tests.features import reference


def peaks(heights: list[float]) -> np.ndarray:
    field = np.full((24, 24), -70.0)
    for place, height in enumerate(heights):
        field[3 + 7 * (place // 3), 3 + 7 * (place % 3)] += height
    return field


@pytest.mark.parametrize("periodic", [True, False])
@pytest.mark.parametrize("count", [1, 2, 5, 9])
def test_equal_peaks_share_evenly(count: int, periodic: bool) -> None:
    found = persistence_entropy(peaks([30.0] * count), periodic)
    assert found.patches == pytest.approx(np.log(count))
    assert found.holes == 0.0


def test_unequal_peaks_have_the_entropy_of_their_heights() -> None:
    heights = np.array([10.0, 20.0, 30.0])
    shares = heights / heights.sum()
    expected = -(shares * np.log(shares)).sum()
    assert persistence_entropy(peaks(heights.tolist())).patches == pytest.approx(expected)


@pytest.mark.parametrize("periodic", [True, False])
def test_pits_are_holes(periodic: bool) -> None:
    loops = 5 if periodic else 4  # on a torus two go round it, and one of four pits closes the surface
    assert persistence_entropy(-peaks([30.0] * 4), periodic).holes == pytest.approx(np.log(loops))


@pytest.mark.parametrize("periodic", [True, False])
@pytest.mark.parametrize("level", [-63.0, -60.0, -57.0])
def test_as_many_bars_hold_a_level_as_there_are_clusters_above_it(level: float, periodic: bool) -> None:
    field = reference.history()[-1]
    patches, _ = persistence_bars(field, periodic)
    alive = (patches[:, 0] > level) & (patches[:, 1] <= level)
    assert alive.sum() == len(cluster_sizes(field, level, periodic=periodic))


def test_bars_of_a_tenth_of_the_range_last() -> None:
    found = mfn.extract_features(peaks([30.0, 20.0, 4.0, 3.0, 2.0]), sets=("topology",))
    assert found["lasting_patches"] == 3.0  # 3 of 30 is a tenth, and not more
    assert found["lasting_holes"] == 0.0
    pits = mfn.extract_features(-peaks([30.0, 20.0, 2.0]), periodic=False, sets=("topology",))
    assert (pits["lasting_patches"], pits["lasting_holes"]) == (1.0, 2.0)


@pytest.mark.parametrize("field", [np.zeros((5, 5)), np.zeros((1, 1)), np.zeros((1, 7))])
def test_a_constant_field_has_no_bars_to_share(field: np.ndarray) -> None:
    assert persistence_entropy(field) == (0.0, 0.0)


def test_without_gudhi_the_error_names_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "gudhi", None)
    with pytest.raises(mfn.MissingExtraError, match=r'pip install "mycelium-fractal-net\[topology\]"'):
        persistence_entropy(peaks([1.0]))
