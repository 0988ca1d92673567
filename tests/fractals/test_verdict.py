from typing import Any

import numpy as np
import pytest

from mycelium_fractal_net.fractals import box_counting_dimension, generate_ifs
from tests.fractals.shapes import PATTERNS, disk, labyrinth, placed, self_similar

INTEGER = {"quarter dust"}


@pytest.mark.parametrize("name", sorted(PATTERNS.keys() - INTEGER))
def test_self_similar_sets_are_fractals(name: str) -> None:
    assert box_counting_dimension(placed(self_similar(name)[0], 7, 2, 9, 20)).verdict == "fractal"


@pytest.mark.parametrize("name", ["koch", "sierpinski", "vicsek"])
@pytest.mark.parametrize("size", [243, 256])
def test_so_are_rasters_of_sets_with_other_ratios(name: str, size: int) -> None:
    mask = generate_ifs(name, points=1).mask(size)
    assert box_counting_dimension(mask, scales=[2, 4, 8, 16]).dimension == pytest.approx(
        box_counting_dimension(mask).dimension, abs=0.15
    )
    assert box_counting_dimension(mask).verdict == "fractal"


def test_a_cluster_at_the_percolation_threshold_is_a_fractal() -> None:
    from scipy import ndimage

    occupied = np.random.default_rng(1).random((256, 256)) < 0.592746
    labels, _ = ndimage.label(occupied)
    largest = labels == np.bincount(labels.ravel())[1:].argmax() + 1
    found = box_counting_dimension(largest)
    assert found.verdict == "fractal"
    assert found.dimension == pytest.approx(91 / 48, abs=0.1)


@pytest.mark.parametrize(
    "mask",
    [
        labyrinth(64, 9.2),
        labyrinth(256, 9.2),
        labyrinth(256, 20.0, seed=3),
        np.indices((64, 64)).sum(axis=0) % 2,
        disk(64, 29.0),
        disk(256, 60.0),
        disk(256, 115.0) & ~disk(256, 113.5),
        np.random.default_rng(0).random((128, 128)) < 0.5,
        np.random.default_rng(0).random((128, 128)) < 0.02,
        placed(np.ones((77, 77), dtype=bool), 3, 9, 20, 20),
    ],
    ids=["stripes", "wide", "broad", "checkerboard", "disk", "small disk", "ring", "noise", "dust", "square"],
)
def test_sets_that_look_different_at_different_scales_are_no_fractals(mask: Any) -> None:
    assert box_counting_dimension(mask).verdict == "crossover"


def test_lines_and_squares_that_fit_the_boxes_are_filled() -> None:
    assert box_counting_dimension(placed(np.ones((64, 64), dtype=bool), 11, 5, 2, 9)).verdict == "filled"
    assert box_counting_dimension(np.eye(64)).verdict == "filled"


def test_a_dust_of_dimension_one_cannot_be_told_from_a_line() -> None:
    found = box_counting_dimension(self_similar("quarter dust")[0])
    assert found.dimension == pytest.approx(1.0)
    assert found.verdict == "filled"


def test_narrow_strips_have_no_inner_cells() -> None:
    strip = np.random.default_rng(0).random((2, 400)) < 0.5
    assert box_counting_dimension(strip, scales=[4, 8, 16]).verdict in {"crossover", "filled"}
