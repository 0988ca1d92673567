"""What is not a field is refused, in words that say what to do."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

import mycelium_fractal_net as mfn
from mycelium_fractal_net import features

FIELD = np.full((6, 6), -70.0)
MASKED = np.ma.MaskedArray(FIELD, mask=np.eye(6, dtype=bool))

HOSTILE = [
    (None, "real numbers in mV"),
    ("field", "real numbers in mV"),
    (b"\x00", "real numbers in mV"),
    (3.0, r"shape \(rows, columns\)"),
    ({"field": 1}, "real numbers in mV"),
    ([[1.0, 2.0], [3.0]], r"shape \(rows, columns\)"),
    ([["a", "b"]], "real numbers in mV"),
    (np.zeros(5), r"got an array of shape \(5,\)"),
    (np.zeros((0, 5)), "at least one cell"),
    (np.zeros((5, 0)), "at least one cell"),
    (np.zeros((2, 2, 2, 2)), r"got an array of shape \(2, 2, 2, 2\)"),
    (FIELD > 0, "take masks"),
    (FIELD + 1j, "real numbers in mV"),
    (FIELD.astype(object), "real numbers in mV"),
    (np.full((3, 3), "2020-01-01", dtype="M8[D]"), "real numbers in mV"),
    (MASKED, "fill them first"),
    (np.where(np.eye(6), np.nan, FIELD), r"6 of 36 values are not, the first is nan at index \(0, 0\)"),
    (np.where(np.eye(6), np.inf, FIELD), "the first is inf"),
    (np.where(np.eye(6), -np.inf, FIELD), "the first is -inf"),
    (np.array([[np.inf]], np.float32), "the first is inf"),
    (np.where(np.eye(6), 1e308, FIELD), "at most 1e[+]100"),
    (np.full((2, 2), np.finfo(np.longdouble).max), "finite potentials"),
    ([[10**400]], "real numbers in mV"),
]


@pytest.mark.parametrize(("value", "why"), HOSTILE)
def test_what_is_not_a_field_is_refused(value: Any, why: str) -> None:
    with pytest.raises(mfn.InvalidInputError, match=why):
        mfn.extract_features(value)


@pytest.mark.parametrize(
    "function",
    [
        mfn.measure_wavelength,
        features.radial_power_spectrum,
        features.correlation_length,
        features.extract_extended_features,
        features.persistence_entropy,
        lambda value: features.cluster_sizes(value, -60.0),
    ],
)
@pytest.mark.parametrize("value", [value for value, _ in HOSTILE] + [np.zeros((2, 6, 6))])
def test_every_measure_refuses_it(function: Any, value: Any) -> None:
    with pytest.raises(mfn.InvalidInputError, match="must "):
        function(value)


def test_a_history_with_one_bad_value_is_refused_and_located() -> None:
    frames = np.zeros((4, 5, 6))
    frames[2, 3, 4] = np.nan
    with pytest.raises(mfn.InvalidInputError, match=r"index \(2, 3, 4\)"):
        mfn.extract_features(frames)


@pytest.mark.parametrize("periodic", [None, 1, "yes", 0.0])
def test_periodic_is_true_or_false(periodic: Any) -> None:
    with pytest.raises(mfn.InvalidInputError, match="periodic must be True or False"):
        mfn.extract_features(FIELD, periodic=periodic)


@pytest.mark.parametrize("config", [None, {"connectivity": 8}, mfn.FeatureConfig])
def test_config_is_a_feature_config(config: Any) -> None:
    with pytest.raises(mfn.InvalidInputError, match="config must be a FeatureConfig"):
        mfn.extract_features(FIELD, config)
    with pytest.raises(mfn.InvalidInputError, match="config must be a FeatureConfig"):
        features.extract_extended_features(FIELD, config)


def test_an_unmasked_masked_array_is_a_field() -> None:
    assert mfn.extract_features(np.ma.MaskedArray(FIELD)) == mfn.extract_features(FIELD)


KINDS: Any = st.sampled_from([np.dtype(name) for name in ("f8", "f4", "i4", "?", "c16", "U3")])


@given(hnp.arrays(KINDS, hnp.array_shapes(min_dims=0, max_dims=5, min_side=0, max_side=6)))
@settings(max_examples=150, deadline=None)
def test_any_array_gets_finite_features_or_one_clear_error(array: Any) -> None:
    usable = (
        array.dtype.kind in "if"
        and array.ndim in (2, 3)
        and array.size > 0
        and (abs(array.astype(float)) <= 1e100).all()
    )
    if usable:
        assert np.isfinite(mfn.extract_features(array).to_array()).all()
    else:
        with pytest.raises(mfn.InvalidInputError, match="array_or_result must "):
            mfn.extract_features(array)
