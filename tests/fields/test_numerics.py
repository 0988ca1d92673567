"""The discrete equations are the right ones: order of convergence, dispersion, conservation, exact modes."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import mycelium_fractal_net as mfn
from mycelium_fractal_net.fields import get_kinetics
from tests.fields.helpers import Field, mode, probe, quiet, started, symbol
from tests.fields.test_trace import BUILT_IN


def heat(**values: Any) -> mfn.SimulationConfig:
    """Return a configuration whose activator only diffuses, with ``D_a`` = 0.2 in one substep."""
    return quiet(kinetics=probe().name, **values)


def laplacian_error(n: int) -> float:
    """Return the error of one step's Laplacian for ``exp(sin x + cos y)`` on n^2 cells of a torus of side 2 pi."""
    x, y = 2 * np.pi * np.indices((n, n)) / n
    u = np.exp(np.sin(x) + np.cos(y))
    exact = u * (np.cos(x) ** 2 - np.sin(x) + np.sin(y) ** 2 - np.cos(y))
    simulation = started(heat(grid_size=n), activator=u)
    simulation.advance(1)
    return float(np.abs((simulation.activator - u) / 0.2 * (n / (2 * np.pi)) ** 2 - exact).max())


def test_the_laplacian_is_of_second_order_in_space() -> None:
    errors = [laplacian_error(n) for n in (16, 32, 64, 128)]
    orders = np.log2(np.array(errors[:-1]) / errors[1:])
    assert orders[-1] == pytest.approx(2, abs=0.02)
    assert np.all(orders > 1.8)


def test_diffusion_of_a_mode_converges_to_the_heat_equation() -> None:
    errors = []
    for n, d in ((16, 0.2), (32, 0.8), (64, 3.2)):
        simulation = started(heat(grid_size=n, kinetics_parameters={"D_a": d}), activator=mode(n, 1, 1))
        simulation.advance(5)
        exact = np.exp(-5 * 0.2 * 2 * (2 * np.pi / 16) ** 2) * mode(n, 1, 1)
        errors.append(float(np.abs(simulation.activator - exact).max()))
    assert np.log2(np.array(errors[:-1]) / errors[1:]) == pytest.approx(2, abs=0.1)


def exact_pair(start: tuple[Field, Field], steps: float) -> Field:
    """Integrate the default kinetics on the lattice with a high-order method of adaptive step."""
    from scipy.integrate import solve_ivp

    n = len(start[0])

    def rates(_: float, state: Any) -> Any:
        pair = state.reshape(2, n, n)
        lap = sum(np.roll(pair, s, axis) for s in (-1, 1) for axis in (1, 2)) - 4 * pair
        f, g = get_kinetics("mycelium").rates(pair[0], pair[1], r_a=0.25, r_h=0.375)
        return np.stack([0.1 * lap[0] + f, 0.2 * lap[1] + g]).ravel()

    solution = solve_ivp(rates, (0, steps), np.stack(start).ravel(), method="DOP853", rtol=1e-12, atol=1e-13)
    return np.asarray(solution.y[:, -1].reshape(2, n, n)[0])


def test_the_pair_is_of_first_order_in_time() -> None:
    start = 0.5 + 0.3 * mode(8, 1, 1), 0.5 + 0.1 * mode(8, 0, 1)
    exact, errors = exact_pair(start, 6), []
    for m in (1, 2, 4, 8):
        slower = {"D_a": 0.1 / m, "D_h": 0.2 / m, "r_a": 0.25 / m, "r_h": 0.375 / m}
        simulation = started(quiet(grid_size=8, kinetics_parameters=slower), activator=start[0], inhibitor=start[1])
        simulation.advance(6 * m)
        errors.append(np.abs(simulation.activator - exact).max())
    orders = np.log2(np.array(errors[:-1]) / errors[1:])
    assert orders[-1] == pytest.approx(1, abs=0.05)


@pytest.mark.parametrize("waves", [(0, 0), (0, 2), (3, 4), (12, 12)])
@pytest.mark.parametrize("name", BUILT_IN)
def test_a_small_mode_evolves_as_the_dispersion_relation_says(name: str, waves: tuple[int, int]) -> None:
    n, eps, steps = 24, 1e-7, 6
    config, report = quiet(grid_size=n, kinetics=name), mfn.linear_stability(name)
    s, shape = symbol(*(2 * np.pi * w / n for w in waves)), mode(n, *waves)
    diffusion = np.diag([report.parameters["D_a"], report.parameters["D_h"]])
    substep = np.eye(2) + (report.jacobian - s * diffusion) / config.substeps
    expected = np.linalg.matrix_power(substep, steps * config.substeps) @ [1.0, 0.5]
    a, h = report.steady_state
    simulation = started(config, activator=a + eps * shape, inhibitor=h + 0.5 * eps * shape)
    simulation.advance(steps)
    weight = np.sum(shape * shape)
    found = [
        np.sum((field - rest) * shape) / weight / eps for field, rest in zip(pair(simulation), (a, h), strict=True)
    ]
    assert found == pytest.approx(expected, rel=1e-5, abs=1e-7)


def pair(simulation: mfn.Simulation) -> tuple[Field, Field]:
    return simulation.activator, simulation.inhibitor


@pytest.mark.parametrize("name", ["brusselator", "gierer-meinhardt", "mycelium", "schnakenberg"])
def test_the_fastest_mode_grows_at_the_rate_of_the_report(name: str) -> None:
    report, n = mfn.linear_stability(name), 60
    waves = round(n / report.wavelength_lattice_cells)
    k = 2 * np.pi * waves / n
    rate = float(report.growth_rate(k, lattice=True))
    diffusion = np.diag([report.parameters["D_a"], report.parameters["D_h"]])
    values, vectors = np.linalg.eig(report.jacobian - (2 - 2 * np.cos(k)) * diffusion)
    vector, (a, h) = vectors[:, values.real.argmax()].real * 1e-8, report.steady_state
    config, shape = quiet(grid_size=n, kinetics=name), mode(n, 0, waves)
    simulation = started(config, activator=a + vector[0] * shape, inhibitor=h + vector[1] * shape)
    simulation.advance(40)
    grown = np.ptp(simulation.activator) / np.ptp(vector[0] * shape)
    euler = config.substeps * np.log1p(rate / config.substeps)
    assert rate > 0
    assert np.log(grown) / 40 == pytest.approx(euler, rel=1e-5)
    assert euler == pytest.approx(rate, rel=rate / config.substeps)


@pytest.mark.parametrize("boundary", ["periodic", "neumann"])
@pytest.mark.parametrize(("dtype", "tolerance"), [("float64", 1e-13), ("float32", 1e-5)])
def test_closed_boundaries_conserve_what_diffuses(boundary: Any, dtype: Any, tolerance: float) -> None:
    simulation = mfn.Simulation(heat(grid_size=33, boundary=boundary, dtype=dtype, kinetics_parameters={"D_h": 2.0}))
    before = [field.sum(dtype=np.float64) for field in pair(simulation)]
    simulation.advance(100)
    after = [field.sum(dtype=np.float64) for field in pair(simulation)]
    assert after == pytest.approx(before, rel=tolerance)
    assert np.std(simulation.activator) < 0.01


@pytest.mark.parametrize("boundary", ["periodic", "neumann"])
def test_without_leak_drive_and_events_the_potential_is_conserved(boundary: Any) -> None:
    simulation = mfn.Simulation(quiet(grid_size=40, leak=0.0, turing_enabled=False, boundary=boundary))
    before = simulation.field_mv.sum()
    simulation.advance(200)
    assert simulation.field_mv.sum() == pytest.approx(before, rel=1e-13)


def lattice_mode(boundary: str, n: int, m: int) -> tuple[Field, float]:
    """Return an exact mode along one axis, (n, n), and its symbol; the mode of the other axis is the constant's."""
    j = np.arange(n)
    if boundary == "periodic":
        wave, k = np.cos(2 * np.pi * m * j / n), 2 * np.pi * m / n
    else:
        wave, k = np.cos(np.pi * m * (j + 0.5) / n), np.pi * m / n
    return np.tile(wave, (n, 1)), 2 - 2 * float(np.cos(k))


@pytest.mark.parametrize("m", [1, 3, 8])
@pytest.mark.parametrize("boundary", ["periodic", "neumann"])
def test_modes_of_closed_boundaries_decay_by_the_exact_factor(boundary: Any, m: int) -> None:
    wave, s = lattice_mode(boundary, 16, m)
    for field in (wave, wave.T):
        simulation = started(quiet(grid_size=16, boundary=boundary, turing_enabled=False), field_mv=-70 + 10 * field)
        simulation.advance(7)
        assert simulation.field_mv == pytest.approx(-70 + 10 * (1 - 0.1 - 0.18 * s) ** 7 * field, abs=1e-11)


@pytest.mark.parametrize(("p", "q"), [(1, 1), (2, 5), (16, 3)])
def test_modes_of_the_held_boundary_vanish_one_cell_outside(p: int, q: int) -> None:
    n, i = 16, np.arange(1, 17)
    wave = np.outer(np.sin(np.pi * p * i / (n + 1)), np.sin(np.pi * q * i / (n + 1)))
    s = symbol(np.pi * p / (n + 1), np.pi * q / (n + 1))
    config = quiet(grid_size=n, boundary="dirichlet", turing_enabled=False)
    simulation = started(config, field_mv=-70 + 10 * wave)
    simulation.advance(7)
    assert simulation.field_mv == pytest.approx(-70 + 10 * (1 - 0.1 - 0.18 * s) ** 7 * wave, abs=1e-11)


@pytest.mark.parametrize("boundary", ["periodic", "neumann", "dirichlet"])
@pytest.mark.parametrize("name", BUILT_IN)
def test_the_steady_state_stays(name: str, boundary: Any) -> None:
    a, h = mfn.linear_stability(name).steady_state
    config = quiet(grid_size=12, kinetics=name, boundary=boundary, turing_drive_mv=0.0)
    simulation = started(config, activator=np.full((12, 12), a), inhibitor=np.full((12, 12), h), field_mv=REST)
    simulation.advance(50)
    np.testing.assert_allclose(simulation.activator, a, atol=1e-12)
    np.testing.assert_allclose(simulation.inhibitor, h, atol=1e-12)
    np.testing.assert_array_equal(simulation.field_mv, -70.0)


REST = np.full((12, 12), -70.0)


def test_a_held_boundary_draws_the_potential_to_rest_where_a_closed_one_does_not() -> None:
    start, fields = np.full((16, 16), -60.0), {}
    for boundary in ("periodic", "neumann", "dirichlet"):
        config = mfn.SimulationConfig(
            grid_size=16, leak=0.0, turing_enabled=False, spike_probability=0.0, boundary=boundary
        )
        fields[boundary] = started(config, field_mv=start)
        fields[boundary].advance(2000)
    np.testing.assert_allclose(fields["dirichlet"].field_mv, -70.0, atol=1e-3)
    np.testing.assert_array_equal(fields["periodic"].field_mv, start)
    np.testing.assert_array_equal(fields["neumann"].field_mv, start)


TRANSFORMATIONS: dict[str, Callable[[Any], Any]] = {
    "turned": np.rot90,
    "upside down": np.flipud,
    "mirrored": np.fliplr,
    "transposed": np.transpose,
    "shifted": lambda field: np.roll(field, (5, 11), (0, 1)),
}


@pytest.mark.parametrize("how", sorted(TRANSFORMATIONS))
@pytest.mark.parametrize("tile", [None, (32, 7)], ids=["whole", "tiles"])
def test_a_transformed_start_gives_the_transformed_field_to_the_bit(how: str, tile: Any) -> None:
    transform, config = TRANSFORMATIONS[how], quiet(grid_size=48, turing_threshold=0.55)
    plain = mfn.Simulation(config)
    other = started(
        config,
        activator=transform(plain.activator),
        inhibitor=transform(plain.inhibitor),
        field_mv=transform(plain.field_mv),
    )
    if tile is not None:
        other._engine.use_tiles(tile)
    for simulation in (plain, other):
        simulation.advance(40)
    np.testing.assert_array_equal(other.field_mv, transform(plain.field_mv))
    np.testing.assert_array_equal(other.activator, transform(plain.activator))


@pytest.mark.parametrize("method", [{"stencil": 9}, {"scheme": "heun"}, {"scheme": "heun", "stencil": 9}])
def test_a_shifted_start_gives_the_shifted_field_with_every_explicit_method(method: Any) -> None:
    transform, config = TRANSFORMATIONS["shifted"], quiet(grid_size=24, **method)
    plain = mfn.Simulation(config)
    fields = {name: transform(getattr(plain, name)) for name in ("activator", "inhibitor", "field_mv")}
    other = started(config, **fields)
    for simulation in (plain, other):
        simulation.advance(30)
    for name in fields:
        np.testing.assert_array_equal(getattr(other, name), transform(getattr(plain, name)))


@pytest.mark.parametrize("boundary", ["neumann", "dirichlet"])
@pytest.mark.parametrize("how", ["turned", "upside down", "mirrored", "transposed"])
def test_so_do_turns_and_mirrors_under_the_other_boundaries(how: str, boundary: Any) -> None:
    transform, config = TRANSFORMATIONS[how], quiet(grid_size=30, boundary=boundary)
    plain = mfn.Simulation(config)
    other = started(config, activator=transform(plain.activator), field_mv=transform(plain.field_mv))
    for simulation in (plain, other):
        simulation.advance(30)
    np.testing.assert_array_equal(other.field_mv, transform(plain.field_mv))


def test_the_clamp_holds_and_counts() -> None:
    config = mfn.SimulationConfig(grid_size=32, steps=40, clamp_mv=(-72.0, -68.0), spike_probability=1.0)
    history, result = mfn.simulate_history(config), mfn.simulate(config)
    assert (history.min(), history.max()) == (-72.0, -68.0)
    assert result.clamping_events > 0
    assert mfn.simulate(quiet(grid_size=32, steps=40)).clamping_events == 0


def test_single_precision_follows_double_precision() -> None:
    one, other = (mfn.simulate(quiet(grid_size=64, steps=16, dtype=dtype)) for dtype in ("float64", "float32"))
    np.testing.assert_allclose(other.activator, one.activator, atol=2e-5)
    np.testing.assert_allclose(other.field_mv, one.field_mv, atol=2e-2)
