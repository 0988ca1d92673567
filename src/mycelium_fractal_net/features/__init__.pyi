from .clusters import cluster_sizes
from .config import FeatureConfig
from .correlation import correlation_length
from .extended import EXTENDED_FEATURE_UNITS, extract_extended_features
from .extract import compute_features, extract_features
from .minkowski import Minkowski, minkowski_functionals
from .spectrum import RadialSpectrum, measure_wavelength, radial_power_spectrum
from .topology import PersistenceEntropy, persistence_bars, persistence_entropy
from .transformer import FieldFeatureExtractor
from .vector import FEATURE_NAMES, FEATURE_UNITS, FeatureVector

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
