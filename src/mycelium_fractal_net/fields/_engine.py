"""State of a running simulation and the driver of its compiled kernels."""

from __future__ import annotations

import itertools
import os
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from mycelium_fractal_net.errors import CancelledError, DivergedError, InvalidInputError
from mycelium_fractal_net.fields._compile import load_kernels
from mycelium_fractal_net.fields._start import (
    EVENT_MEAN_MV,
    EVENT_STD_MV,
    RandomStreams,
    inside,
    lay_fields,
    rest_pair,
)
from mycelium_fractal_net.fields.config import SimulationConfig

__all__ = ["Engine", "checked_count"]

Field = NDArray[np.floating[Any]]

_BOUNDARIES = {"periodic": 0, "neumann": 1, "dirichlet": 2}
_STATISTICS_BLOCK_ROWS = 32
_BLOCK_UPDATES = 8_000_000  # substep updates between two looks at the clock, about 10 ms
_NOISE_CELLS = 1 << 18
_WHOLE_CELLS = 640 * 640  # up to here the fields stay in cache without tiles
_THREADED_CELLS = 512 * 512
_THREADED_SIDE = 128  # below, a step is shorter than waking a thread
_PAGE, _STAGGER = 4096, 640  # bytes; ten lines of the cache, so that six arrays share one page evenly
_LANES = 16  # as in the kernels: rows of a tile's window are whole lines of the cache
_TILE = {"float64": (512, 2048), "float32": (512, 4096)}


def checked_count(name: str, value: Any, *, least: int) -> int:
    """Return a whole number that is at least ``least``, or refuse it."""
    if isinstance(value, bool) or not isinstance(value, (int, np.integer)) or value < least:
        raise InvalidInputError(
            f"{name} must be a whole number >= {least}, got {value!r}", field=name, value=repr(value)
        )
    return int(value)


def available_cores() -> int:
    """Return how many cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _aligned(shape: tuple[int, int], dtype: Any, lead: int, place: int) -> Field:
    """Return zeros of which the flat element ``lead`` stands at byte ``place`` of a page."""
    dtype = np.dtype(dtype)
    size = shape[0] * shape[1] * dtype.itemsize
    memory = np.zeros(size + 2 * _PAGE, np.uint8)
    start = -(memory.ctypes.data + lead * dtype.itemsize) % _PAGE + place
    field: Field = memory[start : start + size].view(dtype).reshape(shape)
    return field


def _bordered(side: int, pad: int, dtype: Any) -> tuple[dict[str, Field], dict[str, Field]]:
    """Return zeros for "a", "h" and "v" within a border of ghosts, and spare arrays like them.

    The first inner cell begins a line of the cache, and that of each array stands at another place of its page:
    a load waits for a store before it when their addresses agree in the last twelve bits.
    """
    shape = (side + 2, side + 2 * pad)
    arrays = [_aligned(shape, dtype, shape[1] + pad, k * _STAGGER) for k in range(6)]
    return dict(zip("ahv", arrays[:3], strict=True)), dict(zip("ahv", arrays[3:], strict=True))


class Engine:
    """Fields with ghost borders, counters and random streams of one simulation."""

    def __init__(self, config: SimulationConfig, initial_field_mv: ArrayLike | None, threads: int | None) -> None:
        n = config.grid_size
        self.config = config
        self.kernels = load_kernels(config.model.trace, config.dtype)
        self.streams = RandomStreams.from_seed(config.seed)
        self.step = 0
        self.counters = np.zeros(4, np.int64)
        self._statistics = np.zeros((config.steps, 5))
        self._accumulators = np.zeros((-(-n // _STATISTICS_BLOCK_ROWS), 5, n))
        default = available_cores() if n * n >= _THREADED_CELLS else 1
        self.threads = default if threads is None else checked_count("threads", threads, least=1)
        large = n * n > _WHOLE_CELLS or (self.threads > 1 and n > _THREADED_SIDE)
        self.tile = _TILE[config.dtype] if large and self._halo <= n else None
        self.pad = self._halo if self.tile is not None else 1
        self._fields, self._spare = _bordered(n, self.pad, config.dtype)
        lay_fields(config, self.streams.start, initial_field_mv, self._fields, self.pad)
        self._pool: ThreadPoolExecutor | None = None
        self._prepare_constants()

    def _prepare_constants(self) -> None:
        config, scalar = self.config, np.dtype(self.config.dtype).type
        values, dt = config.complete_parameters, 1.0 / config.substeps
        self._rates = tuple(scalar(values[name]) for name in config.model.rate_names) or (scalar(0),)
        self._scales = (scalar(4), scalar(dt * values["D_a"]), scalar(dt * values["D_h"]), scalar(dt))
        rest = rest_pair(config)
        self._pair_rest = (scalar(rest[0]), scalar(rest[1]))
        low, high = config.clamp_mv
        self._potential = tuple(
            scalar(value)
            for value in (
                config.alpha,
                config.leak,
                config.rest_potential_mv,
                config.activator_threshold,
                config.turing_drive_mv,
                low,
                high,
            )
        )

    def use_tiles(self, tile: tuple[int, int]) -> None:
        """Advance in tiles of (rows, columns); rows must be a multiple of the 32 of a block of statistics."""
        if self._halo > self.config.grid_size:
            return  # the halo would wrap more than once
        self.tile = tile
        if self._halo > self.pad:
            narrow, narrow_pad, self.pad = self._fields, self.pad, self._halo
            self._fields, self._spare = _bordered(self.config.grid_size, self.pad, self.config.dtype)
            for name, field in narrow.items():
                self.replace(name, inside(field, narrow_pad))

    @property
    def _halo(self) -> int:
        """Ghost columns that tiles read."""
        return self.config.substeps if self.config.boundary == "periodic" else 1

    @property
    def statistics(self) -> NDArray[np.float64]:
        """Statistics of the steps done, (step, 5); a copy."""
        return self._statistics[: self.step].copy()

    def interior(self, name: str) -> Field:
        """Return a copy of a field ("a", "h" or "v") without its border, (N, N)."""
        return inside(self._fields[name], self.pad).copy()

    def interiors(self) -> tuple[Field, Field, Field]:
        """Return copies of activator, inhibitor and potential, each (N, N)."""
        from mycelium_fractal_net.fields._kernels_frame import take_fields

        shape = (self.config.grid_size, self.config.grid_size)
        a, h, v = (np.empty(shape, self.config.dtype) for _ in range(3))
        take_fields(self._fields["a"], self._fields["h"], self._fields["v"], self.pad, a, h, v)
        return a, h, v

    def replace(self, name: str, interior: Field) -> None:
        """Put another field in place of the present one."""
        inside(self._fields[name], self.pad)[:] = interior

    def restore(self, state: dict[str, Any]) -> None:
        """Take over the state that a checkpoint holds."""
        for name in "ahv":
            self.replace(name, state[name])
        self.step = state["step"]
        self.counters[:] = state["counters"]
        self._reserve(0)
        self._statistics[: self.step] = state["statistics"]
        self.streams.states = state["streams"]

    def _reserve(self, steps: int) -> None:
        missing = self.step + steps - len(self._statistics)
        if missing > 0:
            self._statistics = np.concatenate([self._statistics, np.zeros((missing, 5))])

    def advance_block(self, most: int, cancel: threading.Event | None) -> None:
        """Advance by at most ``most`` steps: as many as fit between two looks at the clock."""
        if self.counters[2] > 0:
            raise self._diverged()
        self._reserve(most)
        if self.tile is not None:
            self._advance_tiled(self.tile, cancel)
        else:
            self._advance_whole(most)
        if self.counters[2] > 0:
            raise self._diverged()

    def _diverged(self) -> DivergedError:
        return DivergedError(
            f"the Turing pair left the finite numbers at step {self.step}: kinetics {self.config.kinetics!r} with "
            f"{self.config.complete_parameters} diverges; use parameters with a bounded steady state",
            step=self.step,
        )

    def _draw(self, steps: int) -> tuple[NDArray[np.float64], Field, Field]:
        """Draw events and noise of the next steps; the streams do not depend on how steps are grouped."""
        dtype = np.dtype(self.config.dtype)
        draws = self.streams.sites.random((steps, 2))
        amplitudes = EVENT_MEAN_MV + EVENT_STD_MV * self.streams.amplitudes.standard_normal(steps)
        n = self.config.grid_size
        noise = np.empty((0, 0, 0), dtype)
        if self.config.quantum_jitter:
            noise = self.streams.jitter.standard_normal((steps, n, n), dtype=dtype)
            noise *= dtype.type(self.config.jitter_std_mv)
        return draws, amplitudes.astype(dtype), noise

    def _swap(self, names: str) -> None:
        for name in names:
            self._fields[name], self._spare[name] = self._spare[name], self._fields[name]

    def _advance_whole(self, most: int) -> None:
        config = self.config
        cells = config.grid_size**2
        steps = min(most, max(1, _BLOCK_UPDATES // (cells * (config.substeps + 2))))
        if config.quantum_jitter:
            steps = min(steps, max(1, _NOISE_CELLS // cells))
        draws, amplitudes, noise = self._draw(steps)
        a, h, v = self._fields.values()
        a_new, h_new, v_new = self._spare.values()
        pair_moved, v_moved, done = self.kernels.advance_whole(
            a, h, v, a_new, h_new, v_new, config.substeps, _BOUNDARIES[config.boundary], self._pair_rest,
            self._scales, self._rates, self._potential, config.turing_enabled, config.spike_probability,
            draws, amplitudes, noise, self._accumulators, self._statistics[self.step : self.step + steps],
            self.counters,
        )  # fmt: skip
        self._swap(("ah" if pair_moved else "") + ("v" if v_moved else ""))
        self.step += done

    def _advance_tiled(self, tile: tuple[int, int], cancel: threading.Event | None) -> None:
        config, kernels = self.config, self.kernels
        boundary = _BOUNDARIES[config.boundary]
        before = self.streams.states if cancel is not None else None
        draws, amplitudes, noise = self._draw(1)
        event = kernels.begin_step(
            self._fields["v"], self._fields["a"], self.pad, self._potential[3], config.turing_enabled,
            config.spike_probability, draws[0], amplitudes[0], boundary, self._potential[2],
        )  # fmt: skip
        kernels.refresh_pair(self._fields["a"], self._fields["h"], self.pad, boundary, self._pair_rest)
        step_noise = noise[0] if noise.shape[0] else np.empty((0, 0), noise.dtype)
        counters = self._run_tiles(tile, event, step_noise, cancel)
        if counters is None:
            if event[0] > 0:
                self._fields["v"][event[0], self.pad - 1 + event[1]] = event[2]
            self._accumulators[:] = 0.0
            if before is not None:
                self.streams.states = before
            raise CancelledError(f"cancelled at step {self.step}", step=self.step)
        kernels.finish_step(self._accumulators, self._statistics[self.step])
        self.counters[:3] += counters
        self.counters[3] += event[0] > 0
        self._swap("ahv" if config.turing_enabled else "v")
        self.step += 1

    def _run_tiles(
        self, tile: tuple[int, int], event: tuple[int, int, Any], noise: Field, cancel: threading.Event | None
    ) -> NDArray[np.int64] | None:
        """Advance all tiles by one step and return their counts, or None if cancelled."""
        n, config = self.config.grid_size, self.config
        rows, columns = tile
        tiles = -(-n // rows) * -(-n // columns)
        chunk = max(
            1,
            min(_BLOCK_UPDATES // (rows * columns * (config.substeps + 2)), -(-tiles // (4 * self.threads))),
        )
        starts = itertools.count(0, chunk)

        def work() -> NDArray[np.int64]:
            counters = np.zeros(3, np.int64)
            window = max(32, config.substeps) + config.substeps + 3
            pitch = -(-(min(columns, n) + 2 * config.substeps + 2) // _LANES) * _LANES
            workspace = _aligned((4, window * pitch), config.dtype, 1, 0)
            while (first := next(starts)) < tiles and not (cancel is not None and cancel.is_set()):
                self.kernels.advance_tiles(
                    first, min(first + chunk, tiles), rows, columns, *self._fields.values(), *self._spare.values(),
                    self.pad, workspace, config.substeps, _BOUNDARIES[config.boundary], self._pair_rest, self._scales,
                    self._rates, self._potential, config.turing_enabled, event, noise, self._accumulators, counters,
                )  # fmt: skip
            return counters

        others = min(self.threads, -(-tiles // chunk)) - 1
        if others > 0 and self._pool is None:
            self._pool = ThreadPoolExecutor(self.threads - 1, thread_name_prefix="mfn-tiles")
        pending = [self._pool.submit(work) for _ in range(others)] if self._pool is not None else []
        counters = work()
        for future in pending:
            counters += future.result()
        return None if cancel is not None and cancel.is_set() else counters
