from typing import Any

import numpy as np
import pytest

from mycelium_fractal_net.fields import SimulationConfig, simulate
from mycelium_fractal_net.fractals import box_counting_dimension, generate_ifs
from tests.fractals.shapes import PATTERNS, disk, kronecker_power, labyrinth, placed, self_similar

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


def noise(size: int, density: float = 0.5, seed: int = 0) -> Any:
    return np.random.default_rng(seed).random((size, size)) < density


@pytest.mark.parametrize("size", [8, 16, 20, 24, 32, 33, 48, 64, 65, 66, 67, 68, 100])
def test_a_turing_pattern_is_no_fractal_at_any_size(size: int) -> None:
    for seed in range(8):
        field = simulate(SimulationConfig(grid_size=size, steps=64, seed=seed)).field_mv
        verdict = box_counting_dimension(field > -60.0, periodic=True).verdict
        assert verdict in ({"crossover", "insufficient"} if size < 69 else {"crossover"})


@pytest.mark.parametrize("size", [9, 10, 16, 24, 27, 33, 48])
def test_noise_on_a_small_grid_is_no_evidence(size: int) -> None:
    verdicts = {box_counting_dimension(noise(size, seed=seed)).verdict for seed in range(20)}
    assert "insufficient" in verdicts
    assert verdicts <= {"insufficient", "crossover"}


@pytest.mark.parametrize("density", [0.4, 0.5, 0.7, 0.9])
@pytest.mark.parametrize("size", [65, 100, 129])
def test_boxes_that_stick_out_do_not_make_noise_a_fractal(size: int, density: float) -> None:
    whole = noise(size, density)
    patch = np.roll(placed(whole, 0, 0, size, size), (-size // 3, size // 2), axis=(0, 1))
    for mask, periodic in ((whole, False), (whole, True), (patch, True), (whole & disk(size, 0.45 * size), False)):
        assert box_counting_dimension(mask, periodic=periodic).verdict in {"crossover", "filled"}


@pytest.mark.parametrize("name", ["carpet", "vicsek", "cantor dust"])
def test_two_generations_are_too_few_and_three_are_enough(name: str) -> None:
    small, large = (kronecker_power(PATTERNS[name], level).astype(bool) for level in (2, 3))
    assert box_counting_dimension(placed(small, 1, 2, 3, 0)).verdict == "insufficient"
    assert box_counting_dimension(placed(large, 1, 2, 3, 0)).verdict == "fractal"


@pytest.mark.parametrize("level", range(3, 8))
def test_an_exact_triangle_is_a_fractal_from_eight_cells_on(level: int) -> None:
    triangle = kronecker_power(PATTERNS["sierpinski"], level).astype(bool)
    assert box_counting_dimension(placed(triangle, 5, 1, 0, 3)).verdict == "fractal"


def test_three_counts_in_line_are_met_by_chance() -> None:
    mask = kronecker_power(PATTERNS["sierpinski"], 3).astype(bool)
    mask[0, 0] = False
    found = box_counting_dimension(mask)
    assert found.counts.tolist() == [9, 3, 1]
    assert found.verdict == "insufficient"


def test_scales_that_hardly_differ_hide_no_curvature() -> None:
    for seed in range(4):
        pattern = simulate(SimulationConfig(grid_size=32, steps=64, seed=seed)).field_mv > -60.0
        assert box_counting_dimension(pattern, periodic=True, scales=range(2, 9)).verdict != "fractal"
    assert box_counting_dimension(noise(100), scales=range(2, 26)).verdict == "crossover"
    triangle = generate_ifs("sierpinski", points=1).mask(256)
    assert box_counting_dimension(triangle, scales=range(2, 65)).verdict == "fractal"


def test_a_thin_set_needs_ten_boxes_over_a_factor_of_eight() -> None:
    assert box_counting_dimension(generate_ifs("koch", points=1).mask(64)).verdict == "insufficient"
    assert box_counting_dimension(generate_ifs("koch", points=1).mask(200)).verdict == "fractal"


def test_a_slanted_fractal_has_holes_for_its_width() -> None:
    rows, columns = np.nonzero(generate_ifs("sierpinski", points=1).mask(512))
    slanted = np.zeros((1024, 512), dtype=bool)
    slanted[rows + columns, columns] = True
    assert box_counting_dimension(slanted).verdict == "fractal"


def test_rolling_a_torus_does_not_change_the_verdict() -> None:
    mask = placed(generate_ifs("vicsek", points=1).mask(128), 0, 0, 60, 40)
    verdicts = {
        box_counting_dimension(np.roll(mask, shift, axis=(0, 1)), periodic=True).verdict
        for shift in ((0, 0), (64, 0), (0, 97), (100, 100))
    }
    assert verdicts == {"fractal"}
