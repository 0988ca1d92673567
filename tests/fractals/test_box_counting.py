import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from mycelium_fractal_net.errors import InvalidInputError
from mycelium_fractal_net.fractals import box_counting_dimension, early_scales, fast_box_dimension
from mycelium_fractal_net.fractals._kernels_boxes import cover_counts, extents
from mycelium_fractal_net.fractals._ladder import is_exactly_similar
from tests.fractals.shapes import PATTERNS, disk, kronecker_power, labyrinth, placed, self_similar

shapes = st.tuples(st.integers(1, 24), st.integers(1, 24))
masks = shapes.flatmap(lambda shape: hnp.arrays(np.bool_, shape))
paddings = st.integers(0, 40)


@pytest.mark.parametrize("name", PATTERNS)
@pytest.mark.parametrize("periodic", [False, True])
@settings(max_examples=8, deadline=None)
@given(above=paddings, left=paddings, below=paddings, right=paddings)
def test_cover_is_exact_on_self_similar_sets_wherever_they_lie(
    name: str, periodic: bool, above: int, left: int, below: int, right: int
) -> None:
    mask, base, dimension = self_similar(name)
    everywhere = placed(mask, above, left, below, right)
    scales = [base**k for k in range(1, 4) if base**k <= len(mask)]
    found = box_counting_dimension(everywhere, periodic=periodic, scales=scales)
    assert found.dimension == pytest.approx(dimension, abs=1e-9)
    assert box_counting_dimension(everywhere, periodic=periodic).dimension == pytest.approx(dimension, abs=1e-9)


@pytest.mark.parametrize("name", PATTERNS)
@pytest.mark.parametrize("shift", [(1, 0), (50, 31), (17, 77)])
def test_a_rolled_torus_has_the_same_counts(name: str, shift: tuple[int, int]) -> None:
    mask = placed(self_similar(name)[0], 3, 11, 4, 2)
    still = box_counting_dimension(mask, periodic=True)
    moved = box_counting_dimension(np.roll(mask, shift, axis=(0, 1)), periodic=True)
    assert moved.dimension == still.dimension
    np.testing.assert_array_equal(moved.counts, still.counts)


@pytest.mark.parametrize("orientation", range(8))
def test_turning_and_mirroring_change_nothing(orientation: int) -> None:
    mask = labyrinth(96, 9.2)[:80]
    turned = np.rot90(mask if orientation < 4 else mask.T, orientation)
    assert box_counting_dimension(turned).dimension == box_counting_dimension(mask).dimension


def test_a_single_grid_is_right_only_where_the_set_is_aligned() -> None:
    mask, _, dimension = self_similar("sierpinski")
    at_home = box_counting_dimension(mask, method="aligned")
    assert at_home.dimension == pytest.approx(dimension, abs=1e-9)
    shifted = [box_counting_dimension(placed(mask, k, 2 * k), method="aligned").dimension for k in range(1, 16)]
    assert max(abs(np.asarray(shifted) - dimension)) > 0.03


@settings(max_examples=60, deadline=None)
@given(masks, st.sampled_from(["cover", "aligned"]), st.booleans())
def test_any_mask_gets_finite_numbers_and_a_verdict(mask: Any, method: str, periodic: bool) -> None:
    found = box_counting_dimension(mask, method=method, periodic=periodic)
    assert 0.0 <= found.dimension <= 2.6
    assert 0.0 <= found.r2 <= 1.0
    assert found.verdict in {"fractal", "crossover", "filled", "empty", "insufficient"}
    assert len(found.local_slopes) == max(0, len(found.scales) - 1)
    if method == "cover":
        known = extents(mask.view(np.uint8), periodic)
        assert fast_box_dimension(mask, periodic, known) == (found.dimension, found.r2)
        early = cover_counts(mask.view(np.uint8), early_scales(mask.shape), periodic)
        assert fast_box_dimension(mask, periodic, known, early) == (found.dimension, found.r2)


@settings(max_examples=60, deadline=None)
@given(masks, st.booleans())
def test_covers_need_at_most_the_boxes_of_the_one_grid(mask: Any, periodic: bool) -> None:
    scales = np.arange(1, max(mask.shape) + 1)
    if scales.size < 2:
        return
    cover = box_counting_dimension(mask, periodic=periodic, scales=scales).counts
    aligned = box_counting_dimension(mask, method="aligned", scales=scales).counts
    assert (cover <= aligned).all()
    assert cover[0] == aligned[0] == mask.sum()


@pytest.mark.parametrize("shape", [(2, 2), (3, 5000), (64, 64), (65, 33), (100, 7)])
@pytest.mark.parametrize("method", ["cover", "aligned"])
@pytest.mark.parametrize("periodic", [False, True])
def test_a_full_mask_has_exactly_two_dimensions(shape: Any, method: str, periodic: bool) -> None:
    found = box_counting_dimension(np.ones(shape), method=method, periodic=periodic)
    assert (found.dimension, found.r2, found.standard_error, found.verdict) == (2.0, 1.0, 0.0, "filled")


@pytest.mark.parametrize("shape", [(1, 2), (1, 64), (37, 1), (1, 5000)])
def test_a_full_row_has_exactly_one_dimension(shape: Any) -> None:
    found = box_counting_dimension(np.ones(shape))
    assert (found.dimension, found.verdict) == (1.0, "filled")


@pytest.mark.parametrize("shape", [(1, 1), (1, 9), (64, 64), (3, 5000)])
def test_an_empty_mask_has_dimension_zero_and_says_so(shape: Any) -> None:
    found = box_counting_dimension(np.zeros(shape))
    assert (found.dimension, found.r2, found.verdict) == (0.0, 0.0, "empty")
    assert math.isnan(found.standard_error)


@pytest.mark.parametrize("cells", [[(0, 0)], [(31, 63)], [(3, 3), (3, 4)]])
def test_a_few_cells_are_insufficient(cells: list[tuple[int, int]]) -> None:
    mask = np.zeros((32, 64), dtype=bool)
    mask[tuple(zip(*cells, strict=True))] = True
    found = box_counting_dimension(mask)
    assert (found.dimension, found.verdict) == (0.0, "insufficient")
    assert box_counting_dimension(np.ones((1, 1))).verdict == "insufficient"


@pytest.mark.parametrize("length", [64, 96, 1000])
def test_a_straight_line_has_one_dimension(length: int) -> None:
    across = placed(np.ones((1, length), dtype=bool), 9, 4, 30, 11)
    along = np.eye(length, dtype=bool)
    scales = [2, 4, 8]
    for mask in (across, across.T, along):
        assert box_counting_dimension(mask, scales=scales).dimension == pytest.approx(1.0, abs=0.02)


def test_the_report_holds_counts_slopes_and_the_error_of_the_fit() -> None:
    mask = disk(100, 31.0)
    found = box_counting_dimension(mask, scales=[16, 2, 4, 8, 4])
    assert found.scales.tolist() == [2, 4, 8, 16]
    x, y = np.log(1 / found.scales), np.log(found.counts)
    (slope, _), covariance = np.polyfit(x, y, 1, cov=True)
    assert found.dimension == pytest.approx(slope, rel=1e-12)
    assert found.standard_error == pytest.approx(math.hypot(math.sqrt(covariance[0, 0]), 0.065), rel=1e-9)
    assert found.r2 == pytest.approx(np.corrcoef(x, y)[0, 1] ** 2, rel=1e-9)
    np.testing.assert_allclose(found.local_slopes, np.diff(y) / np.diff(x), rtol=1e-12)


def turned(base: int, kept: list[int], angle: float, seed: int) -> Any:
    """Draw a self-similar set of equal parts, turned by an angle, by random addresses, on 256 x 256 cells."""
    draw, parts = np.random.default_rng(seed), np.array([divmod(cell, base) for cell in kept], dtype=float)
    scales = float(base) ** -np.arange(1, 10)
    points = (parts[draw.integers(len(kept), size=(200_000, 9))] * scales[:, None]).sum(axis=1)
    points = points @ np.array([[math.cos(angle), -math.sin(angle)], [math.sin(angle), math.cos(angle)]])
    cells = (points - points.min(axis=0)) / np.ptp(points, axis=0).max() * 255.999
    mask = np.zeros((256, 256), dtype=bool)
    mask[tuple(cells.astype(int).T)] = True
    return mask


@pytest.mark.parametrize(
    ("base", "kept"), [(2, [0, 2, 3]), (3, [1, 3, 4, 5, 7]), (3, [0, 2, 6, 8]), (4, [0, 3, 5, 6, 9])]
)
def test_the_interval_holds_the_dimension_of_sets_that_do_not_lie_along_the_grid(base: int, kept: list[int]) -> None:
    truth = math.log(len(kept)) / math.log(base)
    found = [box_counting_dimension(turned(base, kept, angle, 3)) for angle in (0.2, 0.5, 0.9, 1.3)]
    assert sum(each.interval[0] <= truth <= each.interval[1] for each in found) >= 3
    assert all(0.2 < each.interval[1] - each.interval[0] < 0.35 for each in found)


def test_two_scales_give_a_slope_but_no_error_and_no_verdict() -> None:
    found = box_counting_dimension(self_similar("carpet")[0], scales=(3, 9))
    assert found.dimension == pytest.approx(math.log(8) / math.log(3))
    assert math.isnan(found.standard_error)
    assert found.verdict == "insufficient"


def test_default_scales_follow_the_array_and_the_set() -> None:
    small = placed(kronecker_power(np.asarray(PATTERNS["sierpinski"]), 5).astype(bool), 100, 200, 300, 44)
    assert box_counting_dimension(labyrinth(256, 9.2)).scales.tolist() == [2, 4, 8, 16, 32, 64]
    assert box_counting_dimension(small).scales.tolist() == [2, 4, 8, 16]
    assert box_counting_dimension(self_similar("carpet")[0]).scales.tolist() == [3, 9, 27]


@pytest.mark.parametrize(
    ("mask", "message"),
    [
        (np.full((4, 4), np.nan), "booleans, or of 0 and 1"),
        (np.full((4, 4), 0.5), "booleans, or of 0 and 1"),
        (np.full((4, 4), 1e308), "booleans, or of 0 and 1"),
        (np.full((4, 4), 255, dtype=np.uint8), "compare a field with a threshold"),
        (np.full((4, 4), -70.0), "values from -70 to -70"),
        (np.ones((2, 2, 2, 2)), "two-dimensional"),
        (np.ones(9), "two-dimensional"),
        (np.ones((0, 4)), "at least one cell"),
        ([[1, 0], [1]], "rectangular"),
        ("mask", "two-dimensional"),
        ([["0", "1"]], "array of booleans"),
        (np.ones((2, 2), dtype=complex), "array of booleans"),
        (None, "two-dimensional"),
        ([[object()]], "array of booleans"),
    ],
)
def test_what_is_not_a_mask_is_refused(mask: Any, message: str) -> None:
    with pytest.raises(InvalidInputError, match=message):
        box_counting_dimension(mask)


@pytest.mark.parametrize(
    ("scales", "message"),
    [
        ([0, 2], "whole numbers from 1 to 9"),
        ([-2, 2], "whole numbers from 1 to 9"),
        ([2, 10], "whole numbers from 1 to 9"),
        ([2.0, 4.0], "whole numbers from 1 to 9"),
        ([True, 2], "whole numbers from 1 to 9"),
        ([2, math.nan], "whole numbers from 1 to 9"),
        ([2, 10**30], "whole numbers from 1 to 9"),
        ([2, 2], "at least 2 different"),
        ([], "at least 2 different"),
        (4, "at least 2 different"),
        ("24", "a sequence of whole numbers"),
        (2.5, "a sequence of whole numbers"),
    ],
)
def test_unusable_scales_are_refused(scales: Any, message: str) -> None:
    with pytest.raises(InvalidInputError, match=message):
        box_counting_dimension(np.eye(9), scales=scales)


def test_unknown_methods_and_flags_are_refused() -> None:
    with pytest.raises(InvalidInputError, match="'cover' or 'aligned'; got 'sliding'"):
        box_counting_dimension(np.eye(9), method="sliding")
    with pytest.raises(InvalidInputError, match="periodic must be True or False; got 1"):
        box_counting_dimension(np.eye(9), periodic=1)  # type: ignore[arg-type] # what is under test


@pytest.mark.parametrize("dtype", [bool, np.int8, np.uint64, np.float32, np.float16])
def test_masks_of_any_numeric_type_count_alike(dtype: Any) -> None:
    mask = labyrinth(50, 7.0)
    assert box_counting_dimension(mask.astype(dtype)).dimension == box_counting_dimension(mask).dimension
    assert box_counting_dimension(mask.tolist()).dimension == box_counting_dimension(mask).dimension


def test_views_and_fortran_order_are_taken_as_they_look() -> None:
    mask = labyrinth(100, 9.2)
    view = mask[5:85:2, ::-1]
    copy = np.ascontiguousarray(view)
    assert box_counting_dimension(view).counts.tolist() == box_counting_dimension(copy).counts.tolist()
    assert box_counting_dimension(np.asfortranarray(copy)).dimension == box_counting_dimension(copy).dimension


@pytest.mark.parametrize(
    ("counts", "expected"),
    [([512, 64, 8, 1], True), ([8, 4, 2, 1], True), ([512, 64, 9, 1], False), ([9, 3, 1], False), ([5] * 6, False)],
)
def test_three_equal_steps_make_a_set_exactly_similar(counts: list[int], expected: bool) -> None:
    assert is_exactly_similar(counts) is expected
