"""From fields to numbers: the vector of 18 features, extended features, spectra, a scikit-learn transformer."""

from mycelium_fractal_net._lazy import attach

__getattr__, __dir__, __all__ = attach(__name__)
