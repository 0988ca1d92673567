"""A run written again from docs/model.md alone: its tables are read, its five steps are done cell by cell."""

import math
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import mycelium_fractal_net as mfn

PAGE = (Path(__file__).parents[2] / "docs" / "model.md").read_text("utf-8")


def table(first_heading: str, last_heading: str) -> dict[str, list[str]]:
    """Return the rows of the page's table with these first and last headings, by name."""
    lines = PAGE.splitlines()
    cells = [[cell.strip().strip("`") for cell in line.strip("|").split("|")] for line in lines]
    start = next(k for k, row in enumerate(cells) if row[0] == first_heading and row[-1] == last_heading)
    rows = cells[start + 2 :]
    end = next(k for k, row in enumerate(rows) if len(row) < 2)
    return {row[0]: row[1:] for row in rows[:end]}


RATES, KINETICS, PATCHES = table("name", "g"), table("name", "activator range"), table("name", "together")
DEFAULTS = {
    "alpha": 0.18, "leak": 0.1, "spike_probability": 0.25, "turing_threshold": 0.75, "turing_drive_mv": 5.0,
    "jitter_std_mv": 0.5, "rest_potential_mv": -70.0,
}  # fmt: skip


class Stranger:
    """A run by the page, for the options that a test gives."""

    def __init__(
        self, n: int, seed: int, kinetics: str, boundary: str, start: str, schedule: Any, stimuli: Any, jitter: bool
    ):
        rates, self.d_a, self.d_h, steady, mean, noise, span = KINETICS[kinetics]
        self.n, self.boundary, self.schedule, self.stimuli, self.jitter = n, boundary, schedule, stimuli, jitter
        self.values = {k: float(v) for k, v in (pair.split("=") for pair in rates.split())}
        self.values |= {"D_a": float(self.d_a), "D_h": float(self.d_h)} | DEFAULTS
        self.f, self.g = (compile(text, "page", "eval") for text in RATES[kinetics])
        self.guess = [float(x) for x in re.findall(r"[\d.]+", steady)]
        self.low, self.high = (float(x) for x in span.split(","))
        keys = {"start": (0,), "sites": (1, 0), "amplitudes": (1, 1), "jitter": (2,)}
        self.streams = {
            name: np.random.Generator(np.random.PCG64(np.random.SeedSequence(seed, spawn_key=key)))
            for name, key in keys.items()
        }
        rest = self.steady(self.values)
        mean_a, mean_h = rest if mean == "steady" else [float(x) for x in mean.split(",")]
        draw = self.streams["start"]
        self.a = mean_a + float(noise) * draw.standard_normal((n, n))
        self.v = np.clip(-70 + 5 * draw.standard_normal((n, n)), -95, 40)
        self.h = np.full((n, n), mean_h)
        self.lay(start, kinetics, rest)
        self.counters = [0, 0, 0]

    def rates(self, a: Any, h: Any, values: dict[str, float]) -> tuple[Any, Any]:
        names = {**values, "a": a, "h": h}
        return eval(self.f, {}, names), eval(self.g, {}, names)  # noqa: S307 # the page's own formulas

    def steady(self, values: dict[str, float]) -> list[float]:
        x: Any = np.array(self.guess)
        for _ in range(60):
            e = 1e-7
            columns = [
                (
                    np.array(self.rates(x[0] + d[0], x[1] + d[1], values))
                    - np.array(self.rates(x[0] - d[0], x[1] - d[1], values))
                )
                / (2 * e)
                for d in (np.array([e, 0.0]), np.array([0.0, e]))
            ]
            x = x - np.linalg.lstsq(np.array(columns).T, np.asarray(self.rates(x[0], x[1], values)), rcond=1e-6)[0]
        return [float(y) for y in x]

    def lay(self, start: str, kinetics: str, rest: list[float]) -> None:
        n, eighth, half = self.n, max(1, self.n // 8), self.n // 2
        row: list[Any] = PATCHES.get(kinetics) or [self.high, rest[1], 6, 0.1, "yes"]
        a, h, size, share, together = float(row[0]), float(row[1]), min(int(row[2]), n), float(row[3]), row[4]
        own = kinetics in PATCHES
        beside = h if together == "yes" else rest[1]
        refractory = h if own else rest[1] + (self.high - self.low) / 2
        if start == "front":
            self.a[:, :eighth], self.h[:, :eighth] = a, beside
            if self.boundary == "periodic":
                self.h[:, n - eighth :] = refractory
        elif start == "spiral":
            self.a[:, :half], self.h[:, :half] = a, beside
            self.h[:half] = refractory
        elif own or start == "patches":
            count = max(1, round(share * n * n / size**2))
            places = self.streams["start"].integers(n, size=(count, 2))
            others = places if together == "yes" else self.streams["start"].integers(n, size=(count, 2))
            for x, value, corners in ((self.a, a, places), (self.h, h, others)):
                for first_row, first_column in corners:
                    for i in range(size):
                        for j in range(size):
                            x[(first_row + i) % n, (first_column + j) % n] = value

    def lap(self, x: Any, held: float) -> Any:
        mode: Any = {"periodic": "wrap", "neumann": "edge", "dirichlet": "constant"}[self.boundary]
        p = np.pad(x, 1, mode, **({"constant_values": held} if mode == "constant" else {}))
        return p[:-2, 1:-1] + p[2:, 1:-1] + p[1:-1, :-2] + p[1:-1, 2:] - 4 * x

    def in_effect(self, t: int) -> dict[str, float]:
        values = dict(self.values)
        for step, name, value, over in sorted(self.schedule):
            if step <= t:
                later = [c[0] for c in self.schedule if c[1] == name and step < c[0] <= t]
                done = (min(later) if later else t) - step
                p = values[name]
                values[name] = p + (value - p) * done / over if done < over else value
        return values

    def step(self, t: int) -> None:
        now, n = self.in_effect(t), self.n
        rest = self.steady(now) if self.boundary == "dirichlet" else [0.0, 0.0]
        threshold = self.low + now["turing_threshold"] * (self.high - self.low)
        for step, row, column, radius, name, value, mode in self.stimuli:
            di, dj = np.abs(np.arange(n) - row)[:, None], np.abs(np.arange(n) - column)[None, :]
            if self.boundary == "periodic":
                di, dj = np.minimum(di, n - di), np.minimum(dj, n - dj)
            x = {"activator": self.a, "inhibitor": self.h, "potential": self.v}[name]
            cells = di**2 + dj**2 <= radius**2
            if step == t:
                x[cells] = value + (x[cells] if mode == "add" else 0)
        u1, u2 = self.streams["sites"].random(), self.streams["sites"].random()
        z = self.streams["amplitudes"].standard_normal()
        if u1 < now["spike_probability"]:
            living = [k for k in range(n * n) if self.a.flat[k] > threshold] or list(range(n * n))
            self.v.flat[living[math.floor(u2 * len(living))]] += 20 + 5 * z
            self.counters[0] += 1
        substeps = math.ceil(max(now["D_a"], now["D_h"]) / 0.2)
        for _ in range(substeps):
            f, g = self.rates(self.a, self.h, now)
            da, dh = now["D_a"] * self.lap(self.a, rest[0]) + f, now["D_h"] * self.lap(self.h, rest[1]) + g
            self.a, self.h = self.a + da / substeps, self.h + dh / substeps
        held = now["rest_potential_mv"]
        v = self.v + now["alpha"] * self.lap(self.v, held) + now["leak"] * (held - self.v)
        v = v + now["turing_drive_mv"] * (self.a > threshold)
        if self.jitter:
            v = v + now["jitter_std_mv"] * self.streams["jitter"].standard_normal((n, n))
        self.counters[1] += int((self.a > threshold).sum())
        self.counters[2] += int(((v < -95) | (v > 40)).sum())
        self.v = np.clip(v, -95, 40)


CHANGES = [(2, "leak", 0.2, 5), (4, "leak", 0.05, 3), (3, "D_h", 0.9, 4), (5, "turing_drive_mv", 40.0, 0)]
STIMULI: list[Any] = [(1, 3.5, 0.0, 4.0, "activator", 1.0, "set"), (6, 8.0, 8.0, 3.0, "potential", -30.0, "add")]


@pytest.mark.parametrize("kinetics", KINETICS)
@pytest.mark.parametrize(
    ("boundary", "start"),
    [("periodic", "noise"), ("neumann", "front"), ("dirichlet", "patches"), ("periodic", "spiral")],
)
def test_a_stranger_with_the_page_computes_the_same_run(kinetics: str, boundary: Any, start: Any) -> None:
    busy = (boundary, start) == ("dirichlet", "patches") or kinetics == "mycelium"
    schedule, stimuli = (CHANGES, STIMULI) if busy and kinetics not in {"classic", "gray-scott"} else ([], [])
    stranger = Stranger(17, 11, kinetics, boundary, start, schedule, stimuli, busy)
    for t in range(12):
        stranger.step(t)
    config = mfn.SimulationConfig(
        grid_size=17,
        steps=12,
        seed=11,
        kinetics=kinetics,
        boundary=boundary,
        start=start,
        quantum_jitter=busy,
        schedule=tuple(mfn.Change(*change) for change in schedule),
        stimuli=tuple(mfn.Stimulus(*touch) for touch in stimuli),
    )
    result = mfn.simulate(config)
    assert [result.growth_events, result.turing_activations, result.clamping_events] == stranger.counters
    for ours, theirs in ((result.activator, stranger.a), (result.inhibitor, stranger.h), (result.field_mv, stranger.v)):
        np.testing.assert_allclose(ours, theirs, rtol=1e-12, atol=1e-12 * max(1, np.abs(theirs).max()))


def test_the_event_diffuses_and_leaks_within_its_step() -> None:
    """By hand: x mV in one cell at rest become x (1 - 4 alpha - leak) = 0.18 x there and alpha x = 0.18 x beside it."""
    simulation = mfn.Simulation(mfn.SimulationConfig(grid_size=9, steps=1, turing_enabled=False, spike_probability=1.0))
    simulation.replace_fields(field_mv=np.full((9, 9), -70.0))
    simulation.advance(1)
    above = np.sort((simulation.field_mv + 70.0).ravel())[::-1]
    event = above.sum() / 0.9
    np.testing.assert_allclose(above[:6], event * np.array([0.18] * 5 + [0.0]), atol=1e-12)


def test_the_page_gives_every_default_of_every_kinetics() -> None:
    for name, (rates, d_a, d_h, *_, noise, span) in KINETICS.items():
        model = mfn.get_kinetics(name)
        stated = {key: float(value) for key, value in (pair.split("=") for pair in rates.split())}
        assert stated | {"D_a": float(d_a), "D_h": float(d_h)} == dict(model.parameters)
        assert (model.noise, model.activator_range) == (float(noise), tuple(float(x) for x in span.split(",")))
