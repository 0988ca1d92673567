"""Kernels that a request needs and nobody has compiled yet: compiled beside the service, by a process of its own."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Callable
from contextlib import suppress
from typing import NamedTuple

from mycelium_fractal_net._compiled.places import places_of
from mycelium_fractal_net.fields import SimulationConfig

__all__ = ["COST", "Family", "Kernels", "compile_family", "family_of"]

COST = 500_000_000
"""Cell steps that a compilation counts as: what is computed in the time that it takes, about half a minute."""

_LONGEST_S = 600.0
_NICE = 5
_CODE = (
    "import sys; from mycelium_fractal_net.service.core.compilation import compile_family; compile_family(sys.argv[1])"
)


class Family(NamedTuple):
    """What the kernels of a simulation are compiled for."""

    kinetics: str
    dtype: str
    quantum_jitter: bool
    turing_enabled: bool
    boundary: str


def family_of(config: SimulationConfig) -> Family:
    """Return the kernels that a simulation needs.

    Examples
    --------
    >>> family_of(SimulationConfig(kinetics="gray-scott")).kinetics
    'gray-scott'
    """
    return Family(config.kinetics, config.dtype, config.quantum_jitter, config.turing_enabled, config.boundary)


class Kernels:
    """Which kernels are compiled, and their compilation.

    A process compiles one family at a time, and fills the cache on disk that this process then reads: no compute thread
    waits, and the GIL is not held. Where the cache cannot be written, the thread that needs kernels compiles them.

    Parameters
    ----------
    compiled : callable
        Called for every compilation that has begun.
    """

    def __init__(self, compiled: Callable[[], object] = lambda: None) -> None:
        self._known: set[Family] = set()
        self._running: dict[Family, asyncio.Task[None]] = {}
        self._waiting: dict[Family, int] = {}
        self._one = asyncio.Semaphore(1)
        self._compiled = compiled

    def know(self, config: SimulationConfig) -> None:
        """Note that a simulation was done here: its kernels are compiled."""
        self._known.add(family_of(config))

    def missing(self, config: SimulationConfig) -> bool:
        """Tell whether the kernels of a simulation may have to be compiled first."""
        return family_of(config) not in self._known

    async def ready(self, config: SimulationConfig) -> None:
        """Wait until the kernels of a simulation are there; when all who wait have left, the compilation ends.

        Cancel the task to leave.
        """
        family = family_of(config)
        if family in self._known:
            return
        if family not in self._running:
            self._running[family] = asyncio.create_task(self._compile(family, config))
        self._waiting[family] = self._waiting.get(family, 0) + 1
        try:
            await asyncio.shield(self._running[family])
        finally:
            self._waiting[family] -= 1
            if not self._waiting[family]:
                del self._waiting[family]
                self._running.pop(family).cancel()

    async def _compile(self, family: Family, config: SimulationConfig) -> None:
        if any(place.writable for place in places_of(os.environ)):
            async with self._one:
                self._compiled()
                await _in_process(config)
        self._known.add(family)


async def _in_process(config: SimulationConfig) -> None:
    """Compile in another process, which is killed when this task is cancelled."""
    small = config.model_copy(update={"grid_size": 16, "steps": 2})
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-c",
        _CODE,
        small.model_dump_json(),
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.DEVNULL,
        start_new_session=True,  # a terminal's Ctrl-C is for the service
    )
    try:
        async with asyncio.timeout(_LONGEST_S):
            await process.wait()
    except TimeoutError:
        pass
    finally:
        with suppress(ProcessLookupError):
            process.kill()


def compile_family(text: str) -> None:
    """Compile what a simulation needs, and leave the processor to those who serve; called in that process."""
    from mycelium_fractal_net.fields import simulate

    with suppress(OSError):
        os.nice(_NICE)
    _ = simulate(SimulationConfig.model_validate_json(text), threads=1).features
