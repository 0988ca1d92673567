from typing import Any

import pytest

from mycelium_fractal_net.biophysics import ion_preset, list_ion_presets
from mycelium_fractal_net.errors import InvalidInputError


@pytest.mark.parametrize(
    ("name", "passive_mv"),
    [("mammalian-neuron", -70.01), ("squid-axon", -59.52), ("neurospora", -37.79)],
)
def test_passive_potential_of_each_preset(name: Any, passive_mv: Any) -> None:
    assert ion_preset(name).ghk_potential_mv() == pytest.approx(passive_mv, abs=0.01)


@pytest.mark.parametrize("name", ["mammalian-neuron", "squid-axon"])
def test_permeation_explains_the_rest_of_animal_cells(name: Any) -> None:
    preset = ion_preset(name)
    assert preset.ghk_potential_mv() == pytest.approx(preset.measured_potential_mv, abs=1.0)


def test_permeation_alone_cannot_polarise_a_hypha() -> None:
    preset = ion_preset("neurospora")
    most_negative = min(ion.nernst_potential_mv(preset.temperature_k) for ion in preset.ions)
    assert preset.measured_potential_mv < most_negative


@pytest.mark.parametrize("name", list_ion_presets())
def test_every_preset_names_its_source_and_its_ions(name: Any) -> None:
    preset = ion_preset(name)
    assert preset.name == name
    assert any(word in preset.source for word in ("doi.org", "Press", "Acta"))
    assert all(ion.symbol.endswith("+" if ion.valence > 0 else "-") for ion in preset.ions)


@pytest.mark.parametrize("name", ["", "squid", None, 3, ["neurospora"]])
def test_unknown_names_are_answered_with_the_known_ones(name: Any) -> None:
    with pytest.raises(InvalidInputError, match="must be one of mammalian-neuron, neurospora, squid-axon"):
        ion_preset(name)
