"""Jobs in, events out, secrets: what connects MFN to other systems. It needs the extra ``server``."""

from mycelium_fractal_net._lazy import attach

__getattr__, __dir__, __all__ = attach(__name__, extra="server")
