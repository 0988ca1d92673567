import importlib

import pytest

import mycelium_fractal_net as mfn

PINNED = (
    "AggregationError",
    "BoxCounting",
    "CancelledError",
    "CheckpointError",
    "ConfigurationError",
    "DivergedError",
    "FEATURE_NAMES",
    "FEATURE_UNITS",
    "FeatureConfig",
    "FeatureVector",
    "FieldFeatureExtractor",
    "Frame",
    "IFS",
    "InvalidInputError",
    "Ion",
    "MFNError",
    "MissingExtraError",
    "Simulation",
    "SimulationConfig",
    "SimulationResult",
    "StabilityError",
    "__version__",
    "box_counting_dimension",
    "extract_features",
    "generalised_dimensions",
    "generate_dataset",
    "generate_ifs",
    "get_kinetics",
    "ghk_potential_mv",
    "ion_preset",
    "kinetics",
    "lacunarity",
    "linear_stability",
    "list_kinetics",
    "lyapunov_exponent",
    "lyapunov_spectrum",
    "measure_wavelength",
    "nernst_potential_mv",
    "simulate",
    "simulate_ensemble",
    "simulate_history",
    "stdp_weight_update",
    "validate",
)


def test_the_public_names_are_these() -> None:
    assert sorted(mfn.__all__) == sorted(PINNED)


@pytest.mark.parametrize("name", PINNED)
def test_every_public_name_loads_and_is_listed(name: str) -> None:
    assert getattr(mfn, name) is not None
    assert name in dir(mfn)


@pytest.mark.parametrize("room", sorted({*mfn._ROOMS} - {"errors"}))
def test_a_room_exports_what_the_package_promises_of_it(room: str) -> None:
    module = importlib.import_module(f"mycelium_fractal_net.{room}")
    assert set(mfn._ROOMS[room]) <= set(module.__all__)


def test_unknown_names_raise_attribute_error() -> None:
    with pytest.raises(AttributeError, match="has no attribute 'simulte'"):
        _ = mfn.simulte


def test_a_public_function_shares_no_name_with_its_room() -> None:
    assert callable(mfn.kinetics)
    assert callable(mfn.validate)
