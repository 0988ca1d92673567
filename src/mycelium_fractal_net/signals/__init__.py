"""Early warnings and changes in series of features, and in fields: what is measured, with its null distribution."""

from mycelium_fractal_net._lazy import attach

__getattr__, __dir__, __all__ = attach(__name__, extra="signals")
