"""What is pickled, copied, or crosses the border of a process arrives with all it carries."""

import copy
import dataclasses
import multiprocessing
import pickle
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any

import pytest

import mycelium_fractal_net as mfn
from mycelium_fractal_net import errors
from mycelium_fractal_net.dynamics import get_system, list_systems
from mycelium_fractal_net.fields import Change
from tests.fields.helpers import probe

CLASSES = [getattr(errors, name) for name in errors.__all__]
EXPLODING = {"base": {"a": 1}, "value": 10**400, "range": (0, 1), "array": [1.5, None]}


def _back(data: bytes) -> Any:
    return pickle.loads(data)  # noqa: S301 # our own


WAYS: list[Callable[[Any], Any]] = [
    copy.copy,
    copy.deepcopy,
    *(lambda x, protocol=protocol: _back(pickle.dumps(x, protocol)) for protocol in range(6)),
]


def make(cls: type[errors.MFNError]) -> errors.MFNError:
    error = cls("it went wrong", **({"step": 3} if cls is errors.DivergedError else {}), **EXPLODING)
    error.add_note("while the row was computed")
    return error


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("cls", CLASSES)
def test_every_error_arrives_with_all_it_carries(cls: type[errors.MFNError], way: Callable[[Any], Any]) -> None:
    error = make(cls)
    found = way(error)
    assert type(found) is cls
    assert (found.args, vars(found), str(found)) == (error.args, vars(error), str(error))
    assert found.details["value"] == 10**400


def test_what_cannot_be_pickled_arrives_as_its_text() -> None:
    error = errors.InvalidInputError("no", value=lambda: 1, inner={"lock": multiprocessing.get_context().Lock})
    assert "lambda" in _back(pickle.dumps(error)).details["value"]
    assert copy.copy(error).details["value"] is error.details["value"]


class OwnError(errors.InvalidInputError):
    """An error that takes other arguments than its parents."""

    def __init__(self, row: int, *, why: str) -> None:
        super().__init__(f"row {row}: {why}", row=row)
        self.row = row


def test_an_error_of_ones_own_arrives_too() -> None:
    found = _back(pickle.dumps(OwnError(7, why="wet")))
    assert (str(found), found.row, found.details) == ("row 7: wet", 7, {"row": 7})


SCRIPT = """
import multiprocessing as mp
from concurrent.futures import ProcessPoolExecutor
import mycelium_fractal_net as mfn

def diverge(step):
    raise mfn.DivergedError("it left the finite numbers", step=step)

def told(run):
    try:
        run()
    except mfn.DivergedError as error:
        print(error.step, error.details, flush=True)

if __name__ == "__main__":
    context = mp.get_context("spawn")
    with context.Pool(1) as pool:
        told(lambda: pool.map(diverge, [3]))
    with ProcessPoolExecutor(1, mp_context=context) as pool:
        told(lambda: pool.submit(diverge, 4).result())
"""


def test_an_error_ends_a_pool_instead_of_hanging_it(tmp_path: Path) -> None:
    (tmp_path / "pools.py").write_text(SCRIPT)
    run = subprocess.run(
        [sys.executable, tmp_path / "pools.py"], capture_output=True, text=True, timeout=300, check=True
    )
    assert run.stdout.splitlines() == ["3 {'step': 3}", "4 {'step': 4}"]


def _digest(simulation: mfn.Simulation) -> str:
    simulation.advance(simulation.config.steps - simulation.step)
    return simulation.result.digest


def _simulate(config: mfn.SimulationConfig) -> str:
    return mfn.simulate(config).digest


@pytest.fixture
def own() -> Any:
    @mfn.kinetics("travelling", diffusion=(0.05, 1.0), steady_guess=(0.0, 0.0), noise=0.1)
    def travelling(a: Any, h: Any, gain: float = 0.1) -> Any:
        return gain * a - h**2 + 1 - 1, 0.5 * (a - h)

    return travelling


@pytest.mark.parametrize("way", WAYS[:3] + WAYS[-1:])
def test_a_kinetics_is_the_same_one_where_it_is_known(own: Any, way: Callable[[Any], Any]) -> None:
    assert way(own) is own


def test_a_kinetics_computes_alike_where_it_was_unknown(own: Any) -> None:
    other = _back(pickle.dumps(own).replace(b"travelling", b"travelleds"))
    assert other is mfn.get_kinetics("travelleds")
    for a, h in [(0.3, -0.2), (1.5, 2.25), (1j, 0.5)]:
        assert other.rates(a, h, gain=0.7) == own.rates(a, h, gain=0.7)
    assert other.trace == own.trace


@pytest.mark.slow
def test_a_simulation_goes_on_elsewhere_with_the_same_bits() -> None:
    config = mfn.SimulationConfig(grid_size=12, steps=9, kinetics=probe().name, schedule=(Change(6, "linear", 0.2),))
    simulation = mfn.Simulation(config)
    simulation.advance(4)
    with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as pool:
        there = [pool.submit(_digest, simulation).result(), pool.submit(_simulate, config).result()]
    assert there == [_digest(copy.deepcopy(simulation)), mfn.simulate(config).digest]
    assert simulation.step == 4


def test_a_configuration_does_not_change_its_kinetics_on_the_way(own: Any) -> None:
    data = pickle.dumps(mfn.SimulationConfig(kinetics=own.name))

    @mfn.kinetics(own.name, diffusion=(0.05, 1.0), steady_guess=(0.0, 0.0), noise=0.1)
    def another(a: Any, h: Any, gain: float = 0.2) -> Any:
        return gain * a - h, a - h

    with pytest.raises(errors.InvalidInputError, match=r"differs here from .*parameters.gain is .*program is "):
        _back(data)


@pytest.mark.parametrize("way", [*WAYS, dataclasses.replace])
def test_a_result_cannot_be_written_to_wherever_it_comes_from(way: Callable[[Any], Any]) -> None:
    result = mfn.simulate(mfn.SimulationConfig(grid_size=12, steps=3))
    found = way(result)
    for name in ("field_mv", "activator", "inhibitor", "step_statistics"):
        with pytest.raises(ValueError, match="read-only"):
            getattr(found, name)[0] = 0.0
    assert (found.digest, found.features) == (result.digest, result.features)
    assert dataclasses.replace(found, field_mv=found.field_mv.copy()).digest == result.digest


@pytest.mark.parametrize("name", list_systems())
def test_a_reference_system_has_the_same_exponents_elsewhere(name: str) -> None:
    system = get_system(name)
    found = _back(pickle.dumps(system))
    assert found.lyapunov_spectrum(50).tolist() == system.lyapunov_spectrum(50).tolist()
