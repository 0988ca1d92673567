from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from numpy.typing import NDArray

from mycelium_fractal_net.errors import CancelledError
from mycelium_fractal_net.features import extract_features
from mycelium_fractal_net.fractals import _covers, box_counting_dimension
from mycelium_fractal_net.fractals._kernels_boxes import aligned_counts, cover_counts, extents
from tests.fields.test_runs import CancelAtLook

shapes = st.tuples(st.integers(1, 20), st.integers(1, 20))
masks = shapes.flatmap(lambda shape: hnp.arrays(np.uint8, shape, elements=st.integers(0, 1)))


def covering_count(mask: NDArray[Any], scale: int, top: int, left: int) -> int:
    """Count, box by box, those that hold a cell on the grid with a corner at (top, left)."""
    rows, columns = mask.shape
    corners = [
        (r, c)
        for r in range(top - scale if top else 0, rows, scale)
        for c in range(left - scale if left else 0, columns, scale)
    ]
    return sum(bool(mask[max(r, 0) : r + scale, max(c, 0) : c + scale].any()) for r, c in corners)


def covering_count_on_torus(mask: NDArray[Any], scale: int, top: int, left: int) -> int:
    """Go once round the torus from (top, left), with smaller boxes to close the round."""
    return covering_count(np.roll(mask, (-top, -left), axis=(0, 1)), scale, 0, 0)


@settings(max_examples=80, deadline=None)
@given(masks, st.integers(1, 20))
def test_cover_is_the_minimum_over_every_offset(mask: Any, scale: int) -> None:
    by_hand = min(covering_count(mask, scale, r, c) for r in range(scale) for c in range(scale))
    assert cover_counts(mask, np.asarray([scale]), False)[0] == by_hand


@settings(max_examples=80, deadline=None)
@given(masks, st.integers(1, 20))
def test_cover_on_a_torus_is_the_minimum_over_every_start(mask: Any, scale: int) -> None:
    starts = [(r, c) for r in range(mask.shape[0]) for c in range(mask.shape[1])]
    by_hand = min(covering_count_on_torus(mask, scale, r, c) for r, c in starts)
    assert cover_counts(mask, np.asarray([scale]), True)[0] == by_hand


@settings(max_examples=80, deadline=None)
@given(masks, st.sets(st.integers(1, 20), min_size=1))
def test_aligned_counts_the_boxes_of_the_first_grid(mask: Any, scales: set[int]) -> None:
    ordered = sorted(scales)
    by_hand = [covering_count(mask, scale, 0, 0) for scale in ordered]
    assert aligned_counts(mask, np.asarray(ordered)).tolist() == by_hand


@settings(max_examples=40, deadline=None)
@given(masks, st.sets(st.integers(1, 20), min_size=2), st.booleans())
def test_counting_many_scales_at_once_is_counting_each(mask: Any, scales: set[int], periodic: bool) -> None:
    ordered = sorted(scales)
    singly = [cover_counts(mask, np.asarray([scale]), periodic)[0] for scale in ordered]
    assert cover_counts(mask, np.asarray(ordered), periodic).tolist() == singly


def summed_area_counts(mask: NDArray[Any], scale: int) -> int:
    """The same in NumPy, with a summed-area table: what the benchmark compares with."""
    padded = np.pad(mask.astype(np.int64), scale - 1)
    table = np.pad(padded.cumsum(0).cumsum(1), ((1, 0), (1, 0)))
    mass = table[scale:, scale:] - table[:-scale, scale:] - table[scale:, :-scale] + table[:-scale, :-scale]
    held = mass > 0
    rows, columns = (-len(held) % scale, -held.shape[1] % scale)
    boxes = np.pad(held, ((0, rows), (0, columns))).reshape(
        (len(held) + rows) // scale, scale, (held.shape[1] + columns) // scale, scale
    )
    return int(boxes.sum(axis=(0, 2)).min())


@pytest.mark.parametrize("shape", [(128, 128), (200, 77), (3, 500)])
@pytest.mark.parametrize("density", [0.003, 0.1, 0.9])
def test_compiled_counts_equal_the_summed_area_table(shape: tuple[int, int], density: float) -> None:
    mask = (np.random.default_rng(0).random(shape) < density).astype(np.uint8)
    scales = np.asarray([1, 2, 3, 5, 8, 16, 31])
    expected = [summed_area_counts(mask, scale) for scale in scales.tolist()]
    assert cover_counts(mask, scales, False).tolist() == expected


@pytest.mark.parametrize(
    ("rows", "periodic", "expected"),
    [
        ([2, 3, 7], False, (3, 6, 1)),
        ([0, 9], False, (2, 10, 1)),
        ([0, 9], True, (2, 2, 1)),
        ([0, 2, 9], True, (3, 4, 1)),
        ([0, 4, 9], True, (3, 10, 1)),
        ([], False, (0, 0, 0)),
        (range(10), True, (10, 10, 1)),
    ],
)
def test_the_extent_of_a_set_may_go_round_the_border(rows: Any, periodic: bool, expected: Any) -> None:
    mask = np.zeros((10, 6), np.uint8)
    mask[list(rows), 2] = 1
    assert extents(mask, periodic) == expected


@settings(max_examples=80, deadline=None)
@given(masks, st.lists(st.integers(1, 20), min_size=1, max_size=5, unique=True), st.booleans())
def test_counts_that_could_be_cancelled_are_the_same(mask: Any, scales: list[int], periodic: bool) -> None:
    sizes = np.array(sorted(scales))
    in_steps = _covers._counted_in_steps(mask, sizes, periodic, lambda: None)
    assert in_steps.tolist() == cover_counts(mask, sizes, periodic).tolist()


@pytest.mark.parametrize("look", [1, 5, 9])
@pytest.mark.parametrize("side", [512, 700])
def test_boxes_of_a_large_mask_can_be_cancelled(look: int, side: int) -> None:
    mask = np.random.default_rng(1).random((side, side)) < 0.3
    with pytest.raises(CancelledError, match="cancelled while boxes were counted"):
        box_counting_dimension(mask, periodic=True, cancel=CancelAtLook(look))
    with pytest.raises(CancelledError, match="cancelled while boxes were counted"):
        extract_features(np.where(mask, 0.0, -70.0), cancel=CancelAtLook(look))
