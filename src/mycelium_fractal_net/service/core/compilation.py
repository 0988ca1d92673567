"""Kernels that a request needs and nobody has compiled yet: compiled beside the service, by a process of its own."""

from __future__ import annotations

import asyncio
import hashlib
import os
import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from mycelium_fractal_net._compiled.places import places_of
from mycelium_fractal_net._version import __version__
from mycelium_fractal_net.fields import SimulationConfig, get_kinetics, list_kinetics
from mycelium_fractal_net.fields._compile import built_ahead
from mycelium_fractal_net.service.core.errors import ServiceError

__all__ = ["COST", "SELF_CHECK", "Family", "Kernels", "Needed", "compile_family", "family_of"]

COST = 500_000_000
"""Cell steps that a compilation counts as: what is computed in the time that it takes, about half a minute."""

_LONGEST_S = 600.0
_NICE = 5
_WARM = "mycelium"
_CODE = (
    "import sys; from mycelium_fractal_net.service.core.compilation import compile_family; compile_family(sys.argv[1])"
)


class Family(NamedTuple):
    """What the kernels of a simulation are compiled for."""

    kinetics: str
    dtype: str
    quantum_jitter: bool
    stencil: int
    scheme: str


SELF_CHECK = Family("every", "float64", False, 5, "plain")
"""A few kernels of every kinetics, those of aggregation and of the exponent."""

Needed = SimulationConfig | None
"""Whose kernels are needed: those of a simulation, or, for None, of the scientific self-check."""


def family_of(config: Needed) -> Family:
    """Return the kernels that a simulation, or the self-check, needs.

    Examples
    --------
    >>> family_of(SimulationConfig(kinetics="gray-scott")).kinetics
    'gray-scott'
    """
    if config is None:
        return SELF_CHECK
    method = config.method
    scheme = "plain" if method.plain else method.scheme
    return Family(config.kinetics, config.dtype, config.quantum_jitter, config.stencil, scheme)


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

    def know(self, config: Needed) -> None:
        """Note that it was done here: its kernels are compiled."""
        self._known.add(family_of(config))

    def missing(self, config: Needed) -> bool:
        """Tell whether kernels may have to be compiled first; those built ahead or warmed up are there."""
        family = family_of(config)
        if (family.kinetics, *family[3:]) == (_WARM, 5, "plain") or family in self._known:
            return False
        if config is None:
            return not all(built_ahead(get_kinetics(name).trace, family.dtype) for name in list_kinetics())
        return not built_ahead(config.model.trace, config.dtype, config.stencil)

    def would_begin(self, config: Needed) -> bool:
        """Tell whether a compilation begins with the next who waits for these kernels."""
        family = family_of(config)
        if not self.missing(config) or family in self._running:
            return False
        mark = _mark(family, config)
        return mark is not None and not mark.exists()

    async def ready(self, config: Needed) -> None:
        """Wait until kernels are there; when all who wait have left, the compilation ends. Cancel the task to leave.

        Raises
        ------
        ServiceError
            SERVICE_UNAVAILABLE where no process can be started.
        """
        family = family_of(config)
        if not self.missing(config):
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
                running = self._running.pop(family)
                running.cancel()
                await asyncio.wait({running})

    async def _compile(self, family: Family, config: Needed) -> None:
        mark = _mark(family, config)
        if mark is not None and not mark.exists():
            async with self._one:
                self._compiled()
                if await _in_process(config):
                    with suppress(OSError):
                        mark.touch()
        self._known.add(family)


def _mark(family: Family, config: Needed) -> Path | None:
    """Return the file that says that a family is in the cache on disk; None where there is no such cache.

    One that says so wrongly costs a compilation in the thread that computes.
    """
    place = next((place.path for place in places_of(os.environ) if place.writable), None)
    if place is None:
        return None
    source = "" if config is None else config.model.trace.source(config.dtype)
    digest = hashlib.sha256(f"{family}\0{source}\0{__version__}\0{sys.version_info[:2]}".encode()).hexdigest()[:20]
    return place / f"family-{digest}.done"


def _small(config: SimulationConfig) -> SimulationConfig:
    """Return a short run that needs the same kernels."""
    shorter = {"grid_size": 16 * config.resolution, "domain": None, "steps": 2, "schedule": (), "stimuli": ()}
    return config.model_copy(update={**shorter, "start": "noise", "start_digest": None})


async def _in_process(config: Needed) -> bool:
    """Compile in another process, which is killed when this task is cancelled; tell whether it succeeded."""
    text = "" if config is None else _small(config).model_dump_json()
    try:
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-c",
            _CODE,
            text,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.DEVNULL,
            start_new_session=True,  # a terminal's Ctrl-C is for the service
        )
    except OSError as error:
        message = f"cannot start the process that compiles the kernels this needs: {error.strerror}"
        raise ServiceError("SERVICE_UNAVAILABLE", message, retry_after_s=5) from None
    try:
        async with asyncio.timeout(_LONGEST_S):
            return await process.wait() == 0
    except TimeoutError:
        return False
    finally:
        with suppress(ProcessLookupError):
            process.kill()
        await process.wait()  # nothing of it stays behind


def compile_family(text: str) -> None:
    """Compile what is needed, and leave the processor to those who serve; called in that process."""
    from mycelium_fractal_net.fields import simulate
    from mycelium_fractal_net.validation import validate

    with suppress(OSError):
        os.nice(_NICE)
    if not text:
        validate(grid_size=16, steps=2, threads=1)
        return
    _ = simulate(SimulationConfig.model_validate_json(text), threads=1).features
