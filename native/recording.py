"""Which kernels Python calls, and LLVM's code of them before a machine's is made of it.

Making machine code leaves its marks in LLVM's code: instructions of one processor, that another has not.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from unittest.mock import patch

import numba
from numba.core.codegen import CPUCodeLibrary

from mycelium_fractal_net._compiled.cache import KernelCache
from mycelium_fractal_net._compiled.kernel import Kernel

__all__ = ["module_of", "record"]

_finalize = CPUCodeLibrary._finalize_final_module
_for_linking = CPUCodeLibrary._get_module_for_linking


def _keep(self: Any) -> None:
    self.kept = self._final_module.clone()
    _finalize(self)


def _link_kept(self: Any) -> Any:
    self._ensure_finalized()
    kept = getattr(self, "kept", self._final_module)  # Numba's own run time may be older than this module
    with patch.object(self, "_final_module", kept):
        return _for_linking(self)


def module_of(library: Any) -> Any:
    """Return a copy of LLVM's code of a compiled function and of all that it calls."""
    return _link_kept(library).clone()


@contextmanager
def record(prefix: str = "") -> Iterator[dict[tuple[str, Any], Any]]:
    """Compile the kernels of a prefix that are called meanwhile; others, and what they call, run as Python.

    Yields what Python calls: names and types, results of the compiler.
    """
    used: dict[tuple[str, Any], Any] = {}
    interpreted = threading.local()

    def call(self: Kernel, *arguments: Any) -> Any:
        if getattr(interpreted, "now", False) or not self.name.startswith(prefix):
            with patch.object(interpreted, "now", True, create=True):
                return self.py_func(*arguments)
        result = self.dispatcher(*arguments)
        types = tuple(map(numba.typeof, arguments))
        used[self.name, types] = self.dispatcher.overloads[types]
        return result

    with (
        patch.object(Kernel, "__call__", call),
        patch.object(KernelCache, "load_overload", lambda *_: None),
        patch.object(KernelCache, "save_overload", lambda *_: None),
        patch.object(CPUCodeLibrary, "_finalize_final_module", _keep),
        patch.object(CPUCodeLibrary, "_get_module_for_linking", _link_kept),
    ):
        yield used
