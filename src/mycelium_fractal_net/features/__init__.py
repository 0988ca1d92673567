"""Fields to numbers: the 18 features, their extraction from arrays, spectra and a scikit-learn transformer."""

from typing import TYPE_CHECKING, Any

from mycelium_fractal_net.features.extract import compute_features, extract_features
from mycelium_fractal_net.features.schema import FEATURE_NAMES, FEATURE_UNITS, FeatureConfig, FeatureVector
from mycelium_fractal_net.features.spectrum import measure_wavelength, radial_power_spectrum
from mycelium_fractal_net.features.temporal import step_statistics_of

if TYPE_CHECKING:
    from mycelium_fractal_net.features.transformer import FieldFeatureExtractor

__all__ = [
    "FEATURE_NAMES",
    "FEATURE_UNITS",
    "FeatureConfig",
    "FeatureVector",
    "FieldFeatureExtractor",
    "compute_features",
    "extract_features",
    "measure_wavelength",
    "radial_power_spectrum",
    "step_statistics_of",
]


def __getattr__(name: str) -> Any:
    if name == "FieldFeatureExtractor":
        from mycelium_fractal_net.features.transformer import FieldFeatureExtractor

        return FieldFeatureExtractor
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
