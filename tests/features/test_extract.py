"""The 18 features against their definitions, online against arrays, and at the edges of what is allowed."""

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import mycelium_fractal_net as mfn
from tests.features import reference


@pytest.mark.parametrize("periodic", [True, False])
@pytest.mark.parametrize("shape", [(40, 37), (64, 64), (5, 200), (33, 3)])
def test_features_follow_their_definitions(shape: tuple[int, int], periodic: bool) -> None:
    frames = reference.history(14, *shape)
    found = mfn.extract_features(frames, periodic=periodic).to_dict()
    for name, value in reference.features(frames, periodic).items():
        assert found[name] == pytest.approx(value, rel=1e-9, abs=1e-9), name


@pytest.mark.parametrize("periodic", [True, False])
def test_the_dimension_is_that_of_the_active_cells(periodic: bool) -> None:
    field = reference.history()[-1]
    boxes = mfn.box_counting_dimension(field > -60.0, periodic=periodic)
    vector = mfn.extract_features(field, periodic=periodic)
    assert (vector.D_box, vector.D_r2) == (boxes.dimension, boxes.r2)


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"grid_size": 50, "boundary": "neumann"},
        {"grid_size": 33, "boundary": "dirichlet", "dtype": "float32"},
        {"grid_size": 32, "steps": 1},
        {"quantum_jitter": True, "dtype": "float32"},
        {"grid_size": 400, "steps": 2},
    ],
)
def test_a_run_and_its_history_give_the_same_bits(options: dict[str, Any]) -> None:
    config = mfn.SimulationConfig(**{"steps": 20, **options})
    result, history = mfn.simulate(config), mfn.simulate_history(config)
    periodic = config.boundary == "periodic"
    assert mfn.extract_features(history, periodic=periodic) == result.features
    assert mfn.extract_features(result) == result.features


def test_a_frame_has_the_features_of_the_history_up_to_it() -> None:
    config = mfn.SimulationConfig(grid_size=32, steps=24)
    history = mfn.simulate_history(config)
    for frame in mfn.Simulation(config).frames(every=8):
        assert frame.features == mfn.extract_features(history[: frame.step + 1])


def test_a_result_says_itself_whether_it_is_periodic() -> None:
    result = mfn.simulate(mfn.SimulationConfig(grid_size=32, steps=30, boundary="neumann"))
    assert mfn.extract_features(result, periodic=True) == result.features


def test_a_result_takes_other_thresholds() -> None:
    result = mfn.simulate(mfn.SimulationConfig(grid_size=32, steps=30))
    vector = mfn.extract_features(result, mfn.FeatureConfig(active_threshold_mv=-50.0))
    assert vector.f_active == np.mean(result.field_mv > -50.0)


@pytest.mark.parametrize("value", [-70.0, 0.0, 0.1, 1e9 + 0.1, -1e100, 5e-324])
def test_a_constant_field_has_no_spread_and_no_shape(value: float) -> None:
    vector = mfn.extract_features(np.full((2, 12, 12), value))
    assert (vector.V_min, vector.V_max, vector.V_mean) == (value, value, value)
    assert (vector.V_std, vector.V_skew, vector.V_kurt, vector.dV_max, vector.E_trend) == (0, 0, 0, 0, 0)


def test_a_quiet_field_has_no_clusters_and_no_dimension() -> None:
    vector = mfn.extract_features(np.full((16, 16), -70.0))
    assert (vector.D_box, vector.D_r2, vector.f_active, vector.max_cluster_size) == (0, 0, 0, 0)


def test_a_full_field_has_dimension_two_and_one_cluster() -> None:
    vector = mfn.extract_features(np.zeros((17, 23)))
    assert (vector.D_box, vector.D_r2, vector.f_active, vector.N_clusters_high) == (2, 1, 1, 1)
    assert (vector.max_cluster_size, vector.cluster_size_std) == (17 * 23, 0)


def test_a_single_field_has_not_moved() -> None:
    vector = mfn.extract_features(reference.history()[-1])
    assert (vector.dV_mean, vector.dV_max, vector.T_stable, vector.E_trend) == (0, 0, 0, 0)
    assert vector == mfn.extract_features(reference.history()[-1:])


@pytest.mark.parametrize("shape", [(1, 1), (1, 9), (9, 1), (3, 5000), (2, 2)])
def test_odd_shapes_get_finite_features(shape: tuple[int, int]) -> None:
    fields = np.random.default_rng(2).normal(-60.0, 10.0, (3, *shape))
    assert np.isfinite(mfn.extract_features(fields).to_array()).all()


@given(
    seed=st.integers(0, 1000),
    scale=st.floats(-320.0, 98.0).map(lambda exponent: 10.0**exponent),
    offset=st.sampled_from([0.0, -65.0, 1e9, -1e99]),
    shape=st.tuples(st.integers(1, 3), st.integers(1, 20), st.integers(1, 20)),
    periodic=st.booleans(),
)
@settings(max_examples=150, deadline=None)
def test_features_are_finite_whatever_the_scale(
    seed: int, scale: float, offset: float, shape: tuple[int, int, int], periodic: bool
) -> None:
    fields = np.random.default_rng(seed).standard_cauchy(shape).clip(-90.0, 90.0) * scale + offset
    vector = mfn.extract_features(fields, periodic=periodic)
    assert np.isfinite(vector.to_array()).all()
    assert vector.V_min <= vector.V_mean <= vector.V_max
    assert vector.V_std >= 0


@given(rows=st.integers(-50, 50), columns=st.integers(-50, 50), turns=st.integers(0, 3))
@settings(max_examples=25, deadline=None)
def test_on_a_torus_neither_shifts_nor_quarter_turns_matter(rows: int, columns: int, turns: int) -> None:
    field = reference.history(2, 32, 32)[-1]
    moved = np.rot90(np.roll(field, (rows, columns), (0, 1)), turns)
    expected, found = mfn.extract_features(field).to_array(), mfn.extract_features(moved).to_array()
    np.testing.assert_allclose(found, expected, rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("offset", [0.0, 1e6, 1e9])
def test_moments_survive_a_large_offset(offset: float) -> None:
    field = np.round(np.random.default_rng(3).gamma(2.0, 4.0, (64, 64)) * 2**20) / 2**20
    with_offset, without = mfn.extract_features(field + offset), mfn.extract_features(field)
    for name in ("V_std", "V_skew", "V_kurt"):
        assert with_offset[name] == pytest.approx(without[name], rel=1e-6)


def test_single_precision_is_summed_in_double_precision() -> None:
    frames = reference.history().astype(np.float32)
    assert mfn.extract_features(frames) == mfn.extract_features(frames.astype(np.float64))


@pytest.mark.parametrize("kind", [">f8", "<f4", "float16", "int16", "uint8", "longdouble"])
def test_any_real_numbers_will_do(kind: str) -> None:
    field = (reference.history()[-1] + 130.0).astype(kind)
    assert mfn.extract_features(field) == mfn.extract_features(field.astype(np.float64))


def test_lists_and_strided_views_are_read_as_arrays() -> None:
    frames = reference.history()
    expected = mfn.extract_features(frames)
    assert mfn.extract_features(frames.tolist()) == expected
    assert mfn.extract_features(np.asfortranarray(frames)) == expected
    assert mfn.extract_features(np.repeat(frames, 2, axis=2)[:, :, ::2]) == expected


def test_extracting_leaves_the_input_alone() -> None:
    frames = reference.history()
    copy = frames.copy()
    frames.flags.writeable = False
    mfn.extract_features(frames)
    assert np.array_equal(frames, copy)


def test_box_scales_of_the_configuration_count() -> None:
    field = reference.history()[-1]
    boxes = mfn.box_counting_dimension(field > -60.0, periodic=True, scales=[3, 5, 7])
    assert mfn.extract_features(field, mfn.FeatureConfig(box_scales=(3, 5, 7))).D_box == boxes.dimension


def test_a_trend_of_energy_is_that_of_a_straight_line() -> None:
    energies = 4900.0 + 12.5 * np.arange(30)
    frames = np.sqrt(energies)[:, None, None] * np.ones((8, 8))
    assert mfn.extract_features(frames).E_trend == pytest.approx(12.5, rel=1e-9)


def test_excess_kurtosis_of_a_two_valued_field_is_minus_two() -> None:
    vector = mfn.extract_features(np.indices((8, 8)).sum(axis=0) % 2 * 10.0 - 70.0)
    assert (vector.V_mean, vector.V_std, vector.V_skew) == (-65.0, 5.0, 0.0)
    assert math.isclose(vector.V_kurt, -2.0)


def test_a_cell_at_the_threshold_is_not_active() -> None:
    field = np.full((4, 4), -70.0)
    field[0, 0], field[1, 1] = -60.0, np.nextafter(-60.0, 0.0)
    for frames in (field, np.stack([field, field])):
        found = mfn.extract_features(frames)
        assert (found.f_active, found.N_clusters_low, found.max_cluster_size) == (1 / 16, 1, 1)
