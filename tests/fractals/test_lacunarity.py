from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from numpy.lib.stride_tricks import sliding_window_view

from mycelium_fractal_net.errors import InvalidInputError
from mycelium_fractal_net.fractals import lacunarity
from tests.fractals.shapes import kronecker_power, labyrinth

shapes = st.tuples(st.integers(1, 16), st.integers(1, 16))
masks = shapes.flatmap(lambda shape: hnp.arrays(np.bool_, shape)).filter(lambda mask: bool(mask.any()))


def by_definition(mask: Any, size: int) -> float:
    masses = sliding_window_view(mask.astype(float), (size, size)).sum(axis=(2, 3))
    return float((masses**2).mean() / masses.mean() ** 2)


@settings(max_examples=80, deadline=None)
@given(masks, st.data())
def test_gliding_boxes_follow_the_definition(mask: Any, data: st.DataObject) -> None:
    size = data.draw(st.integers(1, min(mask.shape)))
    if not sliding_window_view(mask, (size, size)).any():
        return
    assert lacunarity(mask, size)[0] == pytest.approx(by_definition(mask, size), rel=1e-12)


@settings(max_examples=80, deadline=None)
@given(masks, st.data())
def test_on_a_torus_boxes_reach_across_the_border(mask: Any, data: st.DataObject) -> None:
    size = data.draw(st.integers(1, min(mask.shape)))
    wrapped = np.pad(mask, ((0, size - 1), (0, size - 1)), mode="wrap")
    assert lacunarity(mask, size, periodic=True)[0] == pytest.approx(by_definition(wrapped, size), rel=1e-12)


def test_single_cells_give_the_inverse_of_their_share() -> None:
    mask = labyrinth(64, 9.2)
    assert lacunarity(mask, [1])[0] == pytest.approx(1 / mask.mean())


def test_even_sets_have_lacunarity_one() -> None:
    np.testing.assert_array_equal(lacunarity(np.ones((9, 12)), [1, 4, 9]), [1.0, 1.0, 1.0])
    np.testing.assert_array_equal(lacunarity(np.indices((8, 8)).sum(axis=0) % 2, [2, 8]), [1.0, 1.0])


def test_random_cells_follow_the_binomial_law() -> None:
    share, size = 0.3, 5
    mask = np.random.default_rng(0).random((600, 600)) < share
    expected = 1 + (1 - share) / (share * size**2)
    assert lacunarity(mask, size, periodic=True)[0] == pytest.approx(expected, rel=0.01)


def test_of_two_sets_of_one_dimension_the_one_with_larger_gaps_has_the_higher_lacunarity() -> None:
    spread, apart = np.zeros((5, 5)), np.zeros((5, 5))
    spread[::2, ::2] = 1
    apart[np.ix_([0, 1, 4], [0, 1, 4])] = 1
    values = [lacunarity(kronecker_power(pattern, 3), [8])[0] for pattern in (spread, apart)]
    assert values[0] < values[1]


def test_sizes_come_back_distinct_and_ascending() -> None:
    assert len(lacunarity(labyrinth(16, 5.0), [4, 2, 4])) == 2


@pytest.mark.parametrize("sizes", [[0], [9], [2.0], [], "2", None])
def test_sizes_that_do_not_fit_are_refused(sizes: Any) -> None:
    with pytest.raises(InvalidInputError, match="sizes must be"):
        lacunarity(np.ones((8, 30)), sizes)


def test_an_empty_mask_is_refused() -> None:
    with pytest.raises(InvalidInputError, match="0/0"):
        lacunarity(np.zeros((8, 8)), [2])


def test_an_array_of_one_cell_is_even() -> None:
    assert lacunarity(np.ones((1, 1)), 1).tolist() == [1.0]
