"""A function that is machine code: built ahead, or compiled when it must be."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from importlib.util import find_spec
from types import FunctionType
from typing import Any

from mycelium_fractal_net._compiled.native import library
from mycelium_fractal_net.errors import MissingExtraError

__all__ = ["Kernel", "require_compiler"]


def require_compiler() -> None:
    """Refuse to go on without Numba.

    Raises
    ------
    MissingExtraError
        It says how to install what compiles.
    """
    if find_spec("numba") is None:
        raise MissingExtraError.for_extra("jit", "numba")


class Kernel:
    """A compiled function, which other kernels may call as well.

    Numba is imported when a call needs it, not before.

    Parameters
    ----------
    function : function
        Python source of the kernel.
    options : mapping
        Options of ``numba.njit``.
    """

    def __init__(self, function: FunctionType, options: Mapping[str, Any]) -> None:
        self.py_func = function
        self.targetoptions = dict(options)
        self.__doc__ = function.__doc__
        self.__wrapped__ = function
        held = "" if options.get("nogil") else " held"
        self.name = f"{function.__module__}.{function.__qualname__}{held}"

    def __call__(self, *arguments: Any) -> Any:
        """Compute with machine code for the types of these arguments."""
        native = library()
        if native is not None:
            found = native.prepare(self.name, arguments)
            if found is not None:
                return found()
        return self.dispatcher(*arguments)

    @cached_property
    def dispatcher(self) -> Any:
        """What compiles the kernel just in time."""
        require_compiler()
        from numba import njit

        from mycelium_fractal_net._compiled.cache import KernelCache

        dispatcher = njit(**self.targetoptions)(self.py_func)
        dispatcher._cache = KernelCache(self.py_func, self.targetoptions)  # noqa: SLF001 # where Numba puts its own
        return dispatcher

    @property
    def signatures(self) -> list[Any]:
        """Types that the kernel was compiled for in this process."""
        return list(self.dispatcher.signatures) if "dispatcher" in vars(self) else []

    @property
    def _numba_type_(self) -> Any:
        """What Numba asks of a global that a kernel calls."""
        return self.dispatcher._numba_type_  # the same question, passed on
