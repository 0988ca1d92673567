from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mycelium_fractal_net.biophysics import Ion, ghk_potential_mv, nernst_potential_mv
from mycelium_fractal_net.errors import InvalidInputError

NEURON = (Ion(1, 1.0, 5e-3, 140e-3), Ion(1, 0.0486, 145e-3, 12e-3), Ion(-1, 0.45, 110e-3, 4e-3))
ions = st.builds(
    Ion,
    st.sampled_from([-1, 1]),
    st.floats(1e-3, 1e3),
    st.floats(1e-6, 1.0),
    st.floats(1e-6, 1.0),
)


def test_the_neuron_rests_at_minus_70_millivolts() -> None:
    assert ghk_potential_mv(NEURON) == pytest.approx(-70.0076, abs=1e-4)


def test_value_worked_out_by_hand() -> None:
    inward = 1.0 * 5e-3 + 0.0486 * 145e-3 + 0.45 * 4e-3
    outward = 1.0 * 140e-3 + 0.0486 * 12e-3 + 0.45 * 110e-3
    by_hand = 1e3 * 8.31446261815324 * 310.15 / 96485.33212331 * np.log(inward / outward)
    assert ghk_potential_mv(NEURON, 310.15) == pytest.approx(by_hand, rel=1e-12)


@given(ions)
def test_one_permeable_ion_is_nernst(ion: Any) -> None:
    expected = nernst_potential_mv(ion.valence, ion.concentration_out_molar, ion.concentration_in_molar)
    assert ghk_potential_mv([ion]) == pytest.approx(expected, abs=1e-9)
    assert ion.nernst_potential_mv() == expected


@given(st.lists(ions, min_size=1, max_size=5))
def test_the_rest_lies_between_the_equilibria(members: Any) -> None:
    equilibria = [ion.nernst_potential_mv() for ion in members]
    rest = ghk_potential_mv(members)
    assert min(equilibria) - 1e-9 <= rest <= max(equilibria) + 1e-9


@given(st.lists(ions, min_size=2, max_size=5), st.floats(1e-3, 1e3))
def test_only_ratios_of_permeabilities_count(members: Any, factor: Any) -> None:
    scaled = [
        Ion(i.valence, i.permeability * factor, i.concentration_out_molar, i.concentration_in_molar) for i in members
    ]
    assert ghk_potential_mv(scaled) == pytest.approx(ghk_potential_mv(members), abs=1e-9)


@given(st.permutations(NEURON))
def test_the_order_of_ions_does_not_matter(members: Any) -> None:
    assert ghk_potential_mv(members) == pytest.approx(ghk_potential_mv(NEURON), abs=1e-12)


def test_an_impermeable_ion_has_no_say() -> None:
    assert ghk_potential_mv([*NEURON, Ion(1, 0, 1.0, 1e-9)]) == ghk_potential_mv(NEURON)


def test_arrays_of_concentrations_and_temperatures_broadcast() -> None:
    potassium = Ion(1, 1.0, np.array([3e-3, 5e-3, 9e-3]), 140e-3)
    rest = ghk_potential_mv([potassium, *NEURON[1:]], np.array([[300.0], [310.15]]))
    assert rest.shape == (2, 3)
    assert rest[1, 1] == pytest.approx(ghk_potential_mv(NEURON), rel=1e-14)


def test_scalars_give_a_float_from_any_iterable() -> None:
    assert type(ghk_potential_mv(iter(NEURON))) is float


@pytest.mark.parametrize("valence", [0, 2, -2, 3, 1.5, float("nan")])
def test_ions_that_are_not_monovalent_are_refused(valence: Any) -> None:
    with pytest.raises(InvalidInputError, match="valence must be -1 or 1"):
        Ion(valence, 1.0, 0.1, 0.1)


@pytest.mark.parametrize("valence", [True, "1", None])
def test_valences_that_are_not_numbers_are_refused(valence: Any) -> None:
    with pytest.raises(InvalidInputError, match="valence must be a"):
        Ion(valence, 1.0, 0.1, 0.1)


def test_one_ion_has_one_valence() -> None:
    valences: Any = np.array([1, -1])
    with pytest.raises(InvalidInputError, match="one number per ion"):
        Ion(valences, 1.0, 0.1, 0.1)


@pytest.mark.parametrize("bad", [-0.1, float("nan"), float("inf")])
def test_negative_permeability_is_refused(bad: Any) -> None:
    with pytest.raises(InvalidInputError, match=rf"permeability must be finite and at least 0; got {bad}"):
        Ion(1, bad, 0.1, 0.1)


@pytest.mark.parametrize("bad", [-1.0, float("nan"), float("inf")])
def test_concentrations_of_an_ion_are_not_negative(bad: Any) -> None:
    with pytest.raises(InvalidInputError, match="concentration_out_molar must be finite and at least 0 mol/L"):
        Ion(1, 1.0, bad, 0.1)
    with pytest.raises(InvalidInputError, match="concentration_in_molar must be finite and at least 0 mol/L"):
        Ion(1, 1.0, 0.1, bad)


def test_an_ion_may_be_missing_on_one_side() -> None:
    outside_only = [Ion(1, 1.0, 5e-3, 140e-3), Ion(1, 0.05, 145e-3, 0.0)]
    by_hand = 1e3 * 8.31446261815324 * 310.15 / 96485.33212331 * np.log((5e-3 + 0.05 * 145e-3) / 140e-3)
    assert ghk_potential_mv(outside_only) == pytest.approx(by_hand, rel=1e-12)
    several = Ion(-1, 0.45, np.array([0.0, 0.11]), np.array([4e-3, 0.0]))
    assert np.isfinite(ghk_potential_mv([NEURON[0], several])).all()
    with pytest.raises(InvalidInputError, match="concentration_in_molar must be finite and greater than 0"):
        outside_only[1].nernst_potential_mv()


@pytest.mark.parametrize(
    ("bad", "why"),
    [
        ([], "at least one Ion; got none"),
        (5, "sequence of Ion; got int"),
        ([(1, 1.0, 0.1, 0.1)], "it holds a tuple"),
        ([Ion(1, 0, 0.1, 0.1)], "permeable ions must be present on both sides"),
        ([Ion(1, 1, 0.0, 0.1)], "permeable ions must be present on both sides"),
        ([Ion(1, 1, 0.0, 0.1), Ion(-1, 1, 0.1, 0.0)], "permeable ions must be present on both sides"),
        ([Ion(1, 1e308, 1e10, 1e10)], "stay within float64"),
        ([Ion(1, 1, [0.1, 0.2], 0.1), Ion(1, 1, [0.1, 0.2, 0.3], 0.1)], "broadcast"),
    ],
)
def test_collections_that_make_no_membrane_are_refused(bad: Any, why: Any) -> None:
    with pytest.raises(InvalidInputError, match=why):
        ghk_potential_mv(bad)


@pytest.mark.parametrize("bad", [272.0, 374.0, True, "310"])
def test_temperature_is_checked(bad: Any) -> None:
    with pytest.raises(InvalidInputError, match="temperature_k must be"):
        ghk_potential_mv(NEURON, bad)
