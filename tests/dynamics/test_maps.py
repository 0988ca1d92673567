import math
import threading
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from mycelium_fractal_net.dynamics import get_system, kaplan_yorke_dimension, lyapunov_spectrum
from mycelium_fractal_net.errors import CancelledError, DivergedError, InvalidInputError

matrices = hnp.arrays(np.float64, (3, 3), elements=st.floats(-2, 2))


def tent(x: float) -> float:
    return 1.99 * min(x, 1 - x)


def test_the_logistic_map_doubles_differences() -> None:
    exponents = lyapunov_spectrum(lambda x: 4 * x * (1 - x), lambda x: 4 - 8 * x, 0.3, 20_000)
    assert exponents.shape == (1,)
    assert exponents[0] == pytest.approx(math.log(2), abs=1e-3)


@pytest.mark.parametrize(
    ("rate", "expected"),
    [(2.5, math.log(0.5)), (3.2, math.log(abs(4 + 2 * 3.2 - 3.2**2)) / 2), (3.0 + 1e-9, 0.0)],
)
def test_its_cycles_have_the_exponent_of_their_multiplier(rate: float, expected: float) -> None:
    found = lyapunov_spectrum(lambda x: rate * x * (1 - x), lambda x: rate * (1 - 2 * x), 0.3, 4000)
    assert found[0] == pytest.approx(expected, abs=2e-3)


def test_the_henon_map_has_the_published_exponents() -> None:
    exponents = get_system("henon").lyapunov_spectrum(40_000)
    assert exponents[0] == pytest.approx(0.41922, abs=4e-3)
    assert exponents.sum() == pytest.approx(math.log(0.3), abs=1e-12)
    assert kaplan_yorke_dimension(exponents) == pytest.approx(1.258, abs=4e-3)


def test_differences_stand_in_for_the_jacobian() -> None:
    henon = get_system("henon")
    exact = lyapunov_spectrum(henon.function, henon.jacobian, (0.1, 0.1), 2000)
    found = lyapunov_spectrum(henon.function, None, [0.1, 0.1], 2000)
    np.testing.assert_allclose(found, exact, atol=1e-8)
    assert found.sum() == pytest.approx(math.log(0.3), abs=1e-6)


def test_the_cat_map_has_the_exponents_of_its_matrix() -> None:
    golden = math.log((3 + math.sqrt(5)) / 2)
    np.testing.assert_allclose(get_system("cat").lyapunov_spectrum(1000), [golden, -golden], atol=1e-10)


def test_a_tent_stretches_everywhere_alike() -> None:
    assert lyapunov_spectrum(tent, None, 0.2, 500)[0] == pytest.approx(math.log(1.99), abs=1e-6)


@settings(max_examples=30, deadline=None)
@given(matrices)
def test_the_sum_is_the_logarithm_of_the_determinant(matrix: Any) -> None:
    contraction = matrix / 10 + np.diag([0.9, 0.5, 0.2])
    exponents = lyapunov_spectrum(lambda x: contraction @ x, lambda _: contraction, np.ones(3), 50)
    assert (np.diff(exponents) <= 0).all()
    assert exponents.sum() == pytest.approx(np.log(abs(np.linalg.det(contraction))), abs=1e-9)


def test_a_linear_map_has_the_logarithms_of_its_eigenvalues() -> None:
    turned = np.linalg.qr(np.random.default_rng(0).standard_normal((3, 3)))[0]
    matrix = turned @ np.diag([0.5, 0.9, 0.1]) @ turned.T
    exponents = lyapunov_spectrum(lambda x: matrix @ x, lambda _: matrix, np.ones(3), 3000)
    np.testing.assert_allclose(exponents, np.log([0.9, 0.5, 0.1]), atol=1e-9)


def test_the_unit_of_the_state_does_not_matter() -> None:
    def small(x: float) -> float:
        return 4 * x * (1 - 1e6 * x)

    large = lyapunov_spectrum(lambda x: 4 * x * (1 - x), None, 0.3, 2000)
    assert lyapunov_spectrum(small, None, 0.3e-6, 2000)[0] == pytest.approx(large[0], abs=0.05)


def test_a_superstable_cycle_has_minus_infinity() -> None:
    assert lyapunov_spectrum(lambda x: 2 * x * (1 - x), lambda x: 2 - 4 * x, 0.5, 100)[0] == -math.inf


def test_jacobians_by_differences_work_at_the_origin() -> None:
    assert lyapunov_spectrum(lambda x: 0.5 * x, None, 0.0, 10)[0] == pytest.approx(math.log(0.5))


def test_transient_steps_do_not_count() -> None:
    seen: list[float] = []
    lyapunov_spectrum(lambda x: seen.append(x) or 0.5 * x, lambda _: 0.5, 1.0, 10, transient=5)  # type: ignore[func-returns-value] # append returns None, that is the trick
    assert len(seen) == 15


def test_functions_may_not_change_the_state_they_get() -> None:
    def careless(x: Any) -> Any:
        x *= 0.5
        return x

    assert lyapunov_spectrum(careless, lambda _: [[0.5]], [1.0], 20)[0] == pytest.approx(math.log(0.5))


@pytest.mark.parametrize(
    "step", [lambda x: x * x + 1, lambda x: x**200 + 2, lambda x: math.nan * x], ids=["square", "power", "nan"]
)
def test_orbits_that_run_away_are_reported_with_their_step(step: Any) -> None:
    with pytest.raises(DivergedError, match="step is no longer finite at step"):
        lyapunov_spectrum(step, lambda _: 1.0, 3.0, 1000)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"step": 3}, "step must be a function"),
        ({"jacobian": "J"}, "jacobian must be a function of the state, or None"),
        ({"state": "x"}, "state must be a number"),
        ({"state": [[1.0]]}, "state must be a number"),
        ({"state": []}, "state must be a number"),
        ({"state": math.nan}, "state must be a number"),
        ({"state": None}, "state must be a number"),
        ({"steps": 0}, "steps must be a whole number >= 1"),
        ({"steps": 10.0}, "steps must be a whole number >= 1"),
        ({"steps": True}, "steps must be a whole number >= 1"),
        ({"transient": -1}, "transient must be a whole number >= 0"),
        ({"step": lambda _: [1.0, 2.0]}, r"step must return an array of shape \(1,\); got shape \(2,\)"),
        ({"step": lambda _: "x"}, "step must return real numbers"),
        ({"step": lambda _: 1j}, "step must return real numbers"),
        ({"jacobian": lambda _: np.eye(2)}, r"jacobian must return an array of shape \(1, 1\)"),
    ],
)
def test_unusable_arguments_are_refused(arguments: dict[str, Any], message: str) -> None:
    valid: dict[str, Any] = {
        "step": lambda x: 0.5 * x,
        "jacobian": lambda _: 0.5,
        "state": 1.0,
        "steps": 10,
    }
    with pytest.raises(InvalidInputError, match=message):
        lyapunov_spectrum(**(valid | arguments))


@pytest.mark.parametrize(
    ("exponents", "dimension"),
    [
        ([-1.0, -2.0], 0.0),
        ([0.0, -1.0], 1.0),
        ([0.9056, 0.0, -14.5723], 2.06215),
        ([-14.5723, 0.0, 0.9056], 2.06215),
        ([1.0, -1.0], 2.0),
        ([0.5], 1.0),
        ([0.5, -math.inf], 1.0),
    ],
)
def test_lyapunov_dimensions(exponents: list[float], dimension: float) -> None:
    assert kaplan_yorke_dimension(exponents) == pytest.approx(dimension, abs=1e-4)


@pytest.mark.parametrize("exponents", [[], 3.0, "ab", [math.nan], [math.inf], [[0.1]], [None]])
def test_what_is_no_spectrum_is_refused(exponents: Any) -> None:
    with pytest.raises(InvalidInputError, match="exponents must be a sequence of numbers"):
        kaplan_yorke_dimension(exponents)


def test_unknown_systems_are_refused() -> None:
    with pytest.raises(InvalidInputError, match="one of cat, henon, logistic, lorenz; got 'rossler'"):
        get_system("rossler")


@pytest.mark.parametrize("name", ["cat", "henon", "logistic", "lorenz"])
def test_given_jacobians_are_the_derivatives(name: str) -> None:
    system = get_system(name)
    state = np.asarray(system.start) + 0.01
    widths = 1e-6 * np.eye(state.size)
    columns = [(np.asarray(system.function(state + w)) - system.function(state - w)) / 2e-6 for w in widths]
    expected = np.stack(columns, axis=-1).reshape(state.size, state.size)
    np.testing.assert_allclose(np.reshape(system.jacobian(state), expected.shape), expected, atol=1e-6)


def test_a_spectrum_can_be_cancelled() -> None:
    cancel = threading.Event()
    cancel.set()
    with pytest.raises(CancelledError, match="cancelled at step 0 of 110"):
        lyapunov_spectrum(lambda x: 4 * x * (1 - x), None, 0.3, 100, cancel=cancel)
