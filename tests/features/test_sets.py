"""Feature sets by name: one flat vector, the 18 first, from arrays, histories and results alike."""

import pickle
from typing import Any

import numpy as np
import pytest

import mycelium_fractal_net as mfn
from mycelium_fractal_net.features import FEATURE_SETS

ALL = tuple(FEATURE_SETS)
FREE = tuple(name for name in ALL if name != "topology")


@pytest.fixture(scope="module")
def result() -> mfn.SimulationResult:
    return mfn.simulate(mfn.SimulationConfig(grid_size=32, steps=60, seed=4), sets=FREE)


def test_the_sets_are_these_in_this_order() -> None:
    assert ALL == ("core", "spectral", "activator", "events", "topology", "extended")


def test_the_schema_has_units_and_definitions_and_no_name_twice() -> None:
    schema = mfn.feature_schema()
    assert len({feature.name for feature in schema}) == len(schema)
    assert all(feature.unit and len(feature.definition) > 8 and feature.set in ALL for feature in schema)
    assert tuple(feature.name for feature in schema[:18]) == mfn.FEATURE_NAMES


def test_the_core_comes_first_whatever_the_order_of_the_names(result: mfn.SimulationResult) -> None:
    vector = mfn.extract_features(result, sets=["spectral", "core", "spectral"])
    assert vector.names == tuple(feature.name for feature in mfn.feature_schema(("core", "spectral")))
    assert vector.to_array()[:18].tolist() == mfn.extract_features(result, sets="core").to_array().tolist()


def test_a_run_has_the_sets_that_it_was_asked_for(result: mfn.SimulationResult) -> None:
    assert result.features.names == tuple(feature.name for feature in mfn.feature_schema(FREE))
    assert result.features == mfn.extract_features(result, sets=FREE)
    assert result.features.V_std == result.features["V_std"] == pytest.approx(result.field_mv.std())


def test_a_run_and_its_history_have_the_same_numbers_to_the_bit() -> None:
    config = mfn.SimulationConfig(grid_size=32, steps=40)
    sets = ("core", "spectral", "events", "extended")
    assert mfn.extract_features(mfn.simulate_history(config), sets=sets) == mfn.simulate(config, sets=sets).features


@pytest.mark.parametrize("name", FREE)
def test_every_set_has_as_many_numbers_as_names_at_every_size(name: str) -> None:
    for side in (4, 9, 32):
        run = mfn.simulate(mfn.SimulationConfig(grid_size=side, steps=3), sets=[name])
        assert len(run.features) == len(run.features.names)


@pytest.mark.parametrize("name", FREE)
def test_a_field_without_structure_has_no_error(name: str) -> None:
    config = mfn.SimulationConfig(grid_size=16, steps=5, turing_enabled=False, spike_probability=0.0)
    still = mfn.simulate(config, initial_field_mv=np.full((16, 16), -70.0), sets=[name])
    assert not np.isinf(still.features.to_array()).any()


@pytest.mark.parametrize(
    ("sets", "match"),
    [((), "at least one"), ("spectra", "sets must be among core"), ([3], "got 3"), (7, "got 7"), ("core,", "got ''")],
)
def test_unknown_sets_are_refused(sets: Any, match: str) -> None:
    with pytest.raises(mfn.InvalidInputError, match=match):
        mfn.extract_features(np.eye(8), sets=sets)


@pytest.mark.parametrize(("sets", "match"), [("activator", "needs the Turing pair"), ("events", "pass a history")])
def test_an_array_has_no_pair_and_a_single_field_no_time(sets: str, match: str) -> None:
    with pytest.raises(mfn.InvalidInputError, match=match):
        mfn.extract_features(np.eye(8), sets=sets)


def test_vectors_of_sets_compare_hash_pickle_and_do_not_change(result: mfn.SimulationResult) -> None:
    vector = result.features
    assert pickle.loads(pickle.dumps(vector)) == vector  # noqa: S301 - our own bytes
    assert len({vector, mfn.extract_features(result, sets=FREE)}) == 1
    with pytest.raises(AttributeError, match="immutable"):
        vector.V_std = 3.0


def test_thresholds_follow_the_rest_potential() -> None:
    config = mfn.SimulationConfig.preset("neurospora", grid_size=32, steps=64)
    usual = mfn.simulate(config.model_copy(update={"rest_potential_mv": -70.0}))
    deep = mfn.simulate(config)
    assert deep.features.f_active == pytest.approx(usual.features.f_active, abs=0.05)
    assert deep.features.N_clusters_high > 0
    absolute = mfn.FeatureConfig(active_threshold_mv=-60.0, cluster_thresholds_mv=(-60.0, -50.0, -40.0))
    assert mfn.extract_features(deep, absolute).f_active == 0.0


def test_thresholds_of_an_array_count_from_minus_70_unless_told() -> None:
    field = np.random.default_rng(3).normal(-60.0, 5.0, (16, 16))
    assert mfn.extract_features(field).f_active == (field > -60.0).mean()
    told = mfn.FeatureConfig(rest_potential_mv=-80.0)
    assert mfn.extract_features(field, told).N_clusters_low == 1.0


def test_a_result_is_measured_with_its_own_thresholds_unless_others_are_given() -> None:
    config = mfn.SimulationConfig(grid_size=16, steps=20)
    strict = mfn.FeatureConfig(active_threshold_mv=-30.0)
    run = mfn.simulate(config, feature_config=strict)
    assert run.features.f_active == (run.field_mv > -30.0).mean() == mfn.extract_features(run).f_active
    assert mfn.extract_features(run, mfn.FeatureConfig()).f_active == (run.field_mv > -60.0).mean()


def test_the_transformer_takes_sets_and_results(result: mfn.SimulationResult) -> None:
    extractor = mfn.FieldFeatureExtractor(sets=("core", "activator"))
    table = extractor.fit_transform([result, result])
    assert table.shape == (2, len(extractor.get_feature_names_out()))
    assert table[0].tolist() == mfn.extract_features(result, sets=("core", "activator")).to_array().tolist()
