from typing import Any

import numpy as np
import pytest

import mycelium_fractal_net as mfn
from mycelium_fractal_net.errors import InvalidInputError
from mycelium_fractal_net.fields import Kinetics, Patches, get_kinetics, kinetics, list_kinetics
from tests.fields.test_trace import BUILT_IN


@pytest.mark.parametrize("name", BUILT_IN)
def test_every_built_in_kinetics_says_what_it_is_and_where_it_comes_from(name: str) -> None:
    model = get_kinetics(name)
    assert len(model.summary) > 20
    assert "doi:10." in model.source
    assert list(model.parameters)[-2:] == ["D_a", "D_h"]
    assert all(rate in str(model.function.__doc__) for rate in model.rate_names if rate not in {"r_a", "r_h"})


@pytest.mark.parametrize("name", BUILT_IN)
def test_both_rates_vanish_at_the_steady_state(name: str) -> None:
    state = mfn.linear_stability(name).steady_state
    assert get_kinetics(name).rates(*state) == pytest.approx((0.0, 0.0), abs=1e-15)


def test_rates_serve_floats_arrays_and_complex_numbers() -> None:
    model = get_kinetics("mycelium")
    assert model.rates(0.5, 0.5, bias=0.04) == pytest.approx((0.01, 0.0))
    assert model.rates(np.full(3, 0.5), np.full(3, 0.5))[1].tolist() == [0.0] * 3
    assert model.rates(0.5 + 1e-20j, 0.5)[1].imag == pytest.approx(0.375e-20)


@pytest.mark.parametrize("name", ["", "Mycelium", "no-such", None, 3, ["mycelium"]])
def test_an_unknown_name_is_answered_with_the_known_ones(name: Any) -> None:
    with pytest.raises(InvalidInputError, match=r"unknown kinetics .*; known are brusselator, classic"):
        get_kinetics(name)


@pytest.mark.parametrize("value", ["1", True, None, np.nan, np.inf, 1j, np.bool_(True), 10**400, [1.0]])
def test_parameters_are_finite_numbers(value: Any) -> None:
    with pytest.raises(InvalidInputError, match="parameter 'bias' of kinetics 'mycelium' must be a finite number"):
        get_kinetics("mycelium").complete({"bias": value})


@pytest.mark.parametrize("value", [np.float32(0.25), np.float64(0.25), 1, np.int64(1), np.uint8(1)])
def test_numpy_scalars_are_numbers(value: Any) -> None:
    found = get_kinetics("mycelium").complete({"beta": value})["beta"]
    assert (type(found), found) == (float, float(value))


@pytest.mark.parametrize("value", [-0.1, 20.1])
def test_diffusion_outside_its_range_is_refused(value: float) -> None:
    with pytest.raises(InvalidInputError, match=r"'D_h' must be in \[0, 20\] cells\^2/step, got"):
        get_kinetics("mycelium").complete({"D_h": value})


def identity(a: Any, h: Any) -> Any:
    return a, h


def no_default(a: Any, h: Any, gain: Any) -> Any:
    return gain * a, h


def many(a: Any, h: Any, *gains: Any) -> Any:
    return a, h


def named(a: Any, h: Any, D_a: float = 1.0) -> Any:
    return D_a * a, h


def text(a: Any, h: Any, gain: Any = "x") -> Any:
    return gain * a, h


@pytest.mark.parametrize(
    ("function", "message"),
    [
        (no_default, "'gain' of kinetics 'bad' needs a default"),
        (many, "'gains' of kinetics 'bad' needs a default"),
        (named, "'D_a' of kinetics 'bad' .* diffusion"),
        (text, "'gain' of kinetics 'bad' must be a finite number"),
        (lambda a: (a, a), "takes a, h and rate constants"),
        (lambda a, h: (np.exp(a), h), "whole powers"),
    ],
)
def test_functions_that_are_no_kinetics_are_not_registered(function: Any, message: str) -> None:
    with pytest.raises(InvalidInputError, match=message):
        kinetics("bad", diffusion=(0.1, 0.1), steady_guess=(0.0, 0.0))(function)
    assert "bad" not in list_kinetics()


@pytest.mark.parametrize("diffusion", [(0.1,), (0.1, -1.0), (0.1, 21.0), ("a", 1.0), None, (0.1, 0.2, 0.3)])
def test_diffusion_is_a_pair_within_range(diffusion: Any) -> None:
    with pytest.raises(InvalidInputError, match=r"diffusion|'D_a' of kinetics 'bad'"):
        kinetics("bad", diffusion=diffusion, steady_guess=(0.0, 0.0))(identity)


def test_registering_a_name_again_replaces_it() -> None:
    def make(gain: float) -> Kinetics:
        def rates(a: Any, h: Any) -> Any:
            return -gain * a, -gain * h

        return kinetics("replaced", diffusion=(0.1, 0.1), steady_guess=(0.0, 0.0))(rates)

    first, second = make(0.25), make(0.5)
    assert get_kinetics("replaced") is second
    assert [model.rates(1.0, 0.0)[0] for model in (first, second)] == [-0.25, -0.5]
    assert first.trace != second.trace


def start_of(name: str, seed: int = 1, **values: Any) -> tuple[Any, Any, Any]:
    simulation = mfn.Simulation(mfn.SimulationConfig(kinetics=name, seed=seed, **values))
    return simulation.activator, simulation.inhibitor, simulation.field_mv


def test_the_default_start_is_noise_around_one_half() -> None:
    a, h, v = start_of("mycelium", grid_size=256)
    assert (a.mean(), a.std()) == pytest.approx((0.5, 0.05), rel=5e-3)
    assert (h == 0.5).all()
    assert (v.mean(), v.std()) == pytest.approx((-70.0, 5.0), rel=5e-3)


@pytest.mark.parametrize("name", ["gray-scott", "fitzhugh-nagumo"])
def test_excitable_kinetics_start_from_patches(name: str) -> None:
    model = get_kinetics(name)
    patches, rest = model.patches, mfn.linear_stability(name).steady_state
    assert isinstance(patches, Patches)
    a, h, _ = start_of(name, grid_size=128)
    assert set(np.unique(a)) == {rest[0], patches.activator}
    assert set(np.unique(h)) == {rest[1], patches.inhibitor}
    assert np.array_equal(a == patches.activator, h == patches.inhibitor) == patches.together
    assert 0.5 * patches.share < (a == patches.activator).mean() <= 1.05 * patches.share


def test_patches_fit_the_smallest_grid() -> None:
    assert (start_of("gray-scott", grid_size=4)[0] == 0.25).all()


def test_ten_lines_make_a_kinetics_of_ones_own() -> None:
    @mfn.kinetics("sel'kov", diffusion=(0.05, 1.0), steady_guess=(1.2, 0.6), activator_range=(0.0, 2.0))
    def selkov(a: Any, h: Any, rate: float = 0.1, basal: float = 0.1, feed: float = 1.1) -> Any:
        """Glycolysis with autocatalysis."""
        conversion = basal * h + a * a * h
        return rate * (conversion - a), rate * (feed - conversion)

    assert selkov.summary == "Glycolysis with autocatalysis."
    report = mfn.linear_stability("sel'kov")
    assert report.steady_state == pytest.approx((1.1, 1.1 / (0.1 + 1.21)))
    assert report.turing_unstable
