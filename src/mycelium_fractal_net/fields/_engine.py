"""State of a running simulation and the driver of its compiled kernels."""

from __future__ import annotations

import itertools
import threading
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mycelium_fractal_net._checks import as_whole, available_cores
from mycelium_fractal_net._gil import HELD_SIDE
from mycelium_fractal_net.errors import CancelledError
from mycelium_fractal_net.fields._compile import load_kernels
from mycelium_fractal_net.fields._memory import aligned, bordered
from mycelium_fractal_net.fields._monitor import (
    Substep,
    allowed_alternation,
    alternation,
    check_alternation,
    check_doubling,
    diverged_pair,
    diverged_potential,
    window,
)
from mycelium_fractal_net.fields._overlays import apply_stimulus
from mycelium_fractal_net.fields._schemes import evolve, evolve_potential, pair_step
from mycelium_fractal_net.fields._start import (
    EVENT_MEAN_MV,
    EVENT_STD_MV,
    RandomStreams,
    inside,
    lay_fields,
    lay_units,
    plain_start,
    start_numbers,
)
from mycelium_fractal_net.fields.config import SimulationConfig
from mycelium_fractal_net.fields.growth import GrowthEvent
from mycelium_fractal_net.fields.stability import steady_pair

__all__ = ["Engine"]

Field = NDArray[np.floating[Any]]

_NONE: Mapping[str, Field] = MappingProxyType({})
_VARIABLES = {"activator": "a", "inhibitor": "h", "potential": "v"}
_WATCHED_EVERY = 256  # steps
_BOUNDARIES = {"periodic": 0, "neumann": 1, "dirichlet": 2}
_STATISTICS_BLOCK_ROWS = 32
_EVENT_SIZE = (EVENT_MEAN_MV, EVENT_STD_MV)
_BLOCK_UPDATES = 8_000_000  # substep updates between two looks at the clock, about 10 ms
_NOISE_CELLS = 1 << 18
_WHOLE_CELLS = 640 * 640  # up to here the fields stay in cache without tiles
_THREADED_CELLS = 512 * 512
_THREADED_SIDE = 128  # below, a step is shorter than waking a thread
_LANES = 16  # as in the kernels: rows of a tile's window are whole lines of the cache
_TILE = {"float64": (512, 2048), "float32": (512, 4096)}


class Engine:
    """Fields with ghost borders, counters and random streams of one simulation."""

    def __init__(self, config: SimulationConfig, arrays: Mapping[str, Field], threads: int | None) -> None:
        rows, columns = config.shape
        cells = rows * columns
        self.config = config
        self.kernels = load_kernels(config.model.trace, config.dtype, config.stencil)
        self.streams = RandomStreams(config.seed)
        self.step = 0
        self.counters = np.zeros(4, np.int64)
        self._statistics = np.empty((config.steps, 5))
        self._grown = np.zeros((config.steps, 3))
        self._accumulators = np.empty((-(-rows // _STATISTICS_BLOCK_ROWS), 5, columns))
        self._prepare_constants(config.parameters_at(0))
        self._next_change = 0 if config.schedule else None
        self._start = start_numbers(config, steady_pair(config.model, config.complete_parameters))
        default = available_cores() if cells >= _THREADED_CELLS else 1
        self.threads = default if threads is None else as_whole("threads", threads, 1)
        large = cells > _WHOLE_CELLS or (self.threads > 1 and min(rows, columns) > _THREADED_SIDE)
        self.tile = _TILE[config.dtype] if large and self._can_tile else None
        self.pad = self._halo if self.tile is not None else 1
        self._fields, self._spare = bordered(config.shape, self.pad, config.dtype)
        self._laid = False
        if arrays or not (plain_start(config) and config.method.plain) or self.tile is not None:
            self._lay(arrays)
        self._pool: ThreadPoolExecutor | None = None

    def _lay(self, arrays: Mapping[str, Field] = _NONE) -> None:
        """Write the fields of step 0, if no kernel has; the kernel of the first steps does it in the same call."""
        if not self._laid:
            lay = lay_fields if self.config.resolution == 1 else lay_units
            lay(self.config, self._start, self.streams.start, arrays, self._fields, self._spare, self.pad)
            self._accumulators.fill(0.0)
            self._laid = True

    def follow(self, config: SimulationConfig) -> None:
        """Go on under a configuration that differs in what comes from this step on."""
        self.config = config
        self._prepare_constants(config.parameters_at(self.step))
        self._next_change = self.step
        if self.tile is not None:
            self.use_tiles(self.tile)

    def _begin(self, most: int) -> int:
        """Put the values of the next steps in place; return how many steps they hold, at most ``most``."""
        config = self.config
        if self._next_change is not None and self.step >= self._next_change:
            programme = config.programme
            self._prepare_constants(programme.at(self.step))
            self._next_change = programme.constant_until(self.step)
        if self._next_change is not None:
            most = min(most, self._next_change - self.step)
        most = min(most, _WATCHED_EVERY - self.step % _WATCHED_EVERY)
        if self.step < config.steps:
            most = min(most, config.steps - self.step)
        later = [stimulus.step for stimulus in config.stimuli if stimulus.step > self.step]
        return min(most, later[0] - self.step) if later else most

    def _stimulate(self) -> list[tuple[str, Field]]:
        """Apply the stimuli of this step; return the fields they change as they were before."""
        kept: dict[str, Field] = {}
        for stimulus in self.config.stimuli:
            if stimulus.step == self.step:
                name = _VARIABLES[stimulus.variable]
                kept.setdefault(name, self.interior(name))
                field = inside(self._fields[name], self.pad)
                unit = self.config.resolution
                apply_stimulus(field, stimulus, periodic=self.config.boundary == "periodic", resolution=unit)
        return list(kept.items())

    def _prepare_constants(self, values: Mapping[str, float]) -> None:
        """Turn the values in effect into the numbers that the kernels take."""
        config, scalar = self.config, np.dtype(self.config.dtype).type
        self._values = values
        method = config.method
        self._substeps = method.substeps(values)
        self._diffusion, dt = method.diffusion(values), 1.0 / self._substeps
        self._rates = tuple(scalar(values[name]) for name in config.model.rate_names) or (scalar(0),)
        self._scales = (scalar(4), scalar(dt * self._diffusion[0]), scalar(dt * self._diffusion[1]), scalar(dt))
        if config.boundary == "dirichlet" or self.step == 0:
            rest = steady_pair(config.model, {name: values[name] for name in config.model.parameters})
            self._pair_rest = (scalar(rest[0]), scalar(rest[1]))
        low, high = config.clamp_mv
        self._parts = parts = method.potential_substeps(values["alpha"], values["leak"])
        self._potential = tuple(
            scalar(value)
            for value in (
                values["alpha"] * config.resolution**2 / parts,
                values["leak"] / parts,
                values["rest_potential_mv"],
                config.model.threshold(values["turing_threshold"]),
                values["turing_drive_mv"] / parts,
                low,
                high,
            )
        )

    def use_tiles(self, tile: tuple[int, int]) -> None:
        """Advance in tiles of (rows, columns); rows must be a multiple of the 32 of a block of statistics."""
        self._lay()
        self.tile = tile if self._can_tile else None
        self._border(1 if self.tile is None else max(self._halo, self.pad))

    def _border(self, pad: int) -> None:
        """Give the fields another number of ghost columns."""
        if pad == self.pad:
            return
        old, old_pad, self.pad = self._fields, self.pad, pad
        self._fields, self._spare = bordered(self.config.shape, pad, self.config.dtype)
        for field in (*self._fields.values(), *self._spare.values()):
            field.fill(0.0)
        for name, field in old.items():
            self.replace(name, inside(field, old_pad))

    @property
    def _can_tile(self) -> bool:
        """Whether tiles may be used: a halo wraps once at most, and their kernel knows one scheme."""
        return self.config.method.plain and self._halo <= min(self.config.shape)

    @property
    def _halo(self) -> int:
        """Ghost columns that tiles read, in any step of the schedule."""
        return self.config.most_substeps if self.config.boundary == "periodic" else 1

    @property
    def statistics(self) -> NDArray[np.float64]:
        """Statistics of the steps done, (step, 5); a copy."""
        return self._statistics[: self.step].copy()

    def interior(self, name: str) -> Field:
        """Return a copy of a field ("a", "h" or "v") without its border, (N, N)."""
        self._lay()
        return inside(self._fields[name], self.pad).copy()

    def interiors(self) -> tuple[Field, Field, Field]:
        """Return copies of activator, inhibitor and potential, each (N, N)."""
        from mycelium_fractal_net.fields._kernels_frame import take_fields

        if max(self.config.shape) > HELD_SIDE:
            return self.interior("a"), self.interior("h"), self.interior("v")
        self._lay()
        a, h, v = (np.empty(self.config.shape, self.config.dtype) for _ in range(3))
        take_fields(self._fields["a"], self._fields["h"], self._fields["v"], self.pad, a, h, v)
        return a, h, v

    def replace(self, name: str, interior: Field) -> None:
        """Put another field in place of the present one."""
        self._lay()
        inside(self._fields[name], self.pad)[:] = interior

    def restore(self, state: dict[str, Any]) -> None:
        """Take over the state that a checkpoint holds."""
        for name in "ahv":
            self.replace(name, state[name])
        self.step = state["step"]
        self.follow(self.config)
        self.counters[:] = state["counters"]
        self._reserve(0)
        self._statistics[: self.step] = state["statistics"]
        self.streams.states = state["streams"]

    def grown_since(self, step: int) -> list[GrowthEvent]:
        """Return the growth events of the steps after ``step``, of those that were computed here."""
        return [
            GrowthEvent(number, int(row) - 1, int(column) - 1, jump)
            for number, (row, column, jump) in enumerate(self._grown[step : self.step].tolist(), step + 1)
            if row
        ]

    def _reserve(self, steps: int) -> None:
        missing = self.step + steps - len(self._statistics)
        if missing > 0:
            self._statistics = np.concatenate([self._statistics, np.empty((missing, 5))])
            self._grown = np.concatenate([self._grown, np.zeros((missing, 3))])

    def advance_block(self, most: int, cancel: threading.Event | None) -> None:
        """Advance by at most ``most`` steps: as many as fit between two looks at the clock."""
        if self.counters[2] > 0:
            raise diverged_pair(self.config, self.step)
        self._reserve(most)
        most = self._begin(most)
        kept, first = self._stimulate() if self.config.stimuli else [], self.step
        if self.tile is not None:
            try:
                self._advance_tiled(self.tile, cancel)
            except CancelledError:
                for name, field in kept:
                    self.replace(name, field)
                raise
        elif self.config.method.plain:
            self._advance_whole(most)
        else:
            self._advance_finely()
        if self.counters[2] > 0:
            raise diverged_pair(self.config, self.step)
        self._watch_potential(first)
        if self.config.turing_enabled and (self.step % _WATCHED_EVERY == 0 or self.step == self.config.steps):
            self._watch()

    def _watch(self) -> None:
        """Refuse to go on when the substep is so long that the pair jumps to and fro, or that half of it differs."""
        config, values = self.config, self._values
        if config.scheme != "euler":
            check_doubling(config, self.step_error(), self._substeps, self.step)
        elif self.tile is not None or self._last_change() >= allowed_alternation(config):
            rates = {name: values[name] for name in config.model.rate_names}
            substep = Substep(config.model, rates, self._diffusion, 1.0 / self._substeps, config.stencil)
            periodic = config.boundary == "periodic"
            a, h = (window(self.interior(name), self.step, periodic=periodic) for name in "ah")
            check_alternation(config, alternation(substep, a, h), self._substeps, self.step)

    def step_error(self) -> float:
        """Return by how much the next step of the pair differs from one with twice the substeps, of its range."""
        self._lay()
        self._begin(1)
        once, twice = (self._evolved(self._fields["a"].copy(), self._fields["h"].copy(), times) for times in (1, 2))
        low, high = self.config.model.activator_range
        return max(float(np.abs(x - y).max()) for x, y in zip(once, twice, strict=True)) / (high - low)

    def _evolved(self, a: Field, h: Field, times: int = 1) -> tuple[Field, Field]:
        """Return the pair after one step from bordered fields, which are overwritten, by ``times`` the substeps."""
        boundary = _BOUNDARIES[self.config.boundary]
        pair = pair_step(times * self._substeps, boundary, self._pair_rest, self._rates, self._diffusion)
        columns = slice(self.pad - 1, a.shape[1] - self.pad + 1)
        a, h = evolve(self.config, self.kernels, pair, a[:, columns], h[:, columns])
        return inside(a, 1), inside(h, 1)

    def _last_change(self) -> float:
        """Return the largest change of the pair in the last substep, whose beginning the spare fields hold."""
        return max(
            float(np.abs(inside(self._fields[name], self.pad) - inside(self._spare[name], self.pad)).max())
            for name in "ah"
        )

    def _watch_potential(self, first: int) -> None:
        """Refuse to go on with a potential that is not finite; a square that overflowed is none of those."""
        odd = np.flatnonzero(~np.isfinite(self._statistics[first : self.step]).all(axis=1))
        if odd.size and not np.isfinite(inside(self._fields["v"], self.pad)).all():
            step = first + int(odd[0]) + 1
            raise diverged_potential(self.config, step)

    def _draw_noise(self, steps: int) -> Field:
        """Draw the noise of the next steps, of none without jitter; the stream does not care how steps are grouped."""
        dtype, (rows, columns), unit = np.dtype(self.config.dtype), self.config.shape, self.config.resolution
        if not self.config.quantum_jitter:
            return np.empty((0, rows, columns), dtype)
        noise = self.streams.jitter.standard_normal((steps, rows // unit, columns // unit), dtype=dtype)
        noise *= dtype.type(self._values["jitter_std_mv"])
        return noise if unit == 1 else noise.repeat(unit, axis=1).repeat(unit, axis=2)

    def _swap(self, names: str) -> None:
        for name in names:
            self._fields[name], self._spare[name] = self._spare[name], self._fields[name]

    def _advance_whole(self, most: int) -> None:
        config = self.config
        cells = config.shape[0] * config.shape[1]
        steps = min(most, max(1, _BLOCK_UPDATES // (cells * (self._substeps + 2))))
        if config.quantum_jitter:
            steps = min(steps, max(1, _NOISE_CELLS // cells))
        streams = self.streams
        a, h, v = self._fields.values()
        a_new, h_new, v_new = self._spare.values()
        pair_moved, v_moved, done = self.kernels.advance_whole(
            a, h, v, a_new, h_new, v_new, self._substeps, _BOUNDARIES[config.boundary], self._pair_rest,
            self._scales, self._rates, self._potential, config.turing_enabled, self._values["spike_probability"],
            streams.start, streams.sites, streams.amplitudes, (not self._laid, *self._start), _EVENT_SIZE,
            self._draw_noise(steps), self._accumulators, self._statistics[self.step : self.step + steps],
            self.counters, self._grown[self.step : self.step + steps],
        )  # fmt: skip
        self._laid = True
        self._swap(("ah" if pair_moved else "") + ("v" if v_moved else ""))
        self.step += done

    def _advance_finely(self) -> None:
        """Advance by one step of any scheme, on cells of any size, in one thread."""
        from mycelium_fractal_net.fields._kernels_frame import draw_events

        config, kernels, turing = self.config, self.kernels, self.config.turing_enabled
        rows, columns = config.shape
        boundary, scalar, region = _BOUNDARIES[config.boundary], np.dtype(config.dtype).type, (1, rows, 1, columns)
        draws, jumps = np.empty((1, 2)), np.empty(1, config.dtype)
        draw_events(self.streams.sites, self.streams.amplitudes, _EVENT_SIZE, draws, jumps)
        v, v_new, before = self._fields["v"], self._spare["v"], self._fields["v"].copy()
        row, column, _ = kernels.begin_step(
            v, self._fields["a"], 1, self._potential[3], turing, self._values["spike_probability"], draws[0], jumps[0],
            boundary, self._potential[2],
        )  # fmt: skip
        if row:
            unit = config.resolution
            block = tuple(
                slice((at - 1) // unit * unit + 1, (at - 1) // unit * unit + 1 + unit) for at in (row, column)
            )
            v[block] = before[block] + jumps[0]
        if turing:
            pair = self._evolved(self._fields["a"], self._fields["h"])
            for name, field in zip("ah", pair, strict=True):
                self.replace(name, field)
        fields = (v, v_new, self._fields["a"], self._fields["h"])
        v, v_new, counts = evolve_potential(
            kernels, fields, self._draw_noise(1), self._parts, boundary, self._scales[0], self._potential, turing=turing
        )
        kernels.add_statistics(before, v, 1, region, (0, 0, scalar(0)), self._accumulators)
        kernels.finish_step(self._accumulators, self._statistics[self.step])
        self._fields["v"], self._spare["v"] = v, v_new
        self.counters[:3] += counts
        self.counters[3] += row > 0
        self._grown[self.step] = row, column, jumps[0]
        self.step += 1

    def _advance_tiled(self, tile: tuple[int, int], cancel: threading.Event | None) -> None:
        from mycelium_fractal_net.fields._kernels_frame import draw_events

        config, kernels = self.config, self.kernels
        boundary = _BOUNDARIES[config.boundary]
        before = self.streams.states if cancel is not None else None
        draws, jumps = np.empty((1, 2)), np.empty(1, config.dtype)
        draw_events(self.streams.sites, self.streams.amplitudes, _EVENT_SIZE, draws, jumps)
        noise = self._draw_noise(1)
        event = kernels.begin_step(
            self._fields["v"], self._fields["a"], self.pad, self._potential[3], config.turing_enabled,
            self._values["spike_probability"], draws[0], jumps[0], boundary, self._potential[2],
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
        self._grown[self.step] = event[0], event[1], jumps[0]
        self._swap("ahv" if config.turing_enabled else "v")
        self.step += 1

    def _run_tiles(
        self, tile: tuple[int, int], event: tuple[int, int, Any], noise: Field, cancel: threading.Event | None
    ) -> NDArray[np.int64] | None:
        """Advance all tiles by one step and return their counts, or None if cancelled."""
        config = self.config
        rows, columns = tile
        tiles = -(-config.shape[0] // rows) * -(-config.shape[1] // columns)
        chunk = max(
            1,
            min(_BLOCK_UPDATES // (rows * columns * (self._substeps + 2)), -(-tiles // (4 * self.threads))),
        )
        starts = itertools.count(0, chunk)

        def work() -> NDArray[np.int64]:
            counters = np.zeros(3, np.int64)
            window = max(32, self._substeps) + self._substeps + 3
            pitch = -(-(min(columns, config.shape[1]) + 2 * self._substeps + 2) // _LANES) * _LANES
            (workspace,) = aligned((4, window * pitch), config.dtype, 1, (0,))
            workspace.fill(0.0)
            while (first := next(starts)) < tiles and not (cancel is not None and cancel.is_set()):
                self.kernels.advance_tiles(
                    first, min(first + chunk, tiles), rows, columns, *self._fields.values(), *self._spare.values(),
                    self.pad, workspace, self._substeps, _BOUNDARIES[config.boundary], self._pair_rest, self._scales,
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
