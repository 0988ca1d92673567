"""A digest of all that a kernel's machine code depends on: its own bytecode and that of what it calls.

Neither times nor paths count, so a copy of the package finds the machine code of the original.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from types import CodeType, FunctionType, ModuleType
from typing import Any

import numpy as np

__all__ = ["stamp_of"]


def stamp_of(function: FunctionType, options: Mapping[str, Any]) -> str:
    """Return the digest of a function, of its compiler's options and of every function and constant it reaches.

    Parameters
    ----------
    function : function
        Python source of a kernel. What it names must be there by now.
    options : mapping
        Options of the compiler.
    """
    digest = hashlib.sha256()
    for part in _function(function, options, {}):
        digest.update(part.encode() + b"\0")
    return digest.hexdigest()


def _function(function: FunctionType, options: Mapping[str, Any], seen: dict[int, int]) -> Iterator[str]:
    if id(function) in seen:
        yield f"again {seen[id(function)]}"
        return
    seen[id(function)] = len(seen)
    yield f"function {function.__module__} {function.__qualname__}"
    yield from _value(dict(sorted(options.items())), seen)
    yield from _value(function.__defaults__, seen)
    yield from _value(tuple(cell.cell_contents for cell in function.__closure__ or ()), seen)
    names: set[str] = set()
    yield from _code(function.__code__, names, function.__doc__)
    for name in sorted(names & function.__globals__.keys()):
        yield f"global {name}"
        yield from _value(function.__globals__[name], seen)


def _code(code: CodeType, names: set[str], described: str | None = None) -> Iterator[str]:
    names.update(code.co_names)
    yield code.co_code.hex()
    yield repr((code.co_argcount, code.co_flags, code.co_names, code.co_varnames, code.co_freevars, code.co_cellvars))
    yield getattr(code, "co_exceptiontable", b"").hex()
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from _code(constant, names)
        elif not (described is not None and constant == described):
            yield from _value(constant, {})


def _value(value: Any, seen: dict[int, int]) -> Iterator[str]:
    source = getattr(value, "py_func", value)
    if isinstance(source, FunctionType):
        yield from _function(source, getattr(value, "targetoptions", {}), seen)
    elif isinstance(value, tuple | list):
        yield f"{type(value).__name__} {len(value)}"
        for item in value:
            yield from _value(item, seen)
    elif isinstance(value, frozenset | set):
        yield from sorted(repr(item) for item in value)
    elif isinstance(value, dict):
        for key, item in value.items():
            yield f"key {key}"
            yield from _value(item, seen)
    elif isinstance(value, np.ndarray):
        yield f"array {value.dtype.str} {value.shape} {value.tobytes().hex()}"
    elif isinstance(value, ModuleType | type):
        yield f"name {getattr(value, '__qualname__', value.__name__)}"
    elif isinstance(value, bool | int | float | complex | str | bytes | np.generic) or value is None or value is ...:
        yield f"{type(value).__name__} {value!r}"
    else:
        yield f"a {type(value).__name__}"
