import dataclasses
import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import mycelium_fractal_net as mfn
from mycelium_fractal_net.errors import InvalidInputError
from mycelium_fractal_net.fields import get_kinetics, steady_states
from tests.fields.helpers import probe
from tests.fields.test_trace import BUILT_IN

TURING = ["brusselator", "gierer-meinhardt", "mycelium", "schnakenberg"]


def critical_wave_number(jacobian: Any, d_a: float, d_h: float) -> float:
    """Return where the growth rate is largest: Murray's dispersion relation, differentiated by hand."""
    (f_a, f_h), (g_a, g_h) = jacobian
    cross = math.sqrt(-f_h * g_a / (d_a * d_h))
    return math.sqrt(((d_a + d_h) * cross + g_h - f_a) / (d_h - d_a))


def test_the_default_kinetics_has_the_published_wavelength() -> None:
    report = mfn.linear_stability("mycelium")
    assert report.steady_state == pytest.approx((0.5, 0.5), abs=1e-15)
    np.testing.assert_allclose(report.jacobian, [[0.25, -0.275], [0.375, -0.375]], rtol=1e-14)
    assert report.wavelength_cells == pytest.approx(9.217, abs=5e-4)
    assert report.turing_unstable
    assert report.homogeneous_stable


@pytest.mark.parametrize(("a", "b"), [(0.1, 0.9), (0.2, 1.3), (0.05, 1.2)])
def test_schnakenberg_has_the_closed_form_of_murray(a: float, b: float) -> None:
    report = mfn.linear_stability("schnakenberg", rate=1.0, feed_a=a, feed_h=b)
    s = a + b
    assert report.steady_state == pytest.approx((s, b / s**2), rel=1e-14)
    expected = [[(b - a) / s, s * s], [-2 * b / s, -s * s]]
    np.testing.assert_allclose(report.jacobian, expected, rtol=1e-13)


@pytest.mark.parametrize(("feed", "control"), [(2.0, 3.5), (1.0, 1.7), (4.5, 7.0)])
def test_the_brusselator_has_its_closed_form(feed: float, control: float) -> None:
    report = mfn.linear_stability("brusselator", rate=1.0, feed=feed, control=control)
    assert report.steady_state == pytest.approx((feed, control / feed), rel=1e-14)
    np.testing.assert_allclose(report.jacobian, [[control - 1, feed**2], [-control, -(feed**2)]], rtol=1e-13)


@pytest.mark.parametrize("ratio", [0.9, 1.1])
def test_the_brusselator_patterns_above_the_published_threshold(ratio: float) -> None:
    d_a, d_h, feed = 0.2, 1.6, 2.0
    threshold = (1 + feed * math.sqrt(d_a / d_h)) ** 2
    report = mfn.linear_stability("brusselator", control=ratio * threshold, feed=feed, D_a=d_a, D_h=d_h)
    assert report.turing_unstable == (ratio > 1)


@pytest.mark.parametrize("control", [4.9, 5.1])
def test_the_brusselator_oscillates_above_its_hopf_bifurcation(control: float) -> None:
    report = mfn.linear_stability("brusselator", feed=2.0, control=control)
    assert report.homogeneous_stable == (control < 5)
    assert ("oscillates" in report.explain()) == (control > 5)


@pytest.mark.parametrize("name", TURING)
def test_wavelength_follows_from_the_jacobian(name: str) -> None:
    report = mfn.linear_stability(name)
    d_a, d_h = report.parameters["D_a"], report.parameters["D_h"]
    k = critical_wave_number(report.jacobian, d_a, d_h)
    assert report.wavelength_cells == pytest.approx(2 * math.pi / k, rel=1e-9)
    assert report.growth_rate(k) == pytest.approx(report.max_growth_rate, rel=1e-12)
    lattice = 2 * math.pi / report.wavelength_lattice_cells
    assert 2 - 2 * math.cos(lattice) == pytest.approx(k * k, rel=1e-9)


@pytest.mark.parametrize("name", TURING)
def test_growth_changes_sign_at_the_edges_of_the_band(name: str) -> None:
    report = mfn.linear_stability(name)
    assert report.band is not None
    low, high = report.band
    assert report.growth_rate([low, high]) == pytest.approx([0, 0], abs=1e-14)
    inside = np.linspace(low, high, 101)[1:-1]
    assert np.all(np.asarray(report.growth_rate(inside)) > 0)
    assert np.all(np.asarray(report.growth_rate([0.99 * low, 1.01 * high])) < 0)
    assert low < 2 * math.pi / report.wavelength_cells < high


@pytest.mark.parametrize("name", BUILT_IN)
def test_growth_rate_is_the_largest_eigenvalue(name: str) -> None:
    report = mfn.linear_stability(name)
    diffusion = np.diag([report.parameters["D_a"], report.parameters["D_h"]])
    for k in (0.0, 0.3, 1.0, 2.5):
        continuum = np.linalg.eigvals(report.jacobian - k * k * diffusion).real.max()
        lattice = np.linalg.eigvals(report.jacobian - (2 - 2 * math.cos(k)) * diffusion).real.max()
        assert report.growth_rate(k) == pytest.approx(continuum, abs=1e-14)
        assert report.growth_rate(k, lattice=True) == pytest.approx(lattice, abs=1e-14)


@pytest.mark.parametrize("name", BUILT_IN)
def test_the_jacobian_agrees_with_finite_differences(name: str) -> None:
    report, model = mfn.linear_stability(name), get_kinetics(name)
    a, h = report.steady_state
    by_a = (np.array(model.rates(a + 1e-6, h)) - model.rates(a - 1e-6, h)) / 2e-6
    by_h = (np.array(model.rates(a, h + 1e-6)) - model.rates(a, h - 1e-6)) / 2e-6
    np.testing.assert_allclose(report.jacobian, np.stack([by_a, by_h], axis=1), atol=1e-9)


@pytest.mark.parametrize("name", ["gray-scott", "fitzhugh-nagumo", "classic"])
def test_these_cannot_pattern_from_small_noise(name: str) -> None:
    report = mfn.linear_stability(name)
    assert not report.turing_unstable
    assert math.isnan(report.wavelength_cells)
    assert report.band is None
    assert np.all(np.asarray(report.growth_rate(np.linspace(0, math.pi, 50))) <= 1e-12)
    assert "no pattern grows from small perturbations" in report.explain()


def test_the_classic_parameters_miss_the_condition_by_far() -> None:
    report = mfn.linear_stability("classic")
    assert report.steady_state == pytest.approx((0.0, 0.0), abs=1e-12)
    assert "D_h f_a + D_a g_h = -0.0015" in report.explain()


def test_the_report_says_in_words_what_it_found() -> None:
    text = mfn.linear_stability("mycelium").explain()
    assert "Turing-unstable" in text
    assert "fastest 9.217 cells" in text


@given(d_h=st.floats(0.2, 20), bias=st.floats(-0.05, 0.05), beta=st.floats(1.05, 1.5))
def test_a_turing_verdict_and_positive_growth_are_the_same(d_h: float, bias: float, beta: float) -> None:
    report = mfn.linear_stability("mycelium", D_h=d_h, bias=bias, beta=beta)
    best = np.asarray(report.growth_rate(np.linspace(0, 8, 4001))).max()
    if report.homogeneous_stable and abs(report.max_growth_rate) > 1e-6:
        assert report.turing_unstable == (report.max_growth_rate > 0)
    assert best <= report.max_growth_rate + 1e-12


@given(factor=st.floats(0.1, 5))
def test_wavelength_scales_with_the_root_of_diffusion(factor: float) -> None:
    one = mfn.linear_stability("mycelium")
    other = mfn.linear_stability("mycelium", D_a=0.1 * factor, D_h=2.0 * factor)
    assert other.wavelength_cells == pytest.approx(one.wavelength_cells * math.sqrt(factor), rel=1e-9)
    assert other.max_growth_rate == pytest.approx(one.max_growth_rate, rel=1e-9)


@pytest.mark.parametrize("kinetics", ["no-such", 3, None, ["mycelium"]])
def test_unknown_kinetics_are_refused(kinetics: Any) -> None:
    with pytest.raises(InvalidInputError, match="unknown kinetics"):
        mfn.linear_stability(kinetics)


def test_unknown_parameters_are_refused() -> None:
    with pytest.raises(InvalidInputError, match="has no parameter 'gamma'"):
        mfn.linear_stability("mycelium", gamma=1.0)


def test_a_kinetics_without_steady_state_is_refused() -> None:
    with pytest.raises(InvalidInputError, match=r"no steady state of kinetics 'gray-scott' found from \(0\.0, 1\.0\)"):
        mfn.linear_stability("gray-scott", feed=0.0, kill=-1e308)


def test_a_kinetics_itself_serves_in_place_of_its_name() -> None:
    assert mfn.linear_stability(probe()).steady_state == (0.0, 0.0)


@pytest.mark.parametrize("d_h", [0.0, 0.1])
def test_immobile_or_slow_inhibitors_make_no_turing_pattern(d_h: float) -> None:
    assert not mfn.linear_stability("mycelium", D_a=0.1, D_h=d_h).turing_unstable


def test_an_immobile_activator_has_no_upper_edge() -> None:
    report = mfn.linear_stability("mycelium", D_a=0.0)
    assert report.turing_unstable
    assert report.band is not None
    assert report.band[1] == math.inf


def test_without_a_fastest_wave_none_is_named_and_the_lattice_says_what_it_shows() -> None:
    """Murray: with D_a = 0 growth rises with k to f_a = rate (b - a) / (a + b); the lattice ends the band."""
    report = mfn.linear_stability("schnakenberg", D_a=0.0)
    assert math.isnan(report.wavelength_cells)
    assert report.max_growth_rate == pytest.approx(0.1 * 0.8, rel=1e-12)
    assert report.wavelength_lattice_cells == 2.0
    best = max(np.linalg.eigvals(report.jacobian - s * np.diag([0.0, 2.0])).real.max() for s in np.linspace(0, 8, 401))
    assert report.max_lattice_growth_rate == pytest.approx(best, rel=1e-12)
    assert "0.785" not in report.explain()


def modes(n: int) -> Any:
    """Return what the lattice has for k^2 at each mode of n x n cells."""
    k = 2 * np.pi * np.arange(n) / n
    return (4 - 2 * np.cos(k)[:, None] - 2 * np.cos(k)[None, :]).ravel()


@pytest.mark.parametrize("scale", [5e-4, 7e-4, 1e-3, 2e-3, 4e-3, 1e-2, 5e-2])
def test_the_verdict_is_that_of_the_modes_of_a_lattice_and_of_a_run(scale: float) -> None:
    parameters = {"D_a": scale, "D_h": 40 * scale}
    report = mfn.linear_stability("schnakenberg", **parameters)
    assert report.band is not None
    diffusion = np.diag([scale, 40 * scale])
    grows = max(np.linalg.eigvals(report.jacobian - s * diffusion).real.max() for s in modes(24)) > 0
    assert report.turing_unstable == grows
    assert math.isnan(report.wavelength_lattice_cells) == (not grows)
    config = mfn.SimulationConfig(grid_size=24, steps=600, kinetics="schnakenberg", kinetics_parameters=parameters)
    finer = config.model_copy(update={"least_substeps": 10})  # one substep is too long for the peaks that grow here
    assert (mfn.simulate(finer).activator.std() > 0.05) == grows
    assert ("the lattice cannot carry them" in report.explain()) == (not grows)


@pytest.mark.parametrize(
    ("name", "parameters"),
    [
        ("classic", {}),
        ("brusselator", {"control": 5.0, "D_a": 1.6}),  # on its Hopf bifurcation, 1 + feed^2
        ("brusselator", {"control": (1 + 2 * math.sqrt(1 / 8)) ** 2}),  # on its Turing bifurcation
    ],
)
def test_a_marginal_state_is_called_marginal(name: str, parameters: dict[str, float]) -> None:
    report = mfn.linear_stability(name, **parameters)
    assert report.marginal
    assert not report.turing_unstable
    assert math.isnan(report.wavelength_cells)
    assert abs(report.max_growth_rate) < 1e-9
    assert "marginal" in report.explain()


def test_gray_scott_has_its_three_steady_states() -> None:
    """With F + k = q: a = 0, and a = (F / 2 q) (1 +- sqrt(1 - 4 q^2 / F)), h = 1 - a q / F (Pearson 1993)."""
    feed, q = 0.06, 0.12
    roots = [feed / (2 * q) * (1 + sign * math.sqrt(1 - 4 * q * q / feed)) for sign in (-1, 1)]
    expected = [(0.0, 1.0), *((a, 1 - a * q / feed) for a in roots)]
    found = steady_states("gray-scott", feed=feed, kill=q - feed)
    np.testing.assert_allclose(found, expected, atol=1e-12)
    models = [dataclasses.replace(get_kinetics("gray-scott"), steady_guess=state) for state in found]
    reports = [mfn.linear_stability(model, feed=feed, kill=0.06) for model in models]
    np.testing.assert_allclose([report.steady_state for report in reports], expected, atol=1e-12)


@pytest.mark.parametrize(("name", "count"), [("mycelium", 1), ("schnakenberg", 1), ("gierer-meinhardt", 1)])
def test_kinetics_with_one_steady_state_have_one(name: str, count: int) -> None:
    found = steady_states(name)
    assert len(found) == count
    assert found[0] == pytest.approx(mfn.linear_stability(name).steady_state, rel=1e-12)


def test_the_cubic_of_mycelium_has_three_states_for_weak_inhibition() -> None:
    """With h = a: (a - 1/2)(4 a (1 - a) - beta) = 0, so a = 1/2 and a = (1 +- sqrt(1 - beta)) / 2."""
    root = math.sqrt(1 - 0.5)
    states = [a for a, _ in steady_states("mycelium", beta=0.5)]
    assert states == pytest.approx([(1 - root) / 2, 0.5, (1 + root) / 2], abs=1e-12)


@pytest.mark.parametrize(
    ("name", "share"), [("mycelium", 0.98), ("schnakenberg", 0.85), ("brusselator", 0.94), ("gierer-meinhardt", 0.95)]
)
def test_settled_waves_are_shorter_than_predicted_by_as_much_as_the_docs_say(name: str, share: float) -> None:
    config = mfn.SimulationConfig(grid_size=128, steps=600, kinetics=name, spike_probability=0.0, seed=1)
    settled = mfn.measure_wavelength(mfn.simulate(config).activator)
    assert settled / mfn.linear_stability(name).wavelength_lattice_cells == pytest.approx(share, abs=0.03)


@pytest.mark.parametrize("d_a", [1e-12, 1e-25, 1e-30, 1e-33, 1e-100, 1e-300])
@pytest.mark.parametrize("name", ["mycelium", "schnakenberg", "brusselator", "gierer-meinhardt"])
def test_an_activator_that_hardly_moves_grows_as_one_that_does_not(name: str, d_a: float) -> None:
    found, still = (mfn.linear_stability(name, D_a=each) for each in (d_a, 0.0))
    assert found.max_growth_rate == pytest.approx(still.max_growth_rate, rel=1e-5)
    assert found.max_growth_rate <= found.jacobian[0, 0] * (1 + 1e-12)
    assert found.band is not None
    assert still.band is not None
    assert found.band[0] == pytest.approx(still.band[0], rel=1e-9)
    assert "nan" not in found.explain()


def test_a_state_without_any_linear_part_is_marginal() -> None:
    @mfn.kinetics("cubes", diffusion=(0.1, 0.1), steady_guess=(0.0, 0.0))
    def cubes(a: Any, h: Any) -> tuple[Any, Any]:
        return -a * a * a, -h * h * h

    report = mfn.linear_stability(cubes)
    assert (report.marginal, report.turing_unstable, report.homogeneous_stable) == (True, False, False)
    assert "the linear analysis does not decide" in report.explain()
