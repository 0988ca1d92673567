import pytest

import mycelium_fractal_net as package
from tests.cli.conftest import Mfn


@pytest.mark.parametrize(
    ("arguments", "printed"),
    [
        (("nernst", 1, 0.005, 0.140), "-89.0587 mV\n"),
        (("nernst", -1, 0.110, 0.004), "-88.5771 mV\n"),
        (("nernst", 2, 0.002, "1e-7", "--temperature-k", 310.15), "132.3436 mV\n"),
        (("nernst", 1, 0.01, 0.001, "-T", 298.15), "59.1593 mV\n"),
    ],
)
def test_nernst_prints_the_potential(mfn: Mfn, arguments: tuple[object, ...], printed: str) -> None:
    assert mfn(*arguments).out == printed


def test_nernst_as_json_equals_python_to_the_bit(mfn: Mfn) -> None:
    assert mfn("nernst", -2, 0.3, 0.007, "--json").json == {"potential_mv": package.nernst_potential_mv(-2, 0.3, 0.007)}


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        ((4, 0.1, 0.1), "valence must be -2, -1, 1, 2 or 3; got 4.0"),
        ((1, 0, 0.1), "concentration_out_molar must be finite and greater than 0 mol/L; got 0.0"),
        ((1, 0.1, "nan"), "concentration_in_molar must be finite and greater than 0 mol/L; got nan"),
        ((1, 0.1, 0.1, "-T", 20), "temperature_k must be between 273 and 373 K; got 20.0"),
        (("one", 0.1, 0.1), "'one' is not a valid integer"),
        ((1, 0.1), "Missing argument 'IN'"),
        ((1, 0.1, 0.1, "--bogus"), "unexpected extra argument"),
    ],
)
def test_nernst_refuses_nonsense_in_one_line(mfn: Mfn, arguments: tuple[object, ...], why: str) -> None:
    outcome = mfn("nernst", *arguments)
    assert outcome.code == 2
    assert why in outcome.err
    assert outcome.err.count("\n") == 1
    assert outcome.out == ""


def test_ghk_of_a_preset_prints_potential_ions_and_source(mfn: Mfn) -> None:
    out = mfn("ghk", "--preset", "squid-axon").out
    assert "-59.5178 mV" in out
    assert all(text in out for text in ("K+", "Na+", "Cl-", "291.15 K", "Hodgkin"))


def test_ghk_of_ions_equals_python_to_the_bit(mfn: Mfn) -> None:
    ions = ("1:1:0.005:0.140", "1:0.0486:0.145:0.012", "-1:0.45:0.110:0.004")
    outcome = mfn("ghk", *(part for ion in ions for part in ("--ion", ion)), "--json")
    assert outcome.json["potential_mv"] == package.ion_preset("mammalian-neuron").ghk_potential_mv()
    assert outcome.json["equilibria_mv"][0] == package.nernst_potential_mv(1, 0.005, 0.140)


def test_ghk_shows_ions_without_a_symbol_by_their_valence(mfn: Mfn) -> None:
    assert "z=+1" in mfn("ghk", "-i", "1:1:0.005:0.140", "-T", 300).out


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        ((), "either --preset NAME or at least one --ion"),
        (("--preset", "squid-axon", "--ion", "1:1:1:1"), "either --preset NAME or at least one --ion"),
        (("--preset", "octopus"), "ion preset must be one of"),
        (("--ion", "1:1:1"), "four numbers; got '1:1:1'"),
        (("--ion", "a:1:1:1"), "four numbers; got 'a:1:1:1'"),
        (("--ion", "1.5:1:1:1"), "the valence -1 or 1; got '1.5:1:1:1'"),
        (("--ion", "nan:1:1:1"), "the valence -1 or 1; got 'nan:1:1:1'"),
        (("--ion", "2:1:1:1"), "valence must be -1 or 1"),
    ],
)
def test_ghk_refuses_nonsense(mfn: Mfn, arguments: tuple[object, ...], why: str) -> None:
    outcome = mfn("ghk", *arguments)
    assert outcome.code == 2
    assert why in outcome.err


def test_ghk_of_an_ion_that_is_missing_on_one_side_shows_no_equilibrium_for_it(mfn: Mfn) -> None:
    ions = ("--ion", "1:1:0.005:0.14", "--ion", "1:0.05:0.145:0")
    assert "none" in mfn("ghk", *ions).out
    assert mfn("ghk", "--json", *ions).json["equilibria_mv"][1] is None
