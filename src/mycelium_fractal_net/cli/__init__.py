"""The command line, ``mfn``: a thin caller of the Python functions."""

from mycelium_fractal_net.cli._main import main

__all__ = ["main"]
