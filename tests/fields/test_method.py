"""Stencils, resolution, schemes and rectangular domains: orders of convergence, directions, determinism."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

import mycelium_fractal_net as mfn
from mycelium_fractal_net.errors import InvalidInputError, StabilityError
from mycelium_fractal_net.fields._monitor import Substep, window

Field = NDArray[np.float64]
SCHEMES = ["euler", "heun", "exponential"]


def smooth(rows: int, columns: int, resolution: int = 1) -> dict[str, Any]:
    """Return smooth fields at the centres of cells, periodic over rows x columns units."""
    row = 2 * np.pi * (np.arange(rows * resolution) + 0.5) / (rows * resolution)
    column = 2 * np.pi * (np.arange(columns * resolution) + 0.5) / (columns * resolution)
    wave = np.cos(row)[:, None] * np.sin(column) + 0.5 * np.sin(row)[:, None]
    return {"initial_activator": 0.5 + 0.2 * wave, "initial_inhibitor": 0.5 - 0.1 * wave}


def evolved(rows: int, columns: int, resolution: int = 1, **settings: Any) -> Field:
    """Return the activator after a smooth start without events."""
    config = mfn.SimulationConfig(
        domain=(rows * resolution, columns * resolution), resolution=resolution, start="array", spike_probability=0.0,
        **{"steps": 4, **settings},
    )  # fmt: skip
    result = mfn.simulate(config, **smooth(rows, columns, resolution))
    return np.asarray(result.activator, np.float64)


@pytest.mark.parametrize(("scheme", "order"), [("euler", 1), ("heun", 2), ("exponential", 2)])
def test_a_scheme_has_its_order_in_time(scheme: str, order: int) -> None:
    exact = evolved(16, 12, scheme="heun", least_substeps=640)
    errors = [np.abs(evolved(16, 12, scheme=scheme, least_substeps=n) - exact).max() for n in (10, 20, 40)]
    for coarse, fine in pairwise(errors):
        assert np.log2(coarse / fine) == pytest.approx(order, abs=0.15)


@pytest.mark.parametrize("stencil", [5, 9])
def test_cells_converge_to_the_second_order(stencil: int) -> None:
    fields = [evolved(12, 12, r, scheme="exponential", least_substeps=16, stencil=stencil) for r in (1, 2, 4)]
    means = [field.reshape(12, r, 12, r).mean(axis=(1, 3)) for field, r in zip(fields, (1, 2, 4), strict=True)]
    # A mean over a cell differs from its centre by h^2/24 times the Laplacian: second order, too.
    changes = [np.abs(fine - coarse).max() for coarse, fine in pairwise(means)]
    assert np.log2(changes[0] / changes[1]) == pytest.approx(2, abs=0.3)


def test_nine_points_treat_directions_alike() -> None:
    """Waves of one length, along an axis and at an angle to it, decay alike; with five points they do not."""
    difference = {}
    stencil: Any
    for stencil in (5, 9):
        config = mfn.SimulationConfig(
            grid_size=40, steps=1, stencil=stencil, turing_enabled=False, leak=0.0, spike_probability=0.0
        )
        lost = []
        for k_row, k_column in ((5, 0), (3, 4)):
            side = 2 * np.pi * np.arange(40) / 40
            wave = np.cos(k_row * side[:, None] + k_column * side)
            end = mfn.simulate(config, -70.0 + wave).field_mv + 70.0
            lost.append(1 - (end * wave).sum() / (wave * wave).sum())
        difference[stencil] = abs(lost[1] / lost[0] - 1)
    assert difference[5] > 0.02
    assert difference[9] < 0.0005


@pytest.mark.parametrize("settings", [{"stencil": 9}, {"scheme": "heun"}, {"scheme": "exponential"}, {"resolution": 2}])
def test_a_method_gives_the_same_bits_over_threads_and_resumes(settings: dict[str, Any], tmp_path: Any) -> None:
    config = mfn.SimulationConfig(domain=(132, 140), steps=5, spike_probability=1.0, quantum_jitter=True, **settings)
    whole = mfn.simulate(config, threads=1)
    first = mfn.Simulation(config, threads=2)
    first.advance(2)
    first.save(tmp_path / "checkpoint.npz")
    second = mfn.Simulation.load(tmp_path / "checkpoint.npz", threads=1)
    second.advance(3)
    assert second.result.digest == whole.digest == mfn.simulate(config, threads=3).digest


@pytest.mark.parametrize("boundary", ["periodic", "neumann", "dirichlet"])
@pytest.mark.parametrize("stencil", [5, 9])
def test_compiled_steps_agree_with_numpy_on_a_rectangle(boundary: Any, stencil: Any) -> None:
    config = mfn.SimulationConfig(
        domain=(10, 14), steps=1, boundary=boundary, stencil=stencil, start="array", spike_probability=0.0
    )
    pair = smooth(10, 14)
    rest = mfn.linear_stability("mycelium").steady_state
    modes = {"periodic": {"mode": "wrap"}, "neumann": {"mode": "edge"}, "dirichlet": {"mode": "constant"}}
    a: Any = pair["initial_activator"]
    h: Any = pair["initial_inhibitor"]
    values = config.complete_parameters
    rates = {name: values[name] for name in config.model.rate_names}
    substep = Substep(config.model, rates, (values["D_a"], values["D_h"]), 1 / config.substeps, stencil)
    for _ in range(config.substeps):
        filled = [
            np.pad(x, 1, **modes[boundary], **({"constant_values": held} if boundary == "dirichlet" else {}))  # type: ignore[call-overload]
            for x, held in zip((a, h), rest, strict=True)
        ]
        a, h = substep(*filled)
    result = mfn.simulate(config, **pair)
    np.testing.assert_allclose(result.activator, a, rtol=0, atol=1e-13)
    np.testing.assert_allclose(result.inhibitor, h, rtol=0, atol=1e-13)


@pytest.mark.parametrize("boundary", ["periodic", "neumann"])
@pytest.mark.parametrize("stencil", [5, 9])
def test_exponential_and_heun_meet(boundary: str, stencil: int) -> None:
    settings: dict[str, Any] = {"boundary": boundary, "stencil": stencil, "steps": 3}
    fine = evolved(12, 10, scheme="exponential", least_substeps=64, **settings)
    assert np.abs(evolved(12, 10, scheme="heun", least_substeps=160, **settings) - fine).max() < 2e-6


def test_a_finer_run_begins_with_the_same_units() -> None:
    coarse = mfn.Simulation(mfn.SimulationConfig(domain=(12, 20)))
    fine = mfn.Simulation(mfn.SimulationConfig(domain=(36, 60), resolution=3))
    for name in ("activator", "inhibitor", "field_mv"):
        assert np.array_equal(getattr(coarse, name).repeat(3, 0).repeat(3, 1), getattr(fine, name))


def test_a_growth_event_raises_a_unit_of_length() -> None:
    config = mfn.SimulationConfig(
        domain=(16, 24), resolution=4, steps=1, spike_probability=1.0, alpha=0.0, leak=0.0, turing_enabled=False
    )
    simulation = mfn.Simulation(config)
    before = simulation.field_mv
    simulation.advance(1)
    raised = np.argwhere(np.abs(simulation.field_mv - before) > 1.0)
    assert len(raised) == 16
    assert (np.ptp(raised, axis=0) == 3).all()
    assert (raised[0] % 4 == 0).all()


def test_a_stimulus_is_given_in_units() -> None:
    spot = mfn.Stimulus(step=0, row=5, column=3, radius=2, variable="potential", value=0.0)
    settings: dict[str, Any] = {"steps": 1, "stimuli": (spot,), "alpha": 0.0, "leak": 0.0, "spike_probability": 0.0}
    settings["turing_enabled"] = False
    fine = mfn.simulate(mfn.SimulationConfig(domain=(36, 48), resolution=3, **settings))
    rows, columns = np.nonzero(fine.field_mv == 0.0)
    assert rows.mean() == pytest.approx(3 * 5 + 1)
    assert columns.mean() == pytest.approx(3 * 3 + 1)
    assert rows.size == pytest.approx(np.pi * 36, rel=0.1)


@pytest.mark.parametrize("start", ["noise", "patches", "front", "spiral"])
def test_every_start_fills_a_rectangle(start: Any) -> None:
    config = mfn.SimulationConfig(domain=(24, 40), kinetics="gray-scott", start=start, steps=3)
    result = mfn.simulate(config)
    assert result.activator.shape == (24, 40)
    assert np.ptp(result.activator) > 0.1
    assert result.features.names == mfn.FEATURE_NAMES


def test_a_domain_names_its_longer_side_and_a_square_is_none() -> None:
    config = mfn.SimulationConfig(domain=(24, 40))
    assert (config.grid_size, config.shape) == (40, (24, 40))
    assert mfn.SimulationConfig.model_validate_json(config.model_dump_json()) == config
    assert mfn.SimulationConfig(domain=(32, 32)) == mfn.SimulationConfig(grid_size=32)
    assert mfn.SimulationConfig(domain=(32, 32)).digest() == mfn.SimulationConfig(grid_size=32).digest()


def test_what_a_method_cannot_do_is_refused() -> None:
    with pytest.raises(InvalidInputError, match="makes grid_size 40; leave out grid_size = 64"):
        mfn.SimulationConfig(grid_size=64, domain=(24, 40))
    with pytest.raises(InvalidInputError, match="multiples of resolution"):
        mfn.SimulationConfig(grid_size=64, resolution=3)
    with pytest.raises(InvalidInputError, match="use 'heun' with 'dirichlet'"):
        mfn.SimulationConfig(scheme="exponential", boundary="dirichlet")
    with pytest.raises(InvalidInputError, match=r"\[0, 24\) and \[0, 40\)"):
        mfn.SimulationConfig(domain=(24, 40), stimuli=(mfn.Stimulus(0, 30, 3, 2, "activator", 1.0),))
    with pytest.raises(InvalidInputError, match=r"shape \(24, 40\) of the domain"):
        mfn.simulate(mfn.SimulationConfig(domain=(24, 40)), np.full((40, 24), -70.0))


@pytest.mark.parametrize("scheme", SCHEMES)
def test_doubling_tells_the_error_of_a_step(scheme: Any) -> None:
    errors = []
    for substeps in (10, 20):
        simulation = mfn.Simulation(mfn.SimulationConfig(grid_size=24, scheme=scheme, least_substeps=substeps))
        simulation.advance(3)
        before = simulation.result.digest
        errors.append(simulation.step_error())
        assert simulation.result.digest == before
    assert 0 < errors[1] < errors[0] < 0.01


def test_a_substep_that_is_too_long_is_refused_with_the_way_out() -> None:
    fast = {"r_a": 3.0, "r_h": 4.5, "D_h": 20.0, "D_a": 1.0}
    config = mfn.SimulationConfig(grid_size=32, steps=2, scheme="exponential", kinetics_parameters=fast)
    with pytest.raises(StabilityError, match="set least_substeps to 4"):
        mfn.simulate(config)


@pytest.mark.parametrize("periodic", [True, False])
def test_the_window_of_the_monitor_fits_a_rectangle(periodic: bool) -> None:
    field = np.arange(20.0 * 150).reshape(20, 150)
    assert window(field, 512, periodic=periodic).shape == (32, 140)


def test_an_exponent_of_a_rectangle_is_that_of_its_leak() -> None:
    config = mfn.SimulationConfig(domain=(8, 16), turing_enabled=False, leak=0.1)
    assert mfn.lyapunov_exponent(config, steps=50) == pytest.approx(np.log(0.9), rel=1e-2)
