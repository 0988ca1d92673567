from typing import Any

import numpy as np
import pytest
import scipy.constants
from hypothesis import given
from hypothesis import strategies as st

from mycelium_fractal_net.biophysics import constants, nernst_potential_mv, thermal_voltage_mv
from mycelium_fractal_net.errors import InvalidInputError

concentrations = st.floats(1e-12, 1e2)
valences = st.sampled_from([-2, -1, 1, 2])
temperatures = st.floats(273.0, 373.0)


def test_constants_are_those_of_codata() -> None:
    assert pytest.approx(scipy.constants.R, rel=1e-15) == constants.GAS_J_PER_MOL_K
    faraday = scipy.constants.N_A * scipy.constants.e
    assert pytest.approx(faraday, rel=1e-15) == constants.FARADAY_C_PER_MOL
    assert scipy.constants.k == constants.BOLTZMANN_J_PER_K
    assert scipy.constants.zero_Celsius == constants.KELVIN_AT_ZERO_CELSIUS


@pytest.mark.parametrize(
    ("valence", "outside", "inside", "temperature_k", "expected_mv"),
    [
        (1, 5e-3, 140e-3, 310.15, -89.0587),
        (1, 145e-3, 12e-3, 310.15, 66.5982),
        (-1, 110e-3, 4e-3, 310.15, -88.5771),
        (2, 2e-3, 1e-7, 310.15, 132.3436),
        (-2, 1e-3, 1e-2, 298.15, 29.5796),
        (1, 1e-3, 1e-2, 273.0, -54.1690),
        (1, 1e-3, 1e-2, 373.0, -74.0111),
    ],
)
def test_reference_values(valence: Any, outside: Any, inside: Any, temperature_k: Any, expected_mv: Any) -> None:
    potential = nernst_potential_mv(valence, outside, inside, temperature_k)
    assert potential == pytest.approx(expected_mv, abs=1e-4)
    assert nernst_potential_mv(valence, [outside], inside, temperature_k) == pytest.approx([expected_mv], abs=1e-4)


def test_a_tenfold_gradient_at_25_degrees_is_59_millivolts() -> None:
    assert nernst_potential_mv(1, 1e-2, 1e-3, 298.15) == pytest.approx(59.159, abs=1e-3)


def test_calcium_at_a_hundred_nanomolar_is_not_clamped() -> None:
    assert nernst_potential_mv(2, 2e-3, 1e-7) == pytest.approx(132.34, abs=0.01)


def test_scalars_give_a_float_and_arrays_give_an_array() -> None:
    assert type(nernst_potential_mv(np.int64(1), np.float32(0.1), np.array(0.01))) is float
    assert nernst_potential_mv([1, 2], 0.1, [[0.01], [0.02]]).shape == (2, 2)


@given(valences, concentrations, concentrations, temperatures)
def test_exchanging_the_sides_changes_the_sign_to_the_bit(
    valence: Any, outside: Any, inside: Any, temperature_k: Any
) -> None:
    forward = nernst_potential_mv(valence, outside, inside, temperature_k)
    assert nernst_potential_mv(valence, inside, outside, temperature_k) == -forward
    assert nernst_potential_mv(-valence, outside, inside, temperature_k) == -forward


@given(concentrations, concentrations, concentrations)
def test_potentials_of_two_gradients_in_a_row_add_up(a: Any, b: Any, c: Any) -> None:
    total = nernst_potential_mv(1, a, b) + nernst_potential_mv(1, b, c)
    assert total == pytest.approx(nernst_potential_mv(1, a, c), abs=1e-9)


@given(st.lists(concentrations, min_size=1, max_size=5), temperatures)
def test_an_array_gives_the_scalars_bits(outside: Any, temperature_k: Any) -> None:
    together = nernst_potential_mv(1, outside, 0.01, temperature_k)
    one_by_one = [nernst_potential_mv(1, value, 0.01, temperature_k) for value in outside]
    np.testing.assert_array_equal(together, one_by_one)


@pytest.mark.parametrize("valence", [-2, -1, 1, 2, 3])
def test_many_plain_numbers_have_the_bits_of_one_array(valence: int) -> None:
    outside, inside = np.random.default_rng(3).lognormal(-3.0, 4.0, (2, 1000))
    one_by_one = [nernst_potential_mv(valence, *pair) for pair in zip(outside.tolist(), inside.tolist(), strict=True)]
    np.testing.assert_array_equal(nernst_potential_mv(valence, outside, inside), one_by_one)


def test_extreme_but_legal_concentrations_do_not_overflow() -> None:
    assert nernst_potential_mv(1, 1e308, 5e-324) == pytest.approx(26.7268 * np.log(10) * 631.3, rel=1e-3)


def test_potential_is_proportional_to_temperature() -> None:
    ratio = thermal_voltage_mv(373.0) / thermal_voltage_mv(273.0)
    assert float(ratio) == pytest.approx(373 / 273, rel=1e-15)


@pytest.mark.parametrize("bad", [0.0, -1e-9, float("nan"), float("inf"), -float("inf")])
@pytest.mark.parametrize("side", ["concentration_out_molar", "concentration_in_molar"])
def test_concentrations_that_are_not_positive_are_refused_by_name(side: Any, bad: Any) -> None:
    arguments = {"concentration_out_molar": 0.1, "concentration_in_molar": 0.1, side: bad}
    with pytest.raises(InvalidInputError, match=rf"{side} must be finite and greater than 0 mol/L; got {bad}"):
        nernst_potential_mv(1, **arguments)


@pytest.mark.parametrize("bad", [0, 4, -3, 1.5, float("nan"), [1, 2, 4]])
def test_other_valences_are_refused(bad: Any) -> None:
    with pytest.raises(InvalidInputError, match="valence must be -2, -1, 1, 2 or 3; got"):
        nernst_potential_mv(bad, 0.1, 0.01)


@pytest.mark.parametrize("bad", [272.99, 373.01, -310.15, 0.0, float("nan"), float("inf"), 37.0])
def test_temperatures_outside_the_range_are_refused(bad: Any) -> None:
    with pytest.raises(InvalidInputError, match=rf"temperature_k must be between 273 and 373 K; got {bad}"):
        nernst_potential_mv(1, 0.1, 0.01, bad)


@pytest.mark.parametrize("edge", [273.0, 373.0])
def test_both_ends_of_the_temperature_range_belong_to_it(edge: Any) -> None:
    assert nernst_potential_mv(1, 0.1, 0.01, edge) > 0


@pytest.mark.parametrize(
    ("bad", "why"),
    [
        (True, "not a boolean"),
        (np.True_, "not a boolean"),
        ([0.1, True], "not a boolean"),
        (np.array([True]), "not a boolean"),
        ("0.1", "a real number"),
        (b"0.1", "a real number"),
        (None, "a real number"),
        (1 + 2j, "a real number"),
        (object(), "a real number"),
        ({"a": 1}, "a real number"),
        ([[0.1, 0.2], [0.3]], "a rectangular array"),
        (10**400, "that float64 can hold"),
    ],
)
def test_what_is_not_a_number_is_refused(bad: Any, why: Any) -> None:
    with pytest.raises(InvalidInputError, match=f"concentration_out_molar must be .*{why}"):
        nernst_potential_mv(1, bad, 0.01)


def test_shapes_that_do_not_fit_are_refused() -> None:
    with pytest.raises(InvalidInputError, match=r"shapes that broadcast.*\(2,\), \(3,\)"):
        nernst_potential_mv(1, [0.1, 0.2], [0.1, 0.2, 0.3])


def test_a_long_offender_is_shortened_in_the_message() -> None:
    with pytest.raises(InvalidInputError, match=r"^.{0,130}\.\.\..{0,80}$"):
        nernst_potential_mv(1, "x" * 1000, 0.01)
