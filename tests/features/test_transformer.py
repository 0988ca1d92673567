"""FieldFeatureExtractor as scikit-learn would have it."""

import importlib
import pickle
import sys
from typing import Any

import numpy as np
import pytest
from scipy.sparse import csr_array
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.model_selection import GridSearchCV
from sklearn.naive_bayes import GaussianNB
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.estimator_checks import check_estimator
from sklearn.utils.validation import check_is_fitted, validate_data

import mycelium_fractal_net as mfn
from tests.features import reference

FIELDS = np.stack([reference.history(4, 24, 24, seed)[-1] for seed in range(6)])
HISTORIES = np.stack([reference.history(12, 24, 20, seed) for seed in range(3)])
ROOM = "mycelium_fractal_net.features.transformer"


class OneRowFields(mfn.FieldFeatureExtractor):
    """Take each row of a table for a field of one row: scikit-learn's checks know tables only."""

    def fit(self, X: Any, y: Any = None) -> Any:
        return super().fit(validate_data(self, X)[:, None, :], y)

    def transform(self, X: Any) -> Any:
        check_is_fitted(self)
        return super().transform(validate_data(self, X, reset=False)[:, None, :])

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.two_d_array = True
        return tags


@pytest.mark.filterwarnings("ignore:Can't test estimator FieldFeatureExtractor which requires input")
def test_scikit_learns_checks_pass_as_far_as_they_know_fields() -> None:
    outcomes = check_estimator(mfn.FieldFeatureExtractor(), on_skip=None)
    assert {outcome["status"] for outcome in outcomes} <= {"passed", "skipped"}
    assert any(outcome["status"] == "passed" for outcome in outcomes)


def test_all_other_checks_pass_on_fields_of_one_row() -> None:
    outcomes = check_estimator(OneRowFields(), on_skip=None, on_fail=None)
    failed = {outcome["check_name"]: outcome["exception"] for outcome in outcomes if outcome["status"] == "failed"}
    assert failed == {}
    assert sum(outcome["status"] == "passed" for outcome in outcomes) >= 35


@pytest.mark.parametrize("samples", [FIELDS, HISTORIES], ids=["fields", "histories"])
@pytest.mark.parametrize("n_jobs", [None, 1, 3, -1])
def test_rows_are_the_features_of_the_samples(samples: np.ndarray, n_jobs: int | None) -> None:
    rows = mfn.FieldFeatureExtractor(n_jobs=n_jobs).fit_transform(samples)
    assert np.array_equal(rows, [mfn.extract_features(sample).to_array() for sample in samples])


def test_configuration_and_boundary_reach_the_features() -> None:
    config = mfn.FeatureConfig(connectivity=8, active_threshold_mv=-61.0)
    rows = mfn.FieldFeatureExtractor(config, periodic=False).fit_transform(FIELDS)
    assert np.array_equal(rows[2], mfn.extract_features(FIELDS[2], config, periodic=False).to_array())


def test_names_come_out_and_pandas_gets_them() -> None:
    extractor = mfn.FieldFeatureExtractor().set_output(transform="pandas")
    table = extractor.fit_transform(FIELDS)
    assert tuple(table.columns) == mfn.FEATURE_NAMES == tuple(extractor.get_feature_names_out())
    assert table.shape == (6, 18)


def test_it_is_a_stage_of_a_pipeline_that_can_be_searched() -> None:
    pipeline = make_pipeline(mfn.FieldFeatureExtractor(), StandardScaler(), GaussianNB())
    pipeline.set_output(transform="pandas")
    grid = {"fieldfeatureextractor__config": [mfn.FeatureConfig(), mfn.FeatureConfig(connectivity=8)]}
    labels = FIELDS.mean(axis=(1, 2)) > np.median(FIELDS.mean(axis=(1, 2)))
    search = GridSearchCV(pipeline, grid, cv=2).fit(FIELDS, labels)
    assert search.predict(FIELDS).shape == (6,)


def test_it_clones_and_pickles() -> None:
    extractor = mfn.FieldFeatureExtractor(mfn.FeatureConfig(connectivity=8), periodic=False, n_jobs=2).fit(FIELDS)
    again = pickle.loads(pickle.dumps(extractor))  # noqa: S301 - our own bytes
    assert clone(extractor).get_params() == extractor.get_params() == again.get_params()
    assert np.array_equal(again.transform(FIELDS), extractor.transform(FIELDS))


def test_it_wants_to_be_fitted_first() -> None:
    with pytest.raises(NotFittedError, match="not fitted yet"):
        mfn.FieldFeatureExtractor().transform(FIELDS)


@pytest.mark.parametrize("other", [FIELDS[:, :20], HISTORIES])
def test_samples_of_another_shape_are_refused(other: np.ndarray) -> None:
    with pytest.raises(mfn.InvalidInputError, match="was fitted to"):
        mfn.FieldFeatureExtractor().fit(FIELDS).transform(other)


def test_histories_of_another_length_are_welcome() -> None:
    extractor = mfn.FieldFeatureExtractor().fit(HISTORIES)
    assert extractor.transform(HISTORIES[:, :5]).shape == (3, 18)


@pytest.mark.parametrize(
    "samples", [np.zeros((4, 4)), np.zeros((0, 4, 4)), np.full((2, 4, 4), np.nan), FIELDS > 0, [["a"]], None]
)
def test_what_are_not_fields_is_refused(samples: Any) -> None:
    with pytest.raises(mfn.InvalidInputError, match="X must "):
        mfn.FieldFeatureExtractor().fit(samples)


@pytest.mark.parametrize("n_jobs", [0, -2, 1.5, True, "2"])
def test_n_jobs_is_a_number_of_threads(n_jobs: Any) -> None:
    with pytest.raises(mfn.InvalidInputError, match="n_jobs must be None, -1 or a number of threads"):
        mfn.FieldFeatureExtractor(n_jobs=n_jobs).fit_transform(FIELDS)


def test_without_scikit_learn_the_error_names_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "sklearn.base", None)
    monkeypatch.delitem(sys.modules, ROOM, raising=False)
    with pytest.raises(mfn.MissingExtraError, match=r'pip install "mycelium-fractal-net\[learn\]"'):
        importlib.import_module(ROOM)


def test_the_room_has_no_other_late_names() -> None:
    room = importlib.import_module("mycelium_fractal_net.features")
    with pytest.raises(AttributeError, match="has no attribute 'FieldExtractor'"):
        _ = room.FieldExtractor


def test_sparse_matrices_are_refused() -> None:
    with pytest.raises(mfn.InvalidInputError, match="not a sparse matrix"):
        mfn.FieldFeatureExtractor().fit(csr_array(np.eye(3)))
