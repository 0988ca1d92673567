"""What a pattern looks like: numbers by hand, the tree that ships, and runs that it was not trained on."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

import mycelium_fractal_net as mfn
from mycelium_fractal_net.features._kernels_clusters import _component_sizes
from mycelium_fractal_net.fields import MORPHOLOGY_NAMES, REGIMES, PatternNumbers, classify_morphology, regime
from mycelium_fractal_net.fields.morphology import pattern_numbers, shipped_tree


def frame_of(activator: NDArray[np.float64]) -> mfn.SimulationResult:
    """Return step 0 of a run that starts from an activator."""
    config = mfn.SimulationConfig(domain=activator.shape, steps=1, start="array")
    given = {"initial_activator": activator, "initial_inhibitor": np.full(activator.shape, 0.5)}
    return mfn.Simulation(config, **given).result  # type: ignore[arg-type]


def squares(high: float, ground: float) -> NDArray[np.float64]:
    field = np.full((24, 24), ground)
    for row in (2, 10, 18):
        for column in (2, 10, 18):
            field[row : row + 4, column : column + 4] = high
    return field


def test_separate_squares_are_patches_and_their_opposite_holes() -> None:
    found = pattern_numbers(frame_of(squares(1.0, 0.0)))
    assert found.area == 9 * 16 / 576
    assert (found.balance, found.largest_patch, found.largest_hole, found.patch_length) == (0.8, 1 / 9, 1.0, 1.0)
    assert found.contrast == pytest.approx(np.sqrt(0.25 * 0.75))
    assert found.skewness == pytest.approx((1 - 2 * 0.25) / np.sqrt(0.25 * 0.75))
    opposite = pattern_numbers(frame_of(squares(0.0, 1.0)))
    assert (opposite.area, opposite.balance, opposite.hole_length) == (0.75, -0.8, 1.0)


def test_a_stripe_is_long() -> None:
    field = np.zeros((24, 24))
    field[4:8] = 1.0
    found = pattern_numbers(frame_of(field))
    assert (found.balance, found.area) == (0.0, 4 / 24)
    assert found.patch_length == pytest.approx(2 * 24 / (4 * np.sqrt(4 * 24)))


def test_a_flat_field_and_a_pair_that_is_switched_off_are_uniform() -> None:
    assert classify_morphology(frame_of(np.full((16, 16), 0.5))).name == "uniform"
    off = mfn.simulate(mfn.SimulationConfig(grid_size=16, steps=2, turing_enabled=False))
    assert classify_morphology(off).name == "uniform"


def leaves(node: dict[str, Any]) -> Iterator[dict[str, Any]]:
    if "name" in node:
        yield node
        return
    assert node["feature"] in PatternNumbers._fields
    assert np.isfinite(node["threshold"])
    yield from leaves(node["low"])
    yield from leaves(node["high"])


def test_the_tree_that_ships_is_small_and_knows_every_name() -> None:
    found = list(leaves(shipped_tree()))
    assert {leaf["name"] for leaf in found} == set(MORPHOLOGY_NAMES)
    assert len(found) <= 12
    assert all(0.5 < leaf["share"] <= 1 for leaf in found)


@pytest.mark.parametrize("name", [name for name, entry in REGIMES.items() if name.startswith("mycelium")])
def test_other_seeds_and_sizes_have_the_name_of_their_regime(name: str) -> None:
    result = mfn.simulate(regime(name, seed=77, domain=(56, 72), spike_probability=0.0))
    found = classify_morphology(result)
    assert found.name == REGIMES[name].morphology
    assert found.share > 0.8
    fine = mfn.simulate(regime(name, seed=77, grid_size=96, resolution=2, steps=400, spike_probability=0.0))
    assert classify_morphology(fine).name == REGIMES[name].morphology


def test_a_read_only_result_has_no_kernel_of_its_own() -> None:
    """A second signature would be compiled at run time, which an installation without a compiler cannot."""
    result = mfn.simulate(mfn.SimulationConfig(grid_size=16, steps=3), sets="activator")
    _ = result.features
    before = _component_sizes.signatures
    classify_morphology(result)
    assert _component_sizes.signatures == before


def test_what_still_grows_is_moving() -> None:
    assert classify_morphology(mfn.simulate(mfn.SimulationConfig(steps=30))).name == "moving"
