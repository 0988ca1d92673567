from ._sample import Pair, Sample
from ._schema import Feature
from .clusters import cluster_sizes
from .config import REST_POTENTIAL_MV, FeatureConfig, Thresholds
from .correlation import correlation_length
from .extended import EXTENDED_FEATURE_UNITS, extract_extended_features
from .extract import extract_features
from .minkowski import Minkowski, minkowski_functionals
from .sets import FEATURE_SETS, compute_sets, feature_schema, ordered_sets
from .spectrum import RadialSpectrum, SpectralPeak, find_wavelength, measure_wavelength, radial_power_spectrum
from .topology import PersistenceEntropy, persistence_bars, persistence_entropy
from .transformer import FieldFeatureExtractor
from .vector import FEATURE_NAMES, FEATURE_UNITS, FeatureVector

__all__ = [
    "EXTENDED_FEATURE_UNITS",
    "FEATURE_NAMES",
    "FEATURE_SETS",
    "FEATURE_UNITS",
    "REST_POTENTIAL_MV",
    "Feature",
    "FeatureConfig",
    "FeatureVector",
    "FieldFeatureExtractor",
    "Minkowski",
    "Pair",
    "PersistenceEntropy",
    "RadialSpectrum",
    "Sample",
    "SpectralPeak",
    "Thresholds",
    "cluster_sizes",
    "compute_sets",
    "correlation_length",
    "extract_extended_features",
    "extract_features",
    "feature_schema",
    "find_wavelength",
    "measure_wavelength",
    "minkowski_functionals",
    "ordered_sets",
    "persistence_bars",
    "persistence_entropy",
    "radial_power_spectrum",
]
