"""How kernels become machine code: built ahead where a library is at hand, else compiled when they are first called."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

__all__ = ["njit"]


def njit(**options: Any) -> Callable[[Any], Any]:
    """Return a decorator that makes a kernel of a function.

    Called from Python, a kernel runs machine code that was built ahead, see :mod:`.native`. What is not there is
    compiled with Numba at its first call, and kept for every process after, see :mod:`.cache`.

    Parameters
    ----------
    **options
        Those of ``numba.njit``, without ``cache``: machine code is always kept.
    """
    from mycelium_fractal_net._compiled.kernel import Kernel  # NumPy stays away from those who only watch

    return lambda function: Kernel(function, options)
