"""The one place that states the version."""

__all__ = ["BITS_SINCE", "__version__"]

__version__ = "0.1.0"

BITS_SINCE = "0.1.0"
"""The first version whose simulations give the bits of this one; a change of result digests moves it up."""
