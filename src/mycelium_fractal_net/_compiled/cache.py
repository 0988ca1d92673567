"""Machine code on disk: one file for each kernel, signature and processor, which no two processes can spoil.

Numba's own cache keeps an index per source file, trusts whatever it reads, looks at one directory, wants to write to it
and overlooks changes of the functions that a kernel calls.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import pickle
import sys
import tempfile
from collections.abc import Iterator, Mapping
from functools import cached_property
from pathlib import Path
from types import FunctionType
from typing import Any

import llvmlite
import numba
import numpy as np
from numba.core.caching import _Cache
from numba.core.compiler import CompileResult
from numba.core.event import Listener, register
from numba.core.serialize import dumps

from mycelium_fractal_net._compiled.places import is_safe, places
from mycelium_fractal_net._compiled.processor import levels
from mycelium_fractal_net._compiled.stamp import stamp_of
from mycelium_fractal_net._compiled.watch import loaded, notify

__all__ = ["KernelCache"]

_VERSIONS = f"{sys.version_info[:2]} numba {numba.__version__} llvmlite {llvmlite.__version__} numpy {np.__version__}"
_DIGEST_BYTES = 32


class KernelCache(_Cache):  # type: ignore[misc] # Numba has no types
    """Cache of one kernel, in the shape that Numba's dispatchers ask for.

    Parameters
    ----------
    function : function
        Python source of the kernel.
    options : mapping
        Options of the compiler.
    """

    def __init__(self, function: FunctionType, options: Mapping[str, Any]) -> None:
        self._function = function
        self._options = options
        self._enabled = True

    @cached_property
    def _stamp(self) -> str:
        return stamp_of(self._function, self._options)

    @property
    def cache_path(self) -> str | None:
        """The directory that new machine code goes to."""
        return next((str(place.path) for place in places() if place.writable), None)

    def load_overload(self, signature: Any, target: Any) -> Any:
        """Return the compiled signature from the first directory that holds it, or None."""
        target.refresh()
        if not self._enabled:
            return None
        for place in places():
            for processor in _processors(target.codegen()):
                payload = _read(place.path / self._file_name(signature, processor))
                if payload is not None:
                    loaded(self._function.__qualname__)
                    return CompileResult._rebuild(target, *pickle.loads(payload))  # noqa: S301, SLF001 # from a safe place
        return None

    def save_overload(self, signature: Any, compiled: Any) -> None:
        """Keep a compiled signature, if anything can be written at all."""
        if not self._enabled or self.cache_path is None or not _may_be_kept(compiled):
            return
        path = Path(self.cache_path) / self._file_name(signature, compiled.codegen.magic_tuple())
        _write(path, dumps(compiled._reduce()))  # noqa: SLF001 # as Numba's caches do

    def enable(self) -> None:
        """Use the cache."""
        self._enabled = True

    def disable(self) -> None:
        """Neither read nor write."""
        self._enabled = False

    def flush(self) -> None:
        """Forget nothing: what is compiled again replaces its file."""

    def _file_name(self, signature: Any, processor: tuple[str, ...]) -> str:
        key = f"{self._stamp}\0{signature}\0{processor}\0{_VERSIONS}"
        return f"{self._function.__qualname__}-{hashlib.sha256(key.encode()).hexdigest()[:32]}.kernel"


def _processors(codegen: Any) -> Iterator[tuple[str, ...]]:
    """Yield the processors of which machine code runs here: this one, then the levels that it reaches."""
    triple, name, features = codegen.magic_tuple()
    yield triple, name, features
    if numba.config.CPU_NAME is None:
        for level in levels():
            yield triple, level, ""


def _may_be_kept(compiled: Any) -> bool:
    """Tell whether machine code is the same in every process; addresses in it would not be."""
    return not compiled.lifted and not compiled.library.has_dynamic_globals


def _read(path: Path) -> bytes | None:
    """Return what a file holds, if it is whole and nobody else could have written it."""
    try:
        if path.is_symlink() or not is_safe(path):
            return None
        content = path.read_bytes()
    except OSError:
        return None
    digest, payload = content[:_DIGEST_BYTES], content[_DIGEST_BYTES:]
    return payload if hashlib.sha256(payload).digest() == digest else None


def _write(path: Path, payload: bytes) -> None:
    """Put a whole file in place; a full disk or a directory that is gone costs another compilation, nothing else."""
    with contextlib.suppress(OSError):
        handle, scratch = tempfile.mkstemp(dir=path.parent, suffix=".tmp")
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(hashlib.sha256(payload).digest() + payload)
            Path(scratch).replace(path)
        except OSError:
            Path(scratch).unlink(missing_ok=True)
            raise


class _Compiler(Listener):  # type: ignore[misc] # Numba has no types
    """Tell who watches that a kernel of ours is compiled, and each function on the way."""

    def __init__(self) -> None:
        self._depth = 0
        self._kernel: str | None = None

    def on_start(self, event: Any) -> None:
        """Tell that a function begins to be compiled."""
        dispatcher = event.data["dispatcher"]
        if self._depth == 0:
            ours = isinstance(dispatcher._cache, KernelCache)  # noqa: SLF001 # it is what we have put there
            self._kernel = dispatcher.py_func.__qualname__ if ours else None
        self._depth += 1
        if self._kernel is not None:
            notify("begins" if self._depth == 1 else "continues", self._kernel)

    def on_end(self, _event: Any) -> None:
        """Tell that a function has been compiled, or has failed to be."""
        self._depth -= 1
        if self._kernel is not None:
            notify("ends" if self._depth == 0 else "continues", self._kernel)


register("numba:compile", _Compiler())
