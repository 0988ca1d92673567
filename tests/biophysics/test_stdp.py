from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mycelium_fractal_net.biophysics import STDPRule, stdp_weight_update, stdp_window
from mycelium_fractal_net.errors import InvalidInputError

trains = st.lists(st.integers(0, 5000).map(lambda tick: 0.1 * tick), max_size=8)
rules = st.builds(STDPRule, bounds=st.sampled_from(["additive", "multiplicative"]))


@pytest.mark.parametrize(
    ("lag_ms", "change"),
    [(20.0, 0.01 / np.e), (-20.0, -0.012 / np.e), (0.0, 0.0), (1e6, 0.0), (-1e6, 0.0)],
)
def test_window_at_reference_lags(lag_ms: Any, change: Any) -> None:
    assert stdp_window(lag_ms) == pytest.approx(change, rel=1e-15, abs=1e-300)


def test_depression_outweighs_potentiation_by_default() -> None:
    lags = np.arange(-2000, 2001) / 10.0
    assert stdp_window(lags).sum() < 0


def test_window_uses_each_side_s_own_constants() -> None:
    rule = STDPRule(tau_plus_ms=10, tau_minus_ms=40, a_plus=0.5, a_minus=0.25)
    np.testing.assert_allclose(stdp_window([10, -40], rule), [0.5 / np.e, -0.25 / np.e], rtol=1e-15)


@given(trains, trains)
def test_free_additive_update_is_the_sum_over_all_pairs(pre: Any, post: Any) -> None:
    rule = STDPRule(weight_min=-100.0, weight_max=100.0)
    lags = np.subtract.outer(np.array(post), np.array(pre)) if pre and post else np.zeros(0)
    expected = 0.5 + np.sum(stdp_window(lags))
    assert stdp_weight_update(0.5, pre, post, rule) == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize(("tau_plus_ms", "tau_minus_ms"), [(10.0, 40.0), (40.0, 10.0)])
def test_trains_follow_the_window_with_time_constants_of_their_own(tau_plus_ms: float, tau_minus_ms: float) -> None:
    rule = STDPRule(tau_plus_ms, tau_minus_ms, a_plus=0.02, a_minus=0.01)
    pre, post = np.array([0.0, 35.0]), np.array([5.0, 20.0])
    lags = np.subtract.outer(post, pre).ravel()
    by_hand = sum(0.02 * np.exp(-lag / tau_plus_ms) if lag > 0 else -0.01 * np.exp(lag / tau_minus_ms) for lag in lags)
    assert stdp_weight_update(0.5, pre, post, rule) == pytest.approx(0.5 + by_hand, rel=1e-14)


@given(st.floats(0.0, 1.0), trains, trains, rules)
def test_weights_never_leave_their_bounds(weight: Any, pre: Any, post: Any, rule: Any) -> None:
    assert 0.0 <= stdp_weight_update(weight, pre, post, rule) <= 1.0


@given(trains, trains)
def test_the_order_in_which_spikes_are_listed_does_not_matter(pre: Any, post: Any) -> None:
    assert stdp_weight_update(0.5, pre[::-1], post[::-1]) == stdp_weight_update(0.5, pre, post)


@given(st.lists(trains, min_size=1, max_size=3), st.lists(trains, min_size=1, max_size=3), rules)
def test_many_synapses_at_once_equal_each_alone(pre: Any, post: Any, rule: Any) -> None:
    together = stdp_weight_update(0.4, pre, post, rule)
    alone = [[stdp_weight_update(0.4, a, b, rule) for b in post] for a in pre]
    np.testing.assert_allclose(together, alone, rtol=0, atol=1e-13)


def test_multiplicative_pair_scales_with_the_room_left() -> None:
    rule = STDPRule(bounds="multiplicative")
    rise = stdp_weight_update(0.8, [0.0], [20.0], rule) - 0.8
    fall = stdp_weight_update(0.8, [20.0], [0.0], rule) - 0.8
    assert rise == pytest.approx(0.2 * 0.01 / np.e, rel=1e-12)
    assert fall == pytest.approx(-0.8 * 0.012 / np.e, rel=1e-12)


def test_additive_weight_stops_at_the_bound_and_comes_back() -> None:
    rule = STDPRule(a_plus=0.9, a_minus=0.5)
    up, then_down = [0.0], [1.0]
    assert stdp_weight_update(0.9, up, then_down, rule) == 1.0
    assert stdp_weight_update(0.9, [0.0, 1000.0], [1.0, 999.0], rule) == pytest.approx(1 - 0.5 * np.exp(-0.05))


@pytest.mark.parametrize("bounds", ["additive", "multiplicative"])
def test_simultaneous_and_silent_neurons_leave_the_weight_alone(bounds: Any) -> None:
    rule = STDPRule(bounds=bounds)
    assert stdp_weight_update(0.3, [10.0], [10.0], rule) == 0.3
    assert stdp_weight_update(0.3, [], [5.0, 7.0], rule) == 0.3
    assert stdp_weight_update(0.3, [], [], rule) == 0.3


def test_the_same_tick_reached_by_two_sums_is_one_time() -> None:
    dt, steps = 0.1, 20_000
    added, multiplied = np.cumsum(np.full(steps, dt)), dt * np.arange(1, steps + 1)
    chosen = slice(9, None, 500)
    assert 0.0 < np.abs(added - multiplied)[chosen].max() < 1e-8
    rule = STDPRule(a_plus=0.02, a_minus=0.005)
    exact = stdp_weight_update(0.2, multiplied[chosen], multiplied[chosen], rule)
    assert stdp_weight_update(0.2, added[chosen], multiplied[chosen], rule) == pytest.approx(exact, rel=1e-9)
    np.testing.assert_array_equal(stdp_window(added[chosen] - multiplied[chosen]), 0.0)


def test_spikes_a_hundredth_of_a_millisecond_apart_are_ordered() -> None:
    assert stdp_weight_update(0.5, [10.0], [10.01]) == pytest.approx(0.5 + 0.01 * np.exp(-0.01 / 20))
    assert stdp_weight_update(0.5, [10.0], [10.01], STDPRule(coincidence_ms=0.02)) == 0.5
    assert stdp_window(1e-9, STDPRule(coincidence_ms=0.0)) == pytest.approx(0.01)


def test_numbers_in_an_array_of_objects_are_one_train() -> None:
    train = np.array([0.0, 30.0], dtype=object)
    assert stdp_weight_update(0.5, train, [10.0]) == stdp_weight_update(0.5, [0.0, 30.0], [10.0])
    trains = np.empty(2, dtype=object)
    trains[:] = [[0.0], [30.0, 40.0]]
    np.testing.assert_array_equal(
        stdp_weight_update(0.5, trains, [10.0]), stdp_weight_update(0.5, [[0.0], [30.0, 40.0]], [10.0])
    )


def test_input_is_left_as_it_was() -> None:
    weights = np.full((1, 1), 0.5)
    updated = stdp_weight_update(weights, [[0.0]], [[5.0]])
    assert weights[0, 0] == 0.5
    assert updated[0, 0] > 0.5


def test_a_matrix_of_weights_and_arrays_of_trains() -> None:
    updated = stdp_weight_update([[0.1, 0.2]], np.array([[0.0, 50.0]]), [np.array([10.0]), np.array([])])
    assert updated.shape == (1, 2)
    assert updated[0, 1] == 0.2


@pytest.mark.parametrize(
    ("settings", "why"),
    [
        ({"tau_plus_ms": 0.0}, "tau_plus_ms must be finite and greater than 0 ms; got 0.0"),
        ({"tau_minus_ms": float("nan")}, "tau_minus_ms must be finite"),
        ({"a_minus": -0.1}, "a_minus must be finite and at least 0; got -0.1"),
        ({"a_plus": True}, "a_plus must be a number, not a boolean"),
        ({"coincidence_ms": -1e-9}, "coincidence_ms must be finite and at least 0 ms; got -1e-09"),
        ({"bounds": "soft"}, "'additive' or 'multiplicative'; got 'soft'"),
        ({"weight_min": 1.0}, "weight_min must be below weight_max; got 1.0 and 1.0"),
        ({"weight_max": float("inf")}, "weight_min must be below weight_max"),
        ({"bounds": "multiplicative", "a_plus": 1.5}, "at most 1 with multiplicative bounds; got 1.5"),
    ],
)
def test_rules_that_make_no_sense_are_refused(settings: Any, why: Any) -> None:
    with pytest.raises(InvalidInputError, match=why):
        STDPRule(**settings)


@pytest.mark.parametrize(
    ("weight", "pre", "why"),
    [
        (1.5, [0.0], "weight must be between 0 and 1; got 1.5"),
        (float("nan"), [0.0], "weight must be between 0 and 1; got nan"),
        (0.5, [float("nan")], "pre_spikes_ms must be finite; got nan"),
        (0.5, "0 1 2", "spike times or a sequence of trains"),
        (0.5, 3.0, "spike times or a sequence of trains"),
        (0.5, [True], "not a boolean"),
        (0.5, np.zeros((2, 2, 2)), "flat trains"),
        ([0.1, 0.2, 0.3], [[0.0], [1.0]], r"broadcast to \(n_pre, n_post\) = \(2, 1\); got \(3,\)"),
    ],
)
def test_weights_and_spikes_that_make_no_sense_are_refused(weight: Any, pre: Any, why: Any) -> None:
    with pytest.raises(InvalidInputError, match=why):
        stdp_weight_update(weight, pre, [0.0])


@pytest.mark.parametrize("bad", [float("nan"), float("inf")])
def test_lags_are_finite(bad: Any) -> None:
    with pytest.raises(InvalidInputError, match="lag_ms must be finite"):
        stdp_window([0.0, bad])
