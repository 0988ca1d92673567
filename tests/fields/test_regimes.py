"""Each regime shows what it says: at rest or moving, spots or holes, one wave that turns or one that leaves."""

from typing import Any

import numpy as np
import pytest
from scipy import ndimage

import mycelium_fractal_net as mfn
from mycelium_fractal_net.errors import InvalidInputError
from mycelium_fractal_net.fields import MORPHOLOGY_NAMES, REGIMES, classify_morphology, get_kinetics, regime

PEARSON = [name for name in REGIMES if name.startswith("pearson-")]


def last_frames(name: str, **values: Any) -> tuple[Any, Any]:
    """Return the activator a hundred steps before the end, and at it; check the name of its form."""
    config = regime(name, spike_probability=0.0, **values)
    simulation = mfn.Simulation(config)
    simulation.advance(config.steps - 100)
    before = simulation.activator
    simulation.advance(100)
    if REGIMES[name].morphology is not None:
        assert classify_morphology(simulation.result).name == REGIMES[name].morphology
    return before, simulation.activator


def patches(mask: Any) -> int:
    """Count connected patches around the periodic edges, roughly: those of the middle of three by three copies."""
    return int(ndimage.label(np.tile(mask, (2, 2)))[1]) // 4


def test_pearson_has_twelve_classes() -> None:
    letters = "alpha beta gamma delta epsilon zeta eta theta iota kappa lambda mu"
    assert [name.removeprefix("pearson-") for name in PEARSON] == letters.split()


@pytest.mark.parametrize("name", PEARSON)
def test_pearsons_classes_move_or_rest_as_he_says(name: str) -> None:
    room = {} if REGIMES[name].moving else {"grid_size": 64}  # chaos dies out where it has no room
    before, after = last_frames(name, **room)
    moved = np.abs(after - before).mean()
    assert after.std() > 0.015
    assert (moved > 0.01) == REGIMES[name].moving


@pytest.mark.parametrize(
    ("name", "spots"), [("pearson-lambda", True), ("pearson-iota", False), ("pearson-delta", False)]
)
def test_spots_are_patches_and_holes_are_gaps(name: str, spots: bool) -> None:
    _, field = last_frames(name, grid_size=64)
    high, low = patches(field > 0.15), patches(field <= 0.15)
    assert (high > 3 * low) == spots
    assert (low > 3 * high) == (not spots)


@pytest.mark.parametrize("name", [name for name in REGIMES if not REGIMES[name].moving and name not in PEARSON])
def test_turing_regimes_grow_a_pattern_and_keep_it(name: str) -> None:
    before, after = last_frames(name, grid_size=48)
    low, high = get_kinetics(regime(name).kinetics).activator_range
    assert after.std() > 0.1 * (high - low)
    assert np.abs(after - before).mean() < 0.05 * after.std()


def test_the_spiral_goes_on_and_the_pulse_leaves() -> None:
    _, spiral = last_frames("fhn-spiral")
    assert spiral.max() > 0.5
    pulse = regime("fhn-pulse", spike_probability=0.0)
    assert mfn.simulate(pulse).activator.max() > 0.5
    assert mfn.simulate(regime("fhn-pulse", spike_probability=0.0, steps=1500)).activator.max() < 0.1


@pytest.mark.parametrize("entry", REGIMES.values(), ids=list(REGIMES))
def test_every_regime_has_words_and_a_source(entry: Any) -> None:
    assert entry.look_for
    assert entry.morphology in {None, *MORPHOLOGY_NAMES}
    assert entry.moving == (entry.morphology == "moving")
    assert "doi:" in entry.source
    assert regime(entry.name, seed=7).seed == 7


def test_an_unknown_regime_is_answered_with_the_known_ones() -> None:
    with pytest.raises(InvalidInputError, match="unknown regime 'pearson-nu'; known are pearson-alpha"):
        regime("pearson-nu")


def test_a_parameter_of_a_regime_is_replaced_alone() -> None:
    assert regime("schnakenberg-stripes", kinetics_parameters={"D_h": 5.0}).kinetics_parameters == {
        **REGIMES["schnakenberg-stripes"].settings["kinetics_parameters"],
        "D_h": 5.0,
    }
