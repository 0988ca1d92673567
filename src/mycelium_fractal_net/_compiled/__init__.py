"""How kernels become machine code: compiled when they are first called, and kept on disk for every process after."""

from __future__ import annotations

from typing import Any

__all__ = ["njit"]


def njit(**options: Any) -> Any:
    """Return a decorator that compiles a function with Numba at its first call.

    All kernels of the package share one cache, see :mod:`mycelium_fractal_net._compiled.cache`.

    Parameters
    ----------
    **options
        Those of ``numba.njit``, without ``cache``: machine code is always kept.
    """

    def decorate(function: Any) -> Any:
        from numba import njit as compile_lazily

        from mycelium_fractal_net._compiled.cache import KernelCache

        dispatcher = compile_lazily(**options)(function)
        dispatcher._cache = KernelCache(function, options)  # noqa: SLF001 # where Numba puts its own
        return dispatcher

    return decorate
