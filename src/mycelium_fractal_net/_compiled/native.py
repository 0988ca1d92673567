"""Kernels built ahead: one library of machine code for each level of processors, loaded without Numba or LLVM.

A library is made by ``make kernels`` and carried by platform wheels. It holds a table of what is in it: kernels, types
of arguments and results, and a digest of the sources. Numbers are passed as they are, arrays as the objects of NumPy,
whose first fields are part of NumPy's binary interface.
"""

from __future__ import annotations

import ctypes
import hashlib
import json
import pickle
import platform
import struct
import sys
from collections.abc import Callable, Iterator
from contextlib import suppress
from functools import cache, cached_property, partial
from pathlib import Path
from typing import Any

import numpy as np

from mycelium_fractal_net._compiled.processor import LEVELS
from mycelium_fractal_net._compiled.watch import loaded

__all__ = ["DIRECTORY", "Library", "library", "library_names", "source_stamp"]

DIRECTORY = Path(__file__).with_name("libraries")
_PACKAGE = Path(__file__).parents[1]
_SOURCES = ("*/_kernels*.py", "fields/_laplacian.py", "fields/_reaction.py")
_HEADER_BYTES = 16  # of a Python object, in front of the fields that shims read
_SCALARS: dict[str, Any] = {
    "b1": ctypes.c_bool,
    "i4": ctypes.c_int32,
    "i8": ctypes.c_int64,
    "f4": ctypes.c_float,
    "f8": ctypes.c_double,
}
_SLOTS = {"b1": "q", "i8": "q", "f4": "d", "f8": "d"}
_POINTER = ctypes.c_void_p

Kind = str | list["Kind"]
"""Type of an argument or result: "f8"; "f8[2]C" for an array of two axes, C- or F-contiguous or "A" for any strides;
"stream" for a generator; a list for a tuple."""


@cache
def library() -> Library | None:
    """Return the library that is made for this processor and of these sources, the highest level first, or None."""
    if object.__basicsize__ != _HEADER_BYTES or not DIRECTORY.is_dir():
        return None
    for name in library_names():
        path = DIRECTORY / name
        if path.is_file():
            with suppress(OSError):  # made for another C library
                found = Library(path)
                if found.stamp == source_stamp() and found.runs_here:
                    return found
    return None


def library_names() -> tuple[str, ...]:
    """Return the names of the libraries for this kind of machine, the highest level first."""
    machine = platform.machine().lower() if sys.platform == "linux" else ""
    kinds = {"x86_64": reversed(LEVELS), "aarch64": ("aarch64",)}.get(machine, ())
    return tuple(f"kernels-{kind}.so" for kind in kinds)


@cache
def source_stamp() -> str:
    """Return the digest of every source of kernels, and of this file: a library made for others is not used."""
    digest = hashlib.sha256()
    kernels = (path for pattern in _SOURCES for path in _PACKAGE.glob(pattern))
    for path in (*sorted(kernels), Path(__file__)):
        digest.update(path.name.encode() + b"\0" + path.read_bytes() + b"\0")
    return digest.hexdigest()


class Library:
    """Machine code of many kernels.

    Parameters
    ----------
    path : Path
        File of the library.

    Attributes
    ----------
    stamp : str
        Of the sources it was built of.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._releasing, self._holding = ctypes.CDLL(str(path)), ctypes.PyDLL(str(path))
        table = json.loads(ctypes.string_at(ctypes.addressof(ctypes.c_char.in_dll(self._holding, "mfn_table"))))
        self.stamp: str = table["stamp"]
        self._rows: dict[str, list[Any]] = {}
        for row in table["kernels"]:
            self._rows.setdefault(row["kernel"], []).append(row)
        self._found: dict[Any, Callable[[list[Any]], Any] | None] = {}

    @property
    def runs_here(self) -> bool:
        """Whether this processor reaches the library's level; code of a higher one would end the process."""
        return bool(self._holding["mfn_runs_here"]())

    @cached_property
    def _release(self) -> Any:
        release = self._holding["mfn_release"]
        release.argtypes, release.restype = [_POINTER], None
        return release

    @property
    def kernels(self) -> frozenset[str]:
        """Names of the kernels that are there."""
        return frozenset(self._rows)

    def prepare(self, kernel: str, arguments: tuple[Any, ...]) -> Callable[[], Any] | None:
        """Return the call of a kernel with these arguments, or None where it is not there for their types."""
        if kernel not in self._rows:
            return None
        values: list[Any] = []
        kinds = _unpack(arguments, values)
        key = (kernel, kinds)
        if key not in self._found:
            self._found[key] = self._find(kernel, kinds)
        found = self._found[key]
        return None if found is None else partial(found, values)

    def _find(self, kernel: str, kinds: tuple[Any, ...]) -> Callable[[list[Any]], Any] | None:
        for row in self._rows[kernel]:
            if _accepts(row["arguments"], kinds):
                loaded(kernel.rpartition(".")[2])
                function = (self._holding if kernel.endswith(" held") else self._releasing)[row["symbol"]]
                function.argtypes = [*_ctypes_of(row["arguments"]), _POINTER]
                return _caller(function, row["returns"], self._release)
        return None


@cache
def _array_kind(dtype: np.dtype[Any], axes: int, rows: bool, columns: bool) -> str:
    return f"{dtype.str.lstrip('<|=')}[{axes}]{'C' if rows else 'F' if columns else 'A'}"


def _unpack(arguments: tuple[Any, ...], values: list[Any]) -> tuple[Any, ...]:
    """Append what a shim takes for the arguments, and return their types."""
    kinds: list[Any] = []
    for value in arguments:
        if isinstance(value, np.ndarray):
            flags = value.flags
            kinds.append(_array_kind(value.dtype, value.ndim, flags.c_contiguous, flags.f_contiguous))
            values.append(id(value))
        elif isinstance(value, tuple):
            kinds.append(_unpack(value, values))
        elif isinstance(value, bool | np.bool_):
            kinds.append("b1")
            values.append(value)
        elif isinstance(value, int | np.integer):
            kinds.append("i4" if isinstance(value, np.int32) else "i8")
            values.append(int(value))
        elif isinstance(value, float | np.floating):
            kinds.append("f4" if isinstance(value, np.float32) else "f8")
            values.append(value)
        elif isinstance(value, np.random.Generator):
            kinds.append("stream")
            values.extend(_addresses(value.bit_generator))
        else:
            kinds.append(type(value).__name__)
    return tuple(kinds)


def _addresses(bits: Any) -> tuple[Any, ...]:
    """Return the addresses of a bit generator: its own, of its state, and of the functions that draw."""
    interface = bits.ctypes
    return (interface.state_address, interface.state.value, *_functions(type(bits), interface))


_drawing: dict[type, tuple[Any, ...]] = {}


def _functions(kind: type, interface: Any) -> tuple[Any, ...]:
    if kind not in _drawing:
        drawing = (interface.next_uint64, interface.next_uint32, interface.next_double)
        _drawing[kind] = tuple(ctypes.cast(function, _POINTER).value for function in drawing)
    return _drawing[kind]


def _accepts(wanted: Kind | list[Kind], got: Any) -> bool:
    if isinstance(wanted, str) or isinstance(got, str):
        return wanted == got or (isinstance(wanted, str) and wanted[-1] == "A" and wanted[:-1] == got[:-1])
    return len(wanted) == len(got) and all(map(_accepts, wanted, got))


def _ctypes_of(kinds: list[Kind]) -> Iterator[Any]:
    for kind in kinds:
        if isinstance(kind, list):
            yield from _ctypes_of(kind)
        elif kind == "stream":
            yield from [_POINTER] * 5
        else:
            yield _SCALARS.get(kind, _POINTER)


def _caller(function: Any, returns: Kind | None, release: Any) -> Callable[[list[Any]], Any]:
    """Return what calls a shim with unpacked arguments, and makes Python objects of the numbers that it writes."""
    slots = struct.Struct("qq" + ("" if returns is None else _slots(returns)))

    def call(values: list[Any]) -> Any:
        out = ctypes.create_string_buffer(slots.size)
        if function(*values, out):
            _raise(*struct.unpack_from("qq", out))
        return None if returns is None else _result(returns, iter(slots.unpack(out)[2:]), release)

    return call


def _slots(kind: Kind) -> str:
    if isinstance(kind, list):
        return "".join(map(_slots, kind))
    return _SLOTS.get(kind) or "qq" + "q" * _axes(kind)


def _axes(kind: str) -> int:
    return int(kind.partition("[")[2][0])


def _result(kind: Kind, slots: Iterator[Any], release: Any) -> Any:
    if isinstance(kind, list):
        return tuple(_result(part, slots, release) for part in kind)
    if kind in _SCALARS:
        return bool(next(slots)) if kind == "b1" else next(slots)
    owner, address = next(slots), next(slots)
    shape = [next(slots) for _ in range(_axes(kind))]
    array = np.empty(shape, kind.partition("[")[0])
    if array.size:
        memory = (ctypes.c_char * array.nbytes).from_address(address)
        array.reshape(-1)[:] = np.frombuffer(memoryview(memory), array.dtype)
    release(owner)
    return array


def _raise(address: int, size: int) -> None:
    """Raise what a kernel has raised; the text comes from the library itself."""
    kind, arguments = pickle.loads(ctypes.string_at(address, size))[:2]  # noqa: S301 # as trusted as its machine code
    raise kind(*arguments)
