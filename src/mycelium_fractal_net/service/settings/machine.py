"""What the machine, or the container, has."""

from __future__ import annotations

import ctypes
import os
from contextlib import suppress
from pathlib import Path

__all__ = ["available_bytes", "default_budget", "return_large_blocks"]

_LEAST = 64 * 2**20
_SHARE = 1 / 3  # of what the process does not need itself: pieces of bodies leave holes in the heap, of their size
_OWN = 320 * 2**20  # the interpreter, NumPy, Numba and the compiled kernels
_UNLIMITED = 2**60  # what the first version of cgroups says where there is no limit
_M_MMAP_THRESHOLD, _M_ARENA_MAX = -3, -8  # of malloc.h
_LARGE = 4 * 2**20
_ARENAS = 2
_FILES = ("memory.max", "memory.high", "memory.limit_in_bytes")


def available_bytes(root: Path = Path("/")) -> int:
    """Return the memory that this process may have: of its control group, its parents, or the machine.

    Parameters
    ----------
    root : Path
        Where ``proc`` and ``sys`` are.
    """
    found = [os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")]
    for directory in _groups(root):
        found += [size for name in _FILES if (size := _number(directory / name)) is not None]
    return min(found)


def default_budget(root: Path = Path("/")) -> int:
    """Return a third of what there is beside the program itself, at least 64 MiB."""
    return max(_LEAST, int(_SHARE * (available_bytes(root) - _OWN)))


def return_large_blocks() -> None:
    """Have the C library give large blocks back to the system when they are freed.

    glibc raises the size from which it does with every such block, up to 32 MiB: what uploads leave behind then stays
    in the heaps of the threads, where it counts against the control group and fits nothing.
    """
    with suppress(OSError, AttributeError):  # another C library
        library = ctypes.CDLL(None)
        library.mallopt(_M_MMAP_THRESHOLD, _LARGE)
        library.mallopt(_M_ARENA_MAX, _ARENAS)


def _groups(root: Path) -> list[Path]:
    """Return the directories of this process's control groups and of those around them, whatever their version."""
    base = root / "sys/fs/cgroup"
    try:
        lines = (root / "proc/self/cgroup").read_text("utf-8").splitlines()
    except (OSError, ValueError):
        return [base]
    found = [base]
    for line in lines:
        if line.count(":") < 2:
            continue
        _, controllers, path = line.split(":", 2)
        if controllers and "memory" not in controllers.split(","):
            continue
        inside = (base / "memory" if controllers else base) / path.lstrip("/")
        found += [inside, *(parent for parent in inside.parents if parent.is_relative_to(base))]
    return found


def _number(path: Path) -> int | None:
    try:
        value = int(path.read_text("utf-8"))
    except (OSError, ValueError):  # "max", or no such file
        return None
    return value if 0 < value < _UNLIMITED else None
