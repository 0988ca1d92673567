"""Turn a traced kinetics into compiled kernels.

The kernel template, the traced reaction and a Laplacian become one Python module in memory, named by their digest.
Its machine code is kept like that of every kernel, so each kinetics compiles once per machine.
"""

from __future__ import annotations

import hashlib
import linecache
import sys
import threading
from functools import cache
from pathlib import Path
from types import ModuleType

from mycelium_fractal_net._compiled.native import library
from mycelium_fractal_net.fields._trace import Trace

__all__ = ["built_ahead", "load_kernels"]

_PLACEHOLDER = "from mycelium_fractal_net.fields._reaction import reaction\n"
_LAPLACIAN = "import five_points as laplacian\n"
_lock = threading.Lock()
_loaded: dict[tuple[Trace, str, int], ModuleType] = {}


@cache
def _template() -> str:
    return Path(__file__).with_name("_kernels.py").read_text("utf-8")


def _make_module(reaction: str, stencil: int) -> ModuleType:
    """Return the template with a reaction in place of its own; tracebacks show its lines although it is no file."""
    text = _template().replace(_PLACEHOLDER, reaction)
    name = _name_of(reaction, stencil)
    if stencil == 9:
        text = text.replace(_LAPLACIAN, _LAPLACIAN.replace("five", "nine"))
    file = f"<{name}>"
    module = ModuleType(name)
    linecache.cache[file] = (len(text), None, text.splitlines(keepends=True), file)
    sys.modules[name] = module  # Numba looks for the module of machine code that it has loaded
    exec(compile(text, file, "exec"), module.__dict__)  # noqa: S102 # our template, and arithmetic that was traced
    return module


def _name_of(reaction: str, stencil: int) -> str:
    name = f"mfn_kernels_{hashlib.sha256(reaction.encode()).hexdigest()[:20]}"
    return name if stencil == 5 else f"{name}_{stencil}"


def _reaction_of(trace: Trace, dtype: str) -> str:
    return trace.source(dtype) + "\n"


def built_ahead(trace: Trace, dtype: str, stencil: int = 5) -> bool:
    """Tell whether the kernels of a kinetics, a dtype and a stencil are there without a compilation."""
    native = library()
    return native is not None and f"{_name_of(_reaction_of(trace, dtype), stencil)}.advance_whole" in native.kernels


def load_kernels(trace: Trace, dtype: str, stencil: int = 5) -> ModuleType:
    """Return the module of kernels for a kinetics, a dtype and a stencil; what is not there compiles when called.

    Parameters
    ----------
    trace : Trace
        The recorded kinetics.
    dtype : {"float64", "float32"}
        Arithmetic of the kernels.
    stencil : {5, 9}
        Points of the Laplacian.
    """
    key = (trace, dtype, stencil)
    with _lock:
        if key not in _loaded:
            _loaded[key] = _make_module(_reaction_of(trace, dtype), stencil)
        return _loaded[key]
