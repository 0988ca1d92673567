"""From fields to numbers: the vector of 18 features, extended features, spectra, a scikit-learn transformer."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mycelium_fractal_net.features.clusters import cluster_sizes
from mycelium_fractal_net.features.config import FeatureConfig
from mycelium_fractal_net.features.correlation import correlation_length
from mycelium_fractal_net.features.extended import EXTENDED_FEATURE_UNITS, extract_extended_features
from mycelium_fractal_net.features.extract import compute_features, extract_features
from mycelium_fractal_net.features.minkowski import Minkowski, minkowski_functionals
from mycelium_fractal_net.features.spectrum import RadialSpectrum, measure_wavelength, radial_power_spectrum
from mycelium_fractal_net.features.topology import PersistenceEntropy, persistence_bars, persistence_entropy
from mycelium_fractal_net.features.vector import FEATURE_NAMES, FEATURE_UNITS, FeatureVector

if TYPE_CHECKING:
    from mycelium_fractal_net.features.transformer import FieldFeatureExtractor

__all__ = [
    "EXTENDED_FEATURE_UNITS",
    "FEATURE_NAMES",
    "FEATURE_UNITS",
    "FeatureConfig",
    "FeatureVector",
    "FieldFeatureExtractor",
    "Minkowski",
    "PersistenceEntropy",
    "RadialSpectrum",
    "cluster_sizes",
    "compute_features",
    "correlation_length",
    "extract_extended_features",
    "extract_features",
    "measure_wavelength",
    "minkowski_functionals",
    "persistence_bars",
    "persistence_entropy",
    "radial_power_spectrum",
]


def __getattr__(name: str) -> Any:
    """Load the transformer when it is asked for: it needs scikit-learn."""
    if name == "FieldFeatureExtractor":
        from mycelium_fractal_net.features.transformer import FieldFeatureExtractor

        return FieldFeatureExtractor
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
