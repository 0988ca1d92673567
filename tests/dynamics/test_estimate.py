import math
from collections.abc import Callable

import numpy as np
import pytest

from mycelium_fractal_net.dynamics import (
    estimate_exponent,
    estimate_spectrum,
    estimate_spectrum_flow,
    get_system,
    lyapunov_spectrum,
    lyapunov_spectrum_flow,
    with_error,
)
from mycelium_fractal_net.dynamics._estimate import Growth
from mycelium_fractal_net.errors import InvalidInputError
from mycelium_fractal_net.fields import SimulationConfig

LORENZ = get_system("lorenz")


def growth_of(values: list[float]) -> Growth:
    growth = Growth(1, len(values))
    for value in values:
        growth.add(value)
    return growth


JUMPS: dict[str, tuple[Callable[[float], float], float]] = {
    "rotation": (lambda x: (x + 0.5) % 1.0, 0.5),
    "doubling": (lambda x: 2.0 * x % 1.0, 0.3),
    "tent at its tip": (lambda x: 2.0 * min(x, 1.0 - x), 0.5),
    "staircase": (lambda x: math.floor(5.0 * x) / 5.0 + 0.1 * x, 0.2),
    "sign": (lambda x: 0.5 * x + math.copysign(0.3, x), 0.0),
    "the middle of a jump": (lambda x: 0.5 * x + 0.3 * np.sign(x), 0.0),
    "the middle of a step": (lambda x: 0.5 * x + 0.3 * np.heaviside(x - 0.25, 0.5) - 0.025, 0.25),
}


@pytest.mark.parametrize(("step", "start"), JUMPS.values(), ids=JUMPS)
def test_where_a_map_jumps_or_bends_its_jacobian_is_asked_for(step: Callable[[float], float], start: float) -> None:
    with pytest.raises(InvalidInputError, match=r"step is not smooth at the state .*: give its jacobian"):
        lyapunov_spectrum(step, None, start, 200, transient=0)


@pytest.mark.parametrize(
    ("step", "slope"), [(JUMPS["rotation"][0], 1.0), (JUMPS["doubling"][0], 2.0)], ids=["rotation", "doubling"]
)
def test_with_its_jacobian_a_map_with_jumps_has_its_exponent(step: Callable[[float], float], slope: float) -> None:
    assert lyapunov_spectrum(step, lambda _: slope, 0.3, 1000)[0] == pytest.approx(math.log(slope), abs=1e-12)


def test_a_flow_with_a_jump_asks_for_its_jacobian_too() -> None:
    with pytest.raises(InvalidInputError, match=r"rhs is not smooth .*: give its jacobian"):
        lyapunov_spectrum_flow(lambda x: [0.0, math.copysign(1.0, x[0])], None, [0.0, 0.0], 0.1, 5)
    with pytest.raises(InvalidInputError, match=r"rhs is not smooth .*: give its jacobian"):
        lyapunov_spectrum_flow(lambda x: [x[1], -np.sign(x[0]) - 0.1 * x[1]], None, [0.0, 0.0], 0.01, 5)


@pytest.mark.parametrize("slope", [20.0, 1e3, 1e4])
def test_a_steep_map_is_not_taken_for_a_jump(slope: float) -> None:
    found = lyapunov_spectrum(lambda x: math.tanh(slope * x), None, 0.0, 10)
    assert found[0] == pytest.approx(math.log(slope), abs=2e-3)


@pytest.mark.parametrize("scale", [1e-9, 1.0, 1e9])
def test_smooth_maps_are_not_taken_for_bent_whatever_their_unit(scale: float) -> None:
    found = lyapunov_spectrum(lambda x: 3.9 * x * (1.0 - x / scale), None, 0.3 * scale, 3000)
    exact = lyapunov_spectrum(lambda x: 3.9 * x * (1.0 - x), lambda x: 3.9 - 7.8 * x, 0.3, 3000)
    assert found[0] == pytest.approx(exact[0], abs=0.05)


def test_a_time_step_that_makes_another_system_is_refused() -> None:
    with pytest.raises(InvalidInputError, match=r"dt must be short enough .* with 0.12 they differ by .*: try 0.05"):
        lyapunov_spectrum_flow(LORENZ.function, LORENZ.jacobian, LORENZ.start, 0.12, 2000)


def test_half_the_time_step_tells_what_a_sum_rule_cannot() -> None:
    def stiff(x: float) -> float:
        return -2.0 * x

    fine = estimate_spectrum_flow(lambda x: np.array([x[1], -x[0]]), None, [1.0, 0.0], 0.05, 400)
    assert fine.converged
    assert fine.exponents == pytest.approx([0.0, 0.0], abs=1e-3)
    coarse = estimate_spectrum_flow(lambda x: x - x**3, lambda x: 1 - 3 * x * x, 0.02, 0.4, 20, transient=0)
    assert not coarse.converged
    assert coarse.reason
    assert estimate_spectrum_flow(stiff, None, 1.0, 0.1, 100).exponents[0] == pytest.approx(-2.0, abs=1e-5)


def test_the_standard_error_covers_the_published_exponents_of_lorenz() -> None:
    found = LORENZ.estimate(6000)
    gaps = np.abs(found.exponents - [0.9056, 0.0, -14.5723])
    assert (gaps < 3.5 * found.standard_errors).all()
    assert (found.standard_errors < 0.2).all()


def test_the_standard_error_of_independent_steps_is_the_textbook_one() -> None:
    random = np.random.default_rng(0)
    errors = [growth_of(random.normal(size=400).tolist()).estimate().standard_errors[0] for _ in range(200)]
    assert np.mean(errors) == pytest.approx(1 / 20, rel=0.05)


def test_three_standard_errors_cover_the_mean_of_independent_steps() -> None:
    random = np.random.default_rng(1)
    found = [growth_of(random.normal(size=100).tolist()).estimate() for _ in range(500)]
    assert np.mean([abs(f.exponents[0]) < 3 * f.standard_errors[0] for f in found]) > 0.98
    assert np.mean([f.converged for f in found]) > 0.98


def test_growth_that_drifts_has_not_converged() -> None:
    drifting = growth_of(np.linspace(-0.006, -0.004, 400).tolist()).estimate()
    assert not drifting.converged
    assert "take more steps" in drifting.reason
    assert growth_of([0.5] * 400).estimate().converged


def test_too_few_steps_have_no_error() -> None:
    few = estimate_spectrum(lambda x: 0.5 * x, None, 1.0, 10)
    assert not few.converged
    assert np.isnan(few.standard_errors[0])
    assert str(few) == "-0.7 +- unknown"


@pytest.mark.parametrize("steps", [1, 7, 20, 33, 1000])
def test_estimates_are_the_exponents_that_the_plain_functions_give(steps: int) -> None:
    henon = get_system("henon")
    found = estimate_spectrum(henon.function, henon.jacobian, henon.start, steps)
    np.testing.assert_array_equal(found.exponents, henon.lyapunov_spectrum(steps))


def test_another_disturbance_gives_the_same_exponent_within_the_errors() -> None:
    config = SimulationConfig.preset("spots", grid_size=16, seed=1)
    found = [estimate_exponent(config, seed=seed) for seed in range(3)]
    for one in found[1:]:
        gap = abs(one.exponents[0] - found[0].exponents[0])
        assert gap < 4.0 * math.hypot(one.standard_errors[0], found[0].standard_errors[0]) + 1e-5


def test_no_digit_is_shown_that_is_not_known() -> None:
    assert with_error(-0.0051234, 0.0009) == "-0.00512 +- 0.00090"
    assert with_error(14.5, 3.0) == "14.5 +- 3.0"
    assert with_error(145.0, 30.0) == "145 +- 30"
    assert with_error(-math.inf, math.nan) == "-inf"
