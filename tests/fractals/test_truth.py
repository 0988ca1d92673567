"""Sets whose dimension is known, made by code that shares nothing with the package."""

from __future__ import annotations

from statistics import fmean

import numpy as np
import pytest

from benchmarks.fractal_truth import CLASSES, dla, measured
from mycelium_fractal_net.fractals import BoxCounting, box_counting_dimension
from mycelium_fractal_net.fractals._thick import fit_thick_line

PUBLISHED_DLA = 1.71  # P. Meakin, Phys. Rev. A 27 (1983) 1495


@pytest.fixture(scope="module")
def cluster() -> BoxCounting:
    return box_counting_dimension(dla(1000)[0])


def test_diffusion_limited_aggregation_has_its_published_dimension(cluster: BoxCounting) -> None:
    assert cluster.verdict == "fractal"
    assert cluster.dimension == pytest.approx(PUBLISHED_DLA, abs=0.05)


def test_the_fit_says_that_the_branches_are_thin(cluster: BoxCounting) -> None:
    assert 0.5 < cluster.thickness <= 1.1
    assert np.polyfit(-np.log(cluster.scales), np.log(cluster.counts), 1)[0] < 1.65


@pytest.mark.parametrize("exponent", [0.7, 1.3, 1.9])
@pytest.mark.parametrize("thickness", [-0.25, 0.0, 1.0])
def test_a_law_with_a_border_is_found_again(exponent: float, thickness: float) -> None:
    scales = np.array([2, 4, 8, 16, 32, 64])
    found = fit_thick_line(scales, 1e6 * (scales + thickness) ** -exponent)
    assert found.line.slope == pytest.approx(exponent, abs=1e-9)
    assert found.thickness == thickness


@pytest.mark.parametrize("name", ["percolation clusters", "fractal percolation", "Brownian level sets"])
def test_intervals_hold_the_dimension_of_sets_that_set_no_threshold(name: str) -> None:
    make, _ = CLASSES[name]
    sets = [make(7000 + seed) for seed in range(4)]
    found = [(box_counting_dimension(mask), truth) for mask, truth in sets]
    inside = [low <= truth <= high for (low, high), truth in ((boxes.interval, truth) for boxes, truth in found)]
    assert sum(inside) >= 3


@pytest.mark.long
@pytest.mark.parametrize("offset", [0, 500, 9000])
def test_verdicts_and_intervals_are_as_good_as_the_docs_say(offset: int) -> None:
    known, others = measured(offset)
    assert sum(outcome.verdict == "fractal" for outcome in known) >= 85
    assert sum(outcome.verdict == "fractal" for outcome in others) <= 5
    assert 90 <= sum(outcome.held for outcome in known) <= 98
    assert abs(fmean(outcome.error for outcome in known if outcome.name == "DLA")) <= 0.05
