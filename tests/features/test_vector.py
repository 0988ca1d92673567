"""The vector: pinned names, order and units, and every way to read it."""

import copy
import pickle
from typing import Any

import numpy as np
import pytest

import mycelium_fractal_net as mfn

VECTOR = mfn.FeatureVector.from_array(np.arange(18) / 2)


def test_names_and_order_are_pinned() -> None:
    assert " ".join(mfn.FEATURE_NAMES) == (
        "D_box D_r2 V_min V_max V_mean V_std V_skew V_kurt dV_mean dV_max T_stable E_trend f_active "
        "N_clusters_low N_clusters_med N_clusters_high max_cluster_size cluster_size_std"
    )


def test_units_are_pinned() -> None:
    assert tuple(mfn.FEATURE_UNITS) == mfn.FEATURE_NAMES
    assert list(mfn.FEATURE_UNITS.values()) == (
        ["1"] * 2 + ["mV"] * 4 + ["1"] * 2 + ["mV/step"] * 2 + ["steps", "mV^2/step"] + ["1"] * 4 + ["cells"] * 2
    )


def test_every_way_to_read_agrees() -> None:
    array = VECTOR.to_array()
    assert array.shape == (18,)
    assert array.dtype == np.float64
    assert list(VECTOR) == list(VECTOR.to_dict().values()) == np.asarray(VECTOR).tolist() == array.tolist()
    assert [VECTOR[name] for name in mfn.FEATURE_NAMES] == [VECTOR[i] for i in range(len(VECTOR))]
    assert [getattr(VECTOR, name) for name in mfn.FEATURE_NAMES] == array.tolist()
    assert tuple(VECTOR.to_dict()) == mfn.FEATURE_NAMES


def test_the_array_protocol_converts_and_never_shares() -> None:
    assert np.asarray(VECTOR, dtype=np.float32).dtype == np.float32
    with pytest.raises(ValueError, match="no array that could be shared"):
        np.array(VECTOR, copy=False)


def test_equal_numbers_make_equal_vectors() -> None:
    assert mfn.FeatureVector.from_array(VECTOR.to_array()) == VECTOR
    assert pickle.loads(pickle.dumps(VECTOR)) == copy.deepcopy(VECTOR) == VECTOR  # noqa: S301 - our own bytes
    assert mfn.FeatureVector.from_array(np.arange(18)) != VECTOR
    assert len({VECTOR, mfn.FeatureVector.from_array(VECTOR)}) == 1


def test_text_and_rows_carry_units() -> None:
    assert VECTOR.rows()[2] == ("V_min", 1.0, "mV")
    assert len(str(VECTOR).splitlines()) == 18
    assert str(VECTOR).splitlines()[11].split() == ["E_trend", "5.5", "mV^2/step"]
    assert repr(VECTOR).startswith("FeatureVector(D_box=0.0, D_r2=0.5,")


def test_an_unknown_name_is_a_key_error() -> None:
    with pytest.raises(KeyError, match="names lists them, for the 18 also FEATURE_NAMES"):
        VECTOR["D_fox"]


@pytest.mark.parametrize("values", [range(17), range(19), "abcdefghijklmnopqr", None, 3.0])
def test_other_than_eighteen_numbers_make_no_vector(values: Any) -> None:
    with pytest.raises(mfn.InvalidInputError, match="needs 18 numbers"):
        mfn.FeatureVector.from_array(values)
