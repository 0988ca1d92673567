"""The service, which needs the extra ``server``: settings, keys, the application, the process, the description."""

from mycelium_fractal_net._lazy import attach

__getattr__, __dir__, __all__ = attach(__name__, extra="server")
