"""Wavelengths as predicted, as they grow first, and as they settle."""

from __future__ import annotations

import numpy as np
import pytest

import mycelium_fractal_net as mfn
from mycelium_fractal_net.fields import measure_wavelengths


@pytest.fixture(scope="module")
def settled() -> mfn.SimulationResult:
    return mfn.simulate(mfn.SimulationConfig(kinetics="brusselator", grid_size=64, steps=900, seed=2))


def test_what_grows_first_is_what_was_predicted_and_what_settles_is_shorter(settled: mfn.SimulationResult) -> None:
    found = measure_wavelengths(settled)
    assert found.predicted.cells == mfn.linear_stability("brusselator").wavelength_lattice_cells
    assert found.first.cells == pytest.approx(found.predicted.cells, rel=0.08)
    assert found.first.step is not None
    assert 40 < found.first.step < 200
    assert found.settled.cells == mfn.measure_wavelength(settled.activator, periodic=True)
    assert found.settled.cells < 0.97 * found.predicted.cells
    assert (found.settled.step, found.settled.verdict) == (900, "settled")


def test_finer_cells_make_wavelengths_longer_in_cells() -> None:
    result = mfn.simulate(mfn.SimulationConfig(kinetics="brusselator", grid_size=32, steps=2, resolution=2))
    coarse = mfn.linear_stability("brusselator").wavelength_cells
    assert measure_wavelengths(result).predicted.cells == pytest.approx(2 * coarse, rel=0.01)


def test_no_wavelength_is_made_up() -> None:
    quiet = measure_wavelengths(mfn.simulate(mfn.SimulationConfig(grid_size=16, steps=2, turing_enabled=False)))
    assert {each.cells for each in quiet} == {None}
    classic = measure_wavelengths(mfn.simulate(mfn.SimulationConfig(grid_size=16, steps=9, kinetics="classic")))
    assert (classic.predicted.cells, classic.first.cells, classic.settled.verdict) == (None, None, "no pattern")
    young = measure_wavelengths(mfn.simulate(mfn.SimulationConfig(grid_size=16, steps=3, kinetics="brusselator")))
    assert young.first.verdict == "growth was still linear at the last step"


def test_what_is_not_kept_is_not_measured() -> None:
    config = mfn.SimulationConfig(grid_size=32, steps=3, start="array")
    rows = np.cos(2 * np.pi * np.arange(32) / 8)
    result = mfn.simulate(config, initial_activator=0.5 + 0.4 * rows[:, None] * np.ones(32))
    found = measure_wavelengths(result)
    assert found.first.verdict.startswith("not measured")
    assert found.settled.cells == pytest.approx(8, rel=0.02)
    assert found.settled.verdict == "still moving"


def test_they_are_ready_for_json(settled: mfn.SimulationResult) -> None:
    plain = measure_wavelengths(settled).to_dict()
    assert list(plain) == ["predicted", "first", "settled"]
    assert set(plain["first"]) == {"cells", "step", "verdict"}
