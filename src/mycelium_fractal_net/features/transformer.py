"""The features as a scikit-learn transformer; the only module here that needs scikit-learn."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Self, TypeAlias

import numpy as np
from numpy.typing import NDArray

from mycelium_fractal_net._checks import available_cores, is_whole, refusal
from mycelium_fractal_net.errors import InvalidInputError, MissingExtraError
from mycelium_fractal_net.features._potentials import as_fields
from mycelium_fractal_net.features.config import FeatureConfig
from mycelium_fractal_net.features.extract import extract_features
from mycelium_fractal_net.features.sets import feature_schema

try:
    from sklearn.base import BaseEstimator, TransformerMixin
    from sklearn.utils.validation import check_is_fitted
except ImportError as error:
    raise MissingExtraError.for_extra("learn", "scikit-learn") from error

__all__ = ["FieldFeatureExtractor"]

Samples: TypeAlias = NDArray[np.floating[Any]] | Sequence[Any]


class FieldFeatureExtractor(TransformerMixin, BaseEstimator):  # type: ignore[misc] # scikit-learn has no types
    """Turn each field, history of fields, or result, into features: a stage for a scikit-learn pipeline.

    Parameters
    ----------
    config : FeatureConfig, optional
        Thresholds, window, connectivity, box scales.
    periodic : bool
        Whether opposite edges touch.
    n_jobs : int, optional
        Threads that share the samples; None means 1 and -1 one for each core. The kernels run without the
        interpreter's lock. The result does not depend on it.
    sets : sequence of str
        Which feature sets, see :func:`mycelium_fractal_net.extract_features`; the 18 by default. ``events`` needs
        histories or results, ``activator`` results.

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

    def __init__(
        self,
        config: FeatureConfig | None = None,
        periodic: bool = True,
        n_jobs: int | None = None,
        sets: Sequence[str] = ("core",),
    ) -> None:
        self.config = config
        self.periodic = periodic
        self.n_jobs = n_jobs
        self.sets = sets

    def fit(self, X: Any, y: Any = None) -> Self:  # noqa: ARG002 # scikit-learn's interface
        """Check the samples and remember their shape.

        Parameters
        ----------
        X : array, shape (n, rows, columns) or (n, T, rows, columns), or sequence of results
            Potentials in mV, or what simulations left, whose pair and steps are then used.
        y : object
            Ignored.
        """
        samples = _as_samples(X)
        self.sample_shape_ = _shape_of(samples[0])
        self.n_features_in_ = self.sample_shape_[-1]
        return self

    def transform(self, X: Any) -> NDArray[np.float64]:
        """Return the features of each sample, (n, 18), or as many as the sets have.

        Parameters
        ----------
        X : array, shape (n, rows, columns) or (n, T, rows, columns), or sequence of results
            Potentials in mV, or what simulations left, whose pair and steps are then used.

        Raises
        ------
        NotFittedError
            Before ``fit``.
        InvalidInputError
            For samples that are not fields, or of another shape than those fitted.
        """
        check_is_fitted(self)
        samples = _as_samples(X)
        for shape in {_shape_of(sample) for sample in samples}:
            if (len(shape), shape[-2:]) != (len(self.sample_shape_), self.sample_shape_[-2:]):
                raise InvalidInputError(
                    f"X has samples of shape {shape}, but {type(self).__name__} was fitted to "
                    f"{self.sample_shape_}; fit it again, or crop the fields to that shape"
                )
        return np.stack(self._rows(samples))

    def _rows(self, samples: Samples) -> list[NDArray[np.float64]]:
        def extract(sample: Any) -> NDArray[np.float64]:
            if self.config is None:
                return extract_features(sample, periodic=self.periodic, sets=self.sets).to_array()
            return extract_features(sample, self.config, self.periodic, sets=self.sets).to_array()

        threads = _threads(self.n_jobs)
        if threads == 1:
            return [extract(sample) for sample in samples]
        with ThreadPoolExecutor(threads, thread_name_prefix="mfn-features") as pool:
            return list(pool.map(extract, samples))

    def get_feature_names_out(self, input_features: Any = None) -> NDArray[np.object_]:  # noqa: ARG002 # as above
        """Return the names of the features."""
        return np.asarray([feature.name for feature in feature_schema(self.sets)], dtype=object)

    def __sklearn_tags__(self) -> Any:
        """Say what it takes: arrays of three dimensions, and no fit is needed but for the shape."""
        tags = super().__sklearn_tags__()
        tags.input_tags.two_d_array = False
        tags.input_tags.three_d_array = True
        tags.requires_fit = True
        return tags


def _as_samples(X: Any) -> Samples:
    if hasattr(X, "toarray"):
        raise refusal("X", "a dense array of fields, not a sparse matrix", type(X).__name__)
    if isinstance(X, Sequence) and len(X) > 0 and all(hasattr(sample, "step_statistics") for sample in X):
        return X
    return as_fields("X", X, (3, 4))


def _shape_of(sample: Any) -> tuple[int, ...]:
    return tuple(sample.field_mv.shape if hasattr(sample, "step_statistics") else sample.shape)


def _threads(n_jobs: int | None) -> int:
    if n_jobs is None:
        return 1
    if not is_whole(n_jobs) or n_jobs == 0 or n_jobs < -1:
        raise refusal("n_jobs", "None, -1 or a number of threads from 1", n_jobs)
    return available_cores() if n_jobs == -1 else int(n_jobs)
