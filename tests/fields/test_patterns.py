"""What grows has the size and the look that theory predicts."""

from functools import cache
from typing import Any

import numpy as np
import pytest
from scipy import ndimage

import mycelium_fractal_net as mfn
from mycelium_fractal_net.fields import get_kinetics
from tests.fields.helpers import Field, quiet, started

GROWTH = 4.0  # e-foldings: enough for the fastest mode to lead, all still linear


def spectrum_peak(field: Field) -> float:
    """Return the wavelength of the mean wave number of the power, in the lattice's own measure of k."""
    n = len(field)
    power = np.abs(np.fft.fft2(field - field.mean())) ** 2
    k = 2 * np.pi * np.fft.fftfreq(n)
    root = np.sqrt(4 - 2 * np.cos(k)[:, None] - 2 * np.cos(k)[None, :])
    mean = float((power * root).sum() / power.sum())
    return 2 * np.pi / (2 * float(np.arcsin(mean / 2)))


@cache
def grown(name: str, seed: int) -> Any:
    """Return the activator after growth from tiny noise, still in the linear regime."""
    report, n = mfn.linear_stability(name), 96
    noise = np.random.default_rng(seed).standard_normal((n, n))
    a, h = report.steady_state
    simulation = started(quiet(grid_size=n, kinetics=name), activator=a + 1e-9 * noise, inhibitor=np.full((n, n), h))
    simulation.advance(round(3 * GROWTH / report.max_growth_rate))
    assert np.abs(simulation.activator - a).max() < 1e-2
    return simulation.activator


TURING = ["brusselator", "gierer-meinhardt", "mycelium", "schnakenberg"]


@pytest.mark.parametrize("name", TURING)
def test_the_measured_wavelength_is_the_predicted_one(name: str) -> None:
    predicted = mfn.linear_stability(name).wavelength_lattice_cells
    found = [spectrum_peak(grown(name, seed)) for seed in range(3)]
    assert np.mean(found) == pytest.approx(predicted, rel=0.04)


@pytest.mark.parametrize("name", TURING)
def test_measure_wavelength_finds_it_too(name: str) -> None:
    predicted = mfn.linear_stability(name).wavelength_lattice_cells
    found = [mfn.measure_wavelength(grown(name, seed)) for seed in range(3)]
    assert np.mean(found) == pytest.approx(predicted, rel=0.06)
    assert found == pytest.approx([predicted] * 3, rel=0.12)


@pytest.mark.parametrize("factor", [0.5, 2.0])
def test_the_wavelength_follows_the_diffusion(factor: float) -> None:
    values = {"D_a": 0.1 * factor, "D_h": 2.0 * factor}
    config = quiet(grid_size=128, steps=200, kinetics_parameters=values)
    predicted = mfn.linear_stability("mycelium", **values).wavelength_lattice_cells
    assert mfn.measure_wavelength(mfn.simulate(config).activator) == pytest.approx(predicted, rel=0.15)


@pytest.mark.parametrize("name", TURING)
def test_noise_grows_into_a_pattern_and_stays_bounded(name: str) -> None:
    result = mfn.simulate(quiet(grid_size=64, steps=800, kinetics=name))
    a, _ = mfn.linear_stability(name).steady_state
    assert result.activator.std() > 0.1 * a
    assert np.isfinite(result.activator).all()


@pytest.mark.parametrize("name", ["classic", "fitzhugh-nagumo"])
def test_these_fields_come_to_rest_or_travel_but_make_no_stationary_pattern(name: str) -> None:
    result = mfn.simulate(quiet(grid_size=48, steps=4000, kinetics=name))
    assert result.activator.std() < 0.5
    assert (name == "classic") <= (result.activator.std() < 1e-3)


@cache
def morphology(name: str) -> tuple[float, int, int]:
    """Return the share of living cells, their components and those of the others, on a torus."""
    config = mfn.SimulationConfig.preset(name, grid_size=96, steps=400)
    living = mfn.simulate(config).activator > 0.5
    return float(living.mean()), components(living), components(~living)


def components(mask: Any) -> int:
    labels, count = ndimage.label(mask)
    joined = np.concatenate([np.stack([labels[0], labels[-1]]), np.stack([labels[:, 0], labels[:, -1]])], axis=1)
    parent = list(range(count + 1))

    def root(x: int) -> int:
        while parent[x] != x:
            x = parent[x]
        return x

    for x, y in joined.T:
        if x and y:
            parent[root(x)] = root(y)
    return len({root(x) for x in range(1, count + 1)})


def test_the_morphologies_differ_in_what_hangs_together() -> None:
    spots, labyrinth, net = (morphology(name) for name in ("spots", "labyrinth", "net"))
    assert spots[0] < labyrinth[0] < net[0]
    assert spots[1] > 30 > net[1]
    assert spots[2] == 1
    assert net[2] > 30


def test_gray_scott_keeps_a_pattern_that_noise_alone_does_not_start() -> None:
    config = quiet(grid_size=64, steps=3000, kinetics="gray-scott", kinetics_parameters={})
    kept = mfn.simulate(config)
    noise = np.abs(np.random.default_rng(0).standard_normal((64, 64)))
    quiet_start = started(config, activator=1e-3 * noise, inhibitor=np.ones((64, 64)))
    quiet_start.advance(300)
    assert kept.activator.max() > 0.15
    assert kept.activator.std() > 0.05
    assert quiet_start.activator.max() < 1e-6


def test_a_spike_travels_through_the_excitable_medium() -> None:
    n = 96
    stripe = np.zeros((n, n))
    stripe[:, :6] = 1.0
    refractory = np.zeros((n, n))
    refractory[:, -12:] = 2.0
    config = quiet(grid_size=n, kinetics="fitzhugh-nagumo", boundary="neumann")
    simulation = started(config, activator=stripe, inhibitor=refractory * 0)
    fronts = []
    for _ in range(4):
        simulation.advance(60)
        fronts.append(int(np.flatnonzero(simulation.activator[n // 2] > 0.5).max(initial=-1)))
    speeds = np.diff(fronts)
    assert fronts[0] > 6
    assert np.all(speeds > 2)
    assert np.ptp(speeds) <= 2


@pytest.mark.usefixtures("built_in_kinetics")
def test_every_built_in_turing_kinetics_is_measured_here() -> None:
    unstable = [name for name in mfn.list_kinetics() if mfn.linear_stability(name).turing_unstable]
    built_in = [name for name in unstable if "doi:" in get_kinetics(name).source]
    assert built_in == TURING
