"""The extended features are those of the functions that measure them, or NaN where there is nothing to measure."""

import numpy as np
import pytest

import mycelium_fractal_net as mfn
from mycelium_fractal_net import features
from mycelium_fractal_net.features import EXTENDED_FEATURE_UNITS, extract_extended_features
from tests.features import reference


@pytest.mark.parametrize("periodic", [True, False])
def test_each_is_what_its_function_measures(periodic: bool) -> None:
    field = reference.history(2, 48, 48)[-1]
    active = field > -60.0
    found = extract_extended_features(field, periodic=periodic, topology=True)
    dimensions = mfn.generalised_dimensions(active, orders=(1.0, 2.0))
    assert tuple(found) == tuple(EXTENDED_FEATURE_UNITS)
    assert (found["area"], found["perimeter"], found["euler"]) == features.minkowski_functionals(
        active, periodic=periodic
    )
    assert found["correlation_length"] == features.correlation_length(field, periodic)
    assert [found[f"lacunarity_{size}"] for size in (2, 4, 8)] == mfn.lacunarity(active, [2, 4, 8], periodic).tolist()
    assert (found["D_1"], found["D_2"]) == (dimensions[1.0], dimensions[2.0])
    assert (found["entropy_patches"], found["entropy_holes"]) == features.persistence_entropy(field, periodic)


def test_the_wavelength_of_a_pattern_is_among_them() -> None:
    result = mfn.simulate(mfn.SimulationConfig(steps=100))
    found = extract_extended_features(result.field_mv)["wavelength"]
    assert found == mfn.measure_wavelength(result.field_mv, periodic=True)


def test_an_empty_mask_has_neither_texture_nor_wavelength() -> None:
    found = extract_extended_features(np.full((16, 16), -70.0))
    assert {name for name, value in found.items() if np.isnan(value)} == {
        "wavelength", "lacunarity_2", "lacunarity_4", "lacunarity_8", "D_1", "D_2",
    }  # fmt: skip
    assert (found["area"], found["perimeter"], found["euler"], found["correlation_length"]) == (0, 0, 0, 0)


def test_boxes_that_do_not_fit_have_no_lacunarity() -> None:
    found = extract_extended_features(reference.history(2, 5, 40)[-1] * 0.0)
    assert found["lacunarity_4"] == 1.0
    assert np.isnan(found["lacunarity_8"])


def test_threshold_and_connectivity_are_those_of_the_configuration() -> None:
    field = np.where(np.eye(6, dtype=bool), -55.0, -70.0)
    found = extract_extended_features(field, mfn.FeatureConfig(connectivity=8), periodic=False)
    assert (found["area"], found["euler"]) == (6, 1)
    assert extract_extended_features(field, mfn.FeatureConfig(active_threshold_mv=-50.0))["area"] == 0


def test_topology_is_left_out_unless_asked_for() -> None:
    assert set(EXTENDED_FEATURE_UNITS) - set(extract_extended_features(np.zeros((4, 4)))) == {
        "entropy_patches",
        "entropy_holes",
    }
