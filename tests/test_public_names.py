import ast
import importlib
from pathlib import Path

import pytest

import mycelium_fractal_net as mfn

SOURCE = Path(mfn.__file__).parent
STUBS = sorted(SOURCE.rglob("__init__.pyi"))
PINNED = (
    "AggregationError",
    "BoxCounting",
    "CancelledError",
    "Change",
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
    "Stimulus",
    "__version__",
    "biophysics",
    "box_counting_dimension",
    "datasets",
    "dynamics",
    "errors",
    "explore",
    "features",
    "federated",
    "fields",
    "fractals",
    "service",
    "signals",
    "validation",
    "visualization",
    "extract_features",
    "feature_schema",
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


@pytest.mark.parametrize("stub", STUBS, ids=lambda stub: stub.parent.name)
def test_a_stub_lists_each_name_once_and_where_it_lives(stub: Path) -> None:
    package = ".".join(stub.relative_to(SOURCE.parent).parent.parts)
    module, names = importlib.import_module(package), []
    for node in ast.parse(stub.read_text()).body:
        if isinstance(node, ast.ImportFrom):
            home = importlib.import_module(f"{package}.{node.module or ''}".rstrip("."))
            names += [alias.name for alias in node.names]
            assert all(getattr(module, alias.name) is getattr(home, alias.name) for alias in node.names)
            assert home is module or {alias.name for alias in node.names} <= {*home.__all__}
    assert sorted(names) == sorted(module.__all__) == dir(module)


def test_what_is_not_public_is_not_listed() -> None:
    assert not [name for name in dir(mfn) if name.startswith("_") and name != "__version__"]


def test_unknown_names_raise_attribute_error() -> None:
    with pytest.raises(AttributeError, match="has no attribute 'simulte'"):
        _ = mfn.simulte  # type: ignore[attr-defined] # that is the point


def test_a_public_function_shares_no_name_with_its_room() -> None:
    assert callable(mfn.kinetics)
    assert callable(mfn.validate)
