"""The features as a scikit-learn transformer; the only module here that needs scikit-learn."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from mycelium_fractal_net._checks import available_cores, is_whole, refusal
from mycelium_fractal_net.errors import InvalidInputError, MissingExtraError
from mycelium_fractal_net.features._potentials import as_fields
from mycelium_fractal_net.features.config import FeatureConfig
from mycelium_fractal_net.features.extract import extract_features
from mycelium_fractal_net.features.vector import FEATURE_NAMES

try:
    from sklearn.base import BaseEstimator, TransformerMixin
    from sklearn.utils.validation import check_is_fitted
except ImportError as error:
    raise MissingExtraError.for_extra("learn", "scikit-learn") from error

__all__ = ["FieldFeatureExtractor"]


class FieldFeatureExtractor(TransformerMixin, BaseEstimator):  # type: ignore[misc] # scikit-learn has no types
    """Turn each field, or each history of fields, into the 18 features: a stage for a scikit-learn pipeline.

    Parameters
    ----------
    config : FeatureConfig, optional
        Thresholds, window, connectivity, box scales.
    periodic : bool
        Whether opposite edges touch.
    n_jobs : int, optional
        Threads that share the samples; None means 1 and -1 one for each core. The kernels run without the
        interpreter's lock. The result does not depend on it.

    Attributes
    ----------
    n_features_in_ : int
        Columns of the fields that it was fitted to.
    sample_shape_ : tuple of int
        Shape of a sample that it was fitted to.

    Notes
    -----
    Stateless: ``fit`` only checks its input and remembers the shape, which ``transform`` then requires; only the
    number of frames of a history may differ.

    Examples
    --------
    >>> import numpy as np
    >>> fields = np.random.default_rng(1).normal(-65.0, 5.0, (3, 32, 32))
    >>> extractor = FieldFeatureExtractor().fit(fields)
    >>> extractor.transform(fields).shape, str(extractor.get_feature_names_out()[0])
    ((3, 18), 'D_box')
    """

    def __init__(self, config: FeatureConfig | None = None, periodic: bool = True, n_jobs: int | None = None) -> None:
        self.config = config
        self.periodic = periodic
        self.n_jobs = n_jobs

    def fit(self, X: Any, y: Any = None) -> Self:  # noqa: ARG002 # scikit-learn's interface
        """Check the samples and remember their shape.

        Parameters
        ----------
        X : array, shape (n, rows, columns) or (n, T, rows, columns)
            Potentials in mV.
        y : object
            Ignored.
        """
        samples = _as_samples(X)
        self.sample_shape_ = samples.shape[1:]
        self.n_features_in_ = samples.shape[-1]
        return self

    def transform(self, X: Any) -> NDArray[np.float64]:
        """Return the features of each sample, (n, 18).

        Parameters
        ----------
        X : array, shape (n, rows, columns) or (n, T, rows, columns)
            Potentials in mV.

        Raises
        ------
        NotFittedError
            Before ``fit``.
        InvalidInputError
            For samples that are not fields, or of another shape than those fitted.
        """
        check_is_fitted(self)
        samples = _as_samples(X)
        if (samples.ndim - 1, samples.shape[-2:]) != (len(self.sample_shape_), self.sample_shape_[-2:]):
            raise InvalidInputError(
                f"X has samples of shape {samples.shape[1:]}, but {type(self).__name__} was fitted to "
                f"{self.sample_shape_}; fit it again, or crop the fields alike"
            )
        return np.stack(self._rows(samples))

    def _rows(self, samples: NDArray[np.floating[Any]]) -> list[NDArray[np.float64]]:
        config = FeatureConfig() if self.config is None else self.config

        def extract(sample: NDArray[np.floating[Any]]) -> NDArray[np.float64]:
            return extract_features(sample, config, self.periodic).to_array()

        threads = _threads(self.n_jobs)
        if threads == 1:
            return [extract(sample) for sample in samples]
        with ThreadPoolExecutor(threads, thread_name_prefix="mfn-features") as pool:
            return list(pool.map(extract, samples))

    def get_feature_names_out(self, input_features: Any = None) -> NDArray[np.object_]:  # noqa: ARG002 # as above
        """Return the names of the 18 features."""
        return np.asarray(FEATURE_NAMES, dtype=object)

    def __sklearn_tags__(self) -> Any:
        """Say what it takes: arrays of three dimensions, and no fit is needed but for the shape."""
        tags = super().__sklearn_tags__()
        tags.input_tags.two_d_array = False
        tags.input_tags.three_d_array = True
        tags.requires_fit = True
        return tags


def _as_samples(X: Any) -> NDArray[np.floating[Any]]:
    if hasattr(X, "toarray"):
        raise refusal("X", "a dense array of fields, not a sparse matrix", type(X).__name__)
    return as_fields("X", X, (3, 4))


def _threads(n_jobs: int | None) -> int:
    if n_jobs is None:
        return 1
    if not is_whole(n_jobs) or n_jobs == 0 or n_jobs < -1:
        raise refusal("n_jobs", "None, -1 or a number of threads from 1", n_jobs)
    return available_cores() if n_jobs == -1 else int(n_jobs)
