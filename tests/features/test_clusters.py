"""Connected components against SciPy's labels of nine copies side by side."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import mycelium_fractal_net as mfn
from mycelium_fractal_net.features import cluster_sizes
from tests.features import reference


@given(
    shape=st.tuples(st.integers(1, 24), st.integers(1, 24)),
    share=st.floats(0.05, 0.95),
    seed=st.integers(0, 10_000),
    connectivity=st.sampled_from([4, 8]),
    periodic=st.booleans(),
)
@settings(max_examples=200, deadline=None)
def test_sizes_equal_those_of_scipy(
    shape: tuple[int, int], share: float, seed: int, connectivity: int, periodic: bool
) -> None:
    mask = np.random.default_rng(seed).random(shape) < share
    found = cluster_sizes(np.where(mask, 0.0, -70.0), -60.0, connectivity, periodic)
    assert sorted(found.tolist()) == reference.component_sizes(mask, connectivity, periodic)


def spiral(n: int) -> Any:
    field = np.full((n, n), -70.0)
    row, column, down, right = 0, -1, 0, 1
    length, turns = n, 0
    while length > 0:
        for _ in range(length):
            row, column = row + down, column + right
            field[row, column] = 0.0
        down, right = right, -down
        turns += 1
        length -= 2 if turns % 2 == 1 and turns > 1 else 1 if turns == 1 else 0
    return field


def test_a_spiral_is_one_component_however_long() -> None:
    assert len(cluster_sizes(spiral(41), -60.0, periodic=False)) == 1


def test_a_checkerboard_is_all_singles_or_one() -> None:
    field = np.indices((16, 16)).sum(axis=0) % 2 * 70.0 - 70.0
    assert cluster_sizes(field, -60.0).tolist() == [1] * 128
    assert cluster_sizes(field, -60.0, connectivity=8).tolist() == [128]


@pytest.mark.parametrize(("connectivity", "expected"), [(4, [1, 1]), (8, [2])])
def test_opposite_corners_touch_diagonally_on_a_torus(connectivity: int, expected: list[int]) -> None:
    field = np.full((5, 7), -70.0)
    field[0, 0] = field[4, 6] = 0.0
    assert cluster_sizes(field, -60.0, connectivity).tolist() == expected


def test_the_threshold_itself_is_not_above_it() -> None:
    assert cluster_sizes(np.full((3, 3), -60.0), -60.0).size == 0


@pytest.mark.parametrize("connectivity", [6, True, "4", 4.5])
def test_only_four_and_eight_neighbours_exist(connectivity: Any) -> None:
    with pytest.raises(mfn.InvalidInputError, match="connectivity must be 4 or 8"):
        cluster_sizes(np.zeros((3, 3)), -60.0, connectivity)
