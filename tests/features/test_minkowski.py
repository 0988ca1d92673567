"""Minkowski functionals of shapes that one can count by hand, and Euler's number by its definition."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import ndimage

import mycelium_fractal_net as mfn
from mycelium_fractal_net.features import minkowski_functionals
from tests.features import reference


@pytest.mark.parametrize("connectivity", [4, 8])
@pytest.mark.parametrize(("height", "width"), [(1, 1), (3, 5), (7, 2)])
def test_a_rectangle(height: int, width: int, connectivity: int) -> None:
    mask = np.zeros((12, 12), dtype=bool)
    mask[2 : 2 + height, 3 : 3 + width] = True
    assert minkowski_functionals(mask, connectivity) == (height * width, 2 * (height + width), 1)


@pytest.mark.parametrize("connectivity", [4, 8])
def test_tori_bands_and_holes(connectivity: int) -> None:
    mask = np.ones((6, 9), dtype=bool)
    assert minkowski_functionals(mask, connectivity) == (54, 0, 0)
    assert minkowski_functionals(mask, connectivity, periodic=False) == (54, 30, 1)
    mask[2:4, 2:4] = False
    assert minkowski_functionals(mask, connectivity) == (50, 8, -1)
    mask[:, :3] = False
    assert minkowski_functionals(mask, connectivity).euler == 0  # a band that closes round the torus


def test_cells_that_touch_at_a_corner() -> None:
    mask = np.eye(5, dtype=bool)
    assert minkowski_functionals(mask, 4, periodic=False) == (5, 20, 5)
    assert minkowski_functionals(mask, 8, periodic=False) == (5, 20, 1)


@given(st.tuples(st.integers(1, 20), st.integers(1, 20)), st.floats(0.1, 0.9), st.integers(0, 999))
@settings(max_examples=80, deadline=None)
def test_euler_is_components_less_holes(shape: tuple[int, int], share: float, seed: int) -> None:
    mask = np.random.default_rng(seed).random(shape) < share
    around = np.pad(~mask, 1, constant_values=True)
    for connectivity, other in ((4, 8), (8, 4)):
        holes = ndimage.label(around, np.ones((3, 3)) if other == 8 else None)[1] - 1
        components = len(reference.component_sizes(mask, connectivity, periodic=False))
        assert minkowski_functionals(mask, connectivity, periodic=False).euler == components - holes


@given(st.integers(0, 999), st.booleans())
@settings(max_examples=40, deadline=None)
def test_on_a_torus_set_and_rest_share_the_outline_and_cancel(seed: int, diagonal: bool) -> None:
    mask = np.random.default_rng(seed).random((9, 14)) < 0.5
    own = minkowski_functionals(mask, 8 if diagonal else 4)
    rest = minkowski_functionals(~mask, 4 if diagonal else 8)
    assert own.perimeter == rest.perimeter
    assert own.euler == -rest.euler
    assert own.area + rest.area == mask.size


def test_the_staircase_around_a_disk_is_four_over_pi_too_long() -> None:
    row, column = np.indices((401, 401)) - 200
    disk = minkowski_functionals(np.hypot(row, column) < 150.0, periodic=False)
    assert disk.area == pytest.approx(np.pi * 150**2, rel=1e-3)
    assert disk.perimeter * np.pi / 4 == pytest.approx(2 * np.pi * 150, rel=1e-2)


@pytest.mark.parametrize("mask", [np.zeros((3, 3)), np.zeros(3, dtype=bool), np.zeros((0, 3), dtype=bool), None, "x"])
def test_only_masks_have_functionals(mask: Any) -> None:
    with pytest.raises(mfn.InvalidInputError, match="mask must be a two-dimensional array of booleans"):
        minkowski_functionals(mask)


def test_only_four_and_eight_neighbours_exist() -> None:
    with pytest.raises(mfn.InvalidInputError, match="connectivity must be 4 or 8"):
        minkowski_functionals(np.ones((3, 3), dtype=bool), 6)
