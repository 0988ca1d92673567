"""Levels of x86-64 processors, as compilers and distributions name them, and which of them this one reaches."""

from __future__ import annotations

import platform
from functools import cache
from pathlib import Path

__all__ = ["LEVELS", "levels"]

_FLAGS = {
    "x86-64-v2": "cx16 lahf_lm popcnt pni sse4_1 sse4_2 ssse3",
    "x86-64-v3": "abm avx avx2 bmi1 bmi2 f16c fma movbe xsave",
    "x86-64-v4": "avx512bw avx512cd avx512dq avx512f avx512vl",
}
LEVELS = tuple(_FLAGS)
"""Each holds the instructions of those before it."""


@cache
def levels(cpuinfo: Path = Path("/proc/cpuinfo")) -> tuple[str, ...]:
    """Return the levels that this processor reaches, the highest first; none where the system does not say.

    Code of a higher level would end the process at its first unknown instruction.
    """
    if platform.machine().lower() not in {"x86_64", "amd64"}:
        return ()
    try:
        lines = cpuinfo.read_text().splitlines()
    except OSError:
        return ()
    flags = next((set(line.partition(":")[2].split()) for line in lines if line.startswith("flags")), set())
    reached = []
    for level, needed in _FLAGS.items():
        if not set(needed.split()) <= flags:
            break
        reached.append(level)
    return tuple(reversed(reached))
