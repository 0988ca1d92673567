"""The default kinetics in C++, built for this machine and called through ctypes."""

from __future__ import annotations

import ctypes
import functools
import hashlib
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

import mycelium_fractal_net as mfn

SOURCE = Path(__file__).parent / "cpp" / "kernel.cpp"
FLAGS = ("-O3", "-march=native", "-ffp-contract=off", "-std=c++17", "-shared", "-fPIC")


def compiler() -> str | None:
    """Return the C++ compiler of this machine, if it has one."""
    return shutil.which("g++") or shutil.which("clang++")


@functools.cache
def library() -> ctypes.CDLL:
    """Build the kernel, once for each text and each process."""
    program = compiler()
    if program is None:
        raise RuntimeError("no C++ compiler found; install g++ to compare with C++")
    name = hashlib.sha256(SOURCE.read_bytes()).hexdigest()[:16]
    target = Path(tempfile.mkdtemp(prefix="mfn-cpp-")) / f"kernel-{name}.so"
    subprocess.run([program, *FLAGS, str(SOURCE), "-o", str(target)], check=True)
    return ctypes.CDLL(str(target))


class CppPeer:
    """The fields of a simulation under the C++ kernel; periodic, default kinetics, no events."""

    def __init__(self, simulation: mfn.Simulation) -> None:
        config = simulation.config
        self.config = config
        start = (simulation.activator, simulation.inhibitor, simulation.field_mv)
        self.fields = [np.pad(x, 1) for x in start]
        self.spare = [x.copy() for x in self.fields]
        self.function = getattr(library(), f"advance_{config.dtype}")
        self.function.argtypes = [ctypes.c_void_p] * 6 + [ctypes.c_long] * 3 + [ctypes.c_void_p]
        self.function.restype = None
        self.parameters = self._parameters()

    def _parameters(self) -> NDArray[np.floating[Any]]:
        config, p = self.config, self.config.complete_parameters
        dt = 1.0 / config.substeps
        pair = (dt * p["D_a"], dt * p["D_h"], dt, p["r_a"], p["beta"], p["bias"], p["r_h"])
        potential = (
            config.alpha,
            config.leak,
            config.rest_potential_mv,
            config.activator_threshold,
            config.turing_drive_mv,
            *config.clamp_mv,
        )
        return np.array((*pair, *potential), config.dtype)

    def advance(self, steps: int) -> None:
        """Advance by an even number of steps, after which the result lies where it began."""
        if steps % 2:
            raise ValueError(f"steps must be even, got {steps}")
        pointers = [x.ctypes.data for x in (*self.fields, *self.spare)]
        self.function(*pointers, self.config.grid_size, steps, self.config.substeps, self.parameters.ctypes.data)

    @property
    def state(self) -> tuple[NDArray[np.floating[Any]], ...]:
        """Activator, inhibitor and potential, (N, N)."""
        return tuple(x[1:-1, 1:-1] for x in self.fields)
