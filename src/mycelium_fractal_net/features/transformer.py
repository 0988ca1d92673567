"""The features as a scikit-learn transformer."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from mycelium_fractal_net.errors import InvalidInputError, MissingExtraError
from mycelium_fractal_net.features.extract import extract_features
from mycelium_fractal_net.features.schema import FEATURE_NAMES, FeatureConfig

try:
    from sklearn.base import BaseEstimator, TransformerMixin
except ImportError as error:
    raise MissingExtraError.for_extra("learn", "scikit-learn") from error

__all__ = ["FieldFeatureExtractor"]


class FieldFeatureExtractor(TransformerMixin, BaseEstimator):  # type: ignore[misc] # scikit-learn ships no types
    """Turn fields or histories into the 18 features, as a step of a scikit-learn pipeline.

    Parameters
    ----------
    periodic : bool
        Whether components and boxes join across the border.
    config : FeatureConfig, optional
        Thresholds, window, connectivity, box scales.

    Examples
    --------
    >>> import numpy as np
    >>> fields = np.random.default_rng(0).normal(-65, 5, size=(4, 16, 16))
    >>> FieldFeatureExtractor().fit_transform(fields).shape
    (4, 18)
    """

    def __init__(self, *, periodic: bool = True, config: FeatureConfig | None = None) -> None:
        self.periodic = periodic
        self.config = config

    def fit(self, X: Any, y: Any = None) -> FieldFeatureExtractor:
        """Check the fields; there is nothing to learn from them.

        Parameters
        ----------
        X : array_like, shape (n, N, M) or (n, T, N, M)
            Potential in mV.
        y : ignored
        """
        _as_samples(X)
        self.n_features_out_ = len(FEATURE_NAMES)
        return self

    def transform(self, X: Any) -> NDArray[np.float64]:
        """Extract the features of each field or history.

        Parameters
        ----------
        X : array_like, shape (n, N, M) or (n, T, N, M)
            Potential in mV.

        Returns
        -------
        ndarray, shape (n, 18)
        """
        config = self.config or FeatureConfig()
        vectors = [extract_features(sample, config, self.periodic).to_array() for sample in _as_samples(X)]
        return np.stack(vectors)

    def get_feature_names_out(self, input_features: Any = None) -> NDArray[np.object_]:
        """Return the names of the 18 features; what goes in has no names."""
        return np.array(FEATURE_NAMES, dtype=object)

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.two_d_array = False
        tags.input_tags.three_d_array = True
        tags.requires_fit = False
        return tags


def _as_samples(X: Any) -> NDArray[Any]:
    try:
        samples = np.asarray(X)
    except ValueError as error:
        raise InvalidInputError(f"expected fields of one shape: {error}", field="X") from None
    if samples.ndim not in (3, 4) or len(samples) == 0:
        raise InvalidInputError(
            f"expected fields (n, N, M) or histories (n, T, N, M) with n >= 1, got shape {samples.shape}; "
            "for one field use field[None]",
            field="X",
            value=str(samples.shape),
        )
    return samples
