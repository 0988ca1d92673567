import math
from typing import Any

import numpy as np
import pytest
import scipy.integrate
import scipy.linalg
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from mycelium_fractal_net.dynamics import get_system, kaplan_yorke_dimension, lyapunov_spectrum_flow
from mycelium_fractal_net.dynamics.flows import _exponential
from mycelium_fractal_net.errors import DivergedError, InvalidInputError

matrices = hnp.arrays(np.float64, (3, 3), elements=st.floats(-20, 20))


def pendulum(s: Any) -> Any:
    return [s[1], -math.sin(s[0]) - 0.2 * s[1]]


def test_the_lorenz_flow_has_the_published_exponents() -> None:
    exponents = get_system("lorenz").lyapunov_spectrum(25_000)
    assert exponents.sum() == pytest.approx(-41 / 3, abs=1e-9)
    np.testing.assert_allclose(exponents, [0.9056, 0.0, -14.5723], atol=0.03)
    assert kaplan_yorke_dimension(exponents) == pytest.approx(2.062, abs=3e-3)


@pytest.mark.parametrize("dt", [0.001, 0.01, 0.03])
def test_the_sum_rule_holds_at_any_step_size(dt: float) -> None:
    lorenz = get_system("lorenz")
    exponents = lyapunov_spectrum_flow(lorenz.function, lorenz.jacobian, lorenz.start, dt, 300)
    assert exponents.sum() == pytest.approx(-41 / 3, abs=1e-9)
    without = lyapunov_spectrum_flow(lorenz.function, None, lorenz.start, dt, 300)
    assert without.sum() == pytest.approx(-41 / 3, abs=1e-6)
    np.testing.assert_allclose(without, exponents, atol=1e-3)


@pytest.mark.parametrize("jacobian", [True, False])
def test_a_linear_flow_has_the_real_parts_of_its_eigenvalues(jacobian: bool) -> None:
    matrix = np.asarray([[-0.1, 2.0, 0.3], [-2.0, -0.1, 0.1], [0.0, 0.0, -1.5]])
    given_jacobian = (lambda _: matrix) if jacobian else None
    found = lyapunov_spectrum_flow(lambda x: matrix @ x, given_jacobian, np.ones(3), 0.05, 4000)
    np.testing.assert_allclose(found, [-0.1, -0.1, -1.5], atol=5e-3)


def test_a_limit_cycle_has_one_exponent_of_zero() -> None:
    def van_der_pol(s: Any) -> Any:
        return [s[1], (1 - s[0] ** 2) * s[1] - s[0]]

    first, second = lyapunov_spectrum_flow(van_der_pol, None, [2.0, 0.0], 0.02, 4000)
    assert first == pytest.approx(0.0, abs=5e-3)
    assert second == pytest.approx(-1.059, abs=2e-2)


def test_a_damped_pendulum_forgets_as_fast_as_its_friction_says() -> None:
    exponents = lyapunov_spectrum_flow(pendulum, None, (1.0, 0.0), 0.05, 4000)
    np.testing.assert_allclose(exponents, [-0.1, -0.1], atol=5e-3)
    assert exponents.sum() == pytest.approx(-0.2, abs=1e-6)


def test_a_scalar_flow_takes_and_gives_numbers() -> None:
    found = lyapunov_spectrum_flow(lambda x: x - x**3, lambda x: 1 - 3 * x * x, 0.5, 0.05, 2000)
    assert found[0] == pytest.approx(-2.0, abs=1e-3)


def test_the_method_is_of_fourth_order() -> None:
    def error(dt: float) -> float:
        steps = round(2.0 / dt)
        found = lyapunov_spectrum_flow(lambda x: -(x**3), lambda x: -3 * x * x, 1.0, dt, steps, transient=0)
        exact = -1.5 * math.log(1 + 2 * 2.0) / 2.0
        return abs(float(found[0]) - exact)

    assert error(0.1) / error(0.05) == pytest.approx(16, rel=0.35)


def test_jacobians_that_do_not_commute_keep_the_fourth_order() -> None:
    def field(x: Any) -> Any:
        return np.array([x[1], 2.0 * (1 - x[0] ** 2) * x[1] - x[0]])

    def jacobian(x: Any) -> Any:
        return np.array([[0.0, 1.0], [-4.0 * x[0] * x[1] - 1.0, 2.0 * (1 - x[0] ** 2)]])

    def with_tangents(_time: float, state: Any) -> Any:
        return np.concatenate([field(state[:2]), (jacobian(state[:2]) @ state[2:].reshape(2, 2)).ravel()])

    begin, last = np.array([1.0, 0.5]), 2.0
    both = np.concatenate([begin, np.eye(2).ravel()])
    whole = scipy.integrate.solve_ivp(with_tangents, (0, last), both, method="DOP853", rtol=1e-13, atol=1e-14)
    growth = np.abs(np.diag(np.linalg.qr(whole.y[2:, -1].reshape(2, 2))[1]))
    exact = np.sort(np.log(growth) / last)

    def error(dt: float) -> float:
        found = lyapunov_spectrum_flow(field, jacobian, begin, dt, round(last / dt), transient=0)
        return float(np.abs(np.sort(found) - exact).max())

    assert error(0.05) < 2e-6
    assert error(0.05) / error(0.025) == pytest.approx(16, rel=0.15)


@settings(max_examples=60, deadline=None)
@given(matrices)
def test_the_exponential_agrees_with_scipy(matrix: Any) -> None:
    expected = scipy.linalg.expm(matrix / 10)
    np.testing.assert_allclose(_exponential(matrix / 10), expected, atol=1e-11 * np.abs(expected).max())


@pytest.mark.parametrize("dt", [0.0, -0.1, math.nan, math.inf, "0.1", True, None])
def test_unusable_time_steps_are_refused(dt: Any) -> None:
    with pytest.raises(InvalidInputError, match="dt must be a finite number > 0"):
        lyapunov_spectrum_flow(lambda x: -x, None, 1.0, dt, 10)


def test_functions_of_the_wrong_kind_are_named() -> None:
    with pytest.raises(InvalidInputError, match="rhs must be a function"):
        lyapunov_spectrum_flow(None, None, 1.0, 0.1, 10)  # type: ignore[arg-type] # what is under test


def test_a_flow_that_runs_away_is_reported() -> None:
    with pytest.raises(DivergedError, match="take a smaller step"):
        lyapunov_spectrum_flow(lambda x: x, lambda _: 1.0, 1.0, 0.2, 4000)
