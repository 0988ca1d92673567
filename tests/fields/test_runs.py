import threading
import tracemalloc
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

import mycelium_fractal_net as mfn
from mycelium_fractal_net.errors import CancelledError, DivergedError, InvalidInputError
from tests.fields.helpers import probe, quiet, use_tiles

SMALL = mfn.SimulationConfig(grid_size=16, steps=20)


class CancelAtLook(threading.Event):
    """An event that is set when it is looked at for the n-th time: cancellation at a place that can be repeated."""

    def __init__(self, looks: int) -> None:
        super().__init__()
        self.looks = looks

    def is_set(self) -> bool:
        self.looks -= 1
        if self.looks <= 0:
            self.set()
        return super().is_set()


@pytest.mark.parametrize("looks", [1, 2, 3])
def test_a_cancelled_run_stops_at_a_whole_step_and_goes_on_with_the_same_bits(looks: int) -> None:
    config = mfn.SimulationConfig(grid_size=64, steps=900, quantum_jitter=True)
    simulation = mfn.Simulation(config)
    with pytest.raises(CancelledError, match=r"cancelled at step \d+") as caught:
        simulation.advance(900, cancel=CancelAtLook(looks))
    stopped = simulation.step
    assert caught.value.details["step"] == stopped < 900
    whole = mfn.Simulation(config)
    whole.advance(stopped)
    assert simulation.frame.digest == whole.frame.digest
    simulation.advance(30)
    whole.advance(30)
    assert simulation.frame.digest == whole.frame.digest


@pytest.mark.parametrize("looks", [1, 2, 3, 5, 8])
@pytest.mark.parametrize("threads", [1, 2])
@pytest.mark.parametrize("boundary", ["periodic", "dirichlet"])
def test_tiles_that_are_cancelled_within_a_step_leave_no_trace(looks: int, threads: int, boundary: Any) -> None:
    config = mfn.SimulationConfig(grid_size=160, steps=6, spike_probability=1.0, quantum_jitter=True, boundary=boundary)
    simulation = use_tiles(mfn.Simulation(config, threads=threads), (32, 40))
    with pytest.raises(CancelledError, match="cancelled at step"):
        simulation.advance(6, cancel=CancelAtLook(looks))
    simulation.advance(6 - simulation.step)
    expected = mfn.simulate(config)
    assert simulation.frame.digest == expected.digest
    assert simulation.frame.step_statistics.tobytes() == expected.step_statistics.tobytes()


def test_a_large_field_can_be_cancelled_from_another_thread() -> None:
    config = mfn.SimulationConfig(grid_size=2048, steps=3, dtype="float32", spike_probability=1.0)
    simulation, cancel = mfn.Simulation(config, threads=1), threading.Event()
    simulation.advance(1)
    timer = threading.Timer(0.02, cancel.set)
    timer.start()
    with pytest.raises(CancelledError, match="cancelled at step"):
        simulation.advance(1000, cancel=cancel)
    timer.join()
    simulation.advance(max(0, 3 - simulation.step))
    whole = mfn.Simulation(config, threads=2)
    whole.advance(simulation.step)
    assert simulation.frame.digest == whole.frame.digest


def test_nothing_runs_when_the_run_was_cancelled_before() -> None:
    cancel = threading.Event()
    cancel.set()
    with pytest.raises(CancelledError, match="cancelled at step 0 of 20"):
        mfn.simulate(SMALL, cancel=cancel)


def test_progress_grows_to_the_last_step() -> None:
    calls: list[tuple[int, int]] = []
    config = mfn.SimulationConfig(grid_size=64, steps=500)
    mfn.simulate(config, progress=lambda step, steps: calls.append((step, steps)))
    steps = [step for step, _ in calls]
    assert len(calls) > 1
    assert steps == sorted(set(steps))
    assert calls[-1] == (500, 500)
    assert {total for _, total in calls} == {500}


def test_an_error_in_the_progress_callback_reaches_the_caller() -> None:
    def broken(step: int, steps: int) -> None:
        raise LookupError("own trouble")

    with pytest.raises(LookupError, match="own trouble"):
        mfn.simulate(SMALL, progress=broken)


HOSTILE: list[Any] = [
    np.full((15, 16), -70.0), np.full(256, -70.0), np.full((1, 16, 16), -70.0), -70.0, [], None,
    [[-70.0] * 16] * 15 + [[-70.0]], np.full((16, 16), -70.0 + 0j), np.full((16, 16), "x"),
    np.full((16, 16), None), np.zeros((16, 16), dtype=bool), np.full((16, 16), np.nan), np.full((16, 16), np.inf),
    np.full((16, 16), -95.1), np.full((16, 16), 40.1), np.zeros((16, 16), "datetime64[s]"), object(), "field",
]  # fmt: skip


@pytest.mark.parametrize("field", [case for case in HOSTILE if case is not None], ids=lambda x: type(x).__name__)
def test_unusable_starts_are_refused(field: Any) -> None:
    with pytest.raises(InvalidInputError, match="initial_field_mv"):
        mfn.simulate(SMALL, initial_field_mv=field)


@pytest.mark.parametrize("dtype", [np.float64, np.float32, np.float16, np.int8, ">f8"])
def test_starts_of_any_real_type_are_taken(dtype: Any) -> None:
    field = np.full((16, 16), -50).astype(dtype)
    expected = mfn.simulate(SMALL, initial_field_mv=[[-50.0] * 16] * 16)
    assert mfn.simulate(SMALL, initial_field_mv=field).digest == expected.digest


def test_a_start_is_copied_and_leaves_the_rest_of_the_randomness_alone() -> None:
    field = np.full((16, 16), -60.0)
    simulation = mfn.Simulation(SMALL, field)
    field[:] = 0.0
    assert (simulation.field_mv == -60.0).all()
    assert np.array_equal(simulation.activator, mfn.Simulation(SMALL).activator)
    simulation.advance(20)
    assert simulation.growth_events == mfn.simulate(SMALL).growth_events


def test_replaced_fields_are_checked() -> None:
    simulation = mfn.Simulation(SMALL)
    with pytest.raises(InvalidInputError, match=r"activator must have the shape \(16, 16\)"):
        simulation.replace_fields(activator=np.zeros((3, 3)))
    with pytest.raises(InvalidInputError, match="inhibitor must be finite, but 256 cells are not"):
        simulation.replace_fields(inhibitor=np.full((16, 16), np.nan))


def test_what_comes_out_does_not_change_later() -> None:
    simulation = mfn.Simulation(SMALL)
    frame = simulation.frame
    kept = frame.field_mv.copy()
    simulation.advance(5)
    np.testing.assert_array_equal(frame.field_mv, kept)
    with pytest.raises(ValueError, match="read-only"):
        frame.field_mv[:] = 0


@pytest.mark.parametrize("name", ["field_mv", "activator", "inhibitor", "step_statistics"])
def test_a_result_cannot_be_changed_but_its_copies_can(name: str) -> None:
    result = mfn.simulate(SMALL)
    array, digest = getattr(result, name), result.digest
    with pytest.raises(ValueError, match="read-only"):
        array -= 1.0
    own = array.copy()
    own -= 1.0
    again = mfn.simulate(SMALL)
    assert (again.digest, again.features.to_dict()) == (digest, result.features.to_dict())
    assert mfn.extract_features(result.field_mv).V_mean == result.features.V_mean


@pytest.mark.parametrize(("dtype", "huge"), [("float32", 3e38), ("float64", 1.7e308)])
@pytest.mark.parametrize("grid_size", [16, 700])
def test_a_potential_that_leaves_the_finite_numbers_is_reported(dtype: Any, huge: float, grid_size: int) -> None:
    simulation = mfn.Simulation(mfn.SimulationConfig(grid_size=grid_size, steps=5, dtype=dtype))
    simulation.advance(1)
    simulation.replace_fields(field_mv=np.full((grid_size, grid_size), huge))
    with pytest.raises(mfn.DivergedError, match="the potential is no longer finite at step 2"):
        simulation.advance(3)


def test_a_potential_whose_square_alone_overflows_is_clamped_and_goes_on() -> None:
    simulation = mfn.Simulation(SMALL)
    simulation.replace_fields(field_mv=np.full((16, 16), 1e200))
    simulation.advance(1)
    assert simulation.field_mv.max() <= SMALL.clamp_mv[1]


@pytest.mark.parametrize("config", [None, {}, "mycelium", {"grid_size": 8}])
def test_a_configuration_is_needed(config: Any) -> None:
    with pytest.raises(InvalidInputError, match="config must be a SimulationConfig, got"):
        mfn.simulate(config)


@pytest.mark.parametrize("steps", [-1, 1.0, True, "3", None])
def test_steps_are_whole_numbers(steps: Any) -> None:
    with pytest.raises(InvalidInputError, match="steps must be a whole number >= 0; got"):
        mfn.Simulation(SMALL).advance(steps)


@pytest.mark.parametrize("every", [0, -1, 1.5, False])
def test_strides_are_whole_numbers(every: Any) -> None:
    with pytest.raises(InvalidInputError, match="every must be a whole number >= 1; got"):
        next(mfn.Simulation(SMALL).frames(every))
    with pytest.raises(InvalidInputError, match="every must be a whole number >= 1; got"):
        mfn.simulate_history(SMALL, every=every)


@pytest.mark.parametrize("every", [1, 6, 20, 99])
def test_a_history_holds_the_start_the_multiples_and_the_end(every: int) -> None:
    history = mfn.simulate_history(SMALL, every)
    expected = [mfn.Simulation(SMALL).field_mv, *(f.field_mv for f in mfn.Simulation(SMALL).frames(every))]
    np.testing.assert_array_equal(history, np.stack(expected))


def configurations(count: int) -> Iterator[mfn.SimulationConfig]:
    return (mfn.SimulationConfig(grid_size=12, steps=6, seed=seed) for seed in range(count))


@pytest.mark.parametrize("threads", [None, 1, 3])
def test_an_ensemble_gives_the_results_in_order(threads: int | None) -> None:
    digests = [result.digest for result in mfn.simulate_ensemble(configurations(9), threads=threads)]
    assert digests == [mfn.simulate(config).digest for config in configurations(9)]


def test_an_ensemble_reads_its_configurations_as_it_goes() -> None:
    taken: list[int] = []

    def endless() -> Iterator[mfn.SimulationConfig]:
        seed = 0
        while True:
            taken.append(seed)
            yield mfn.SimulationConfig(grid_size=8, steps=1, seed=seed)
            seed += 1

    results = mfn.simulate_ensemble(endless(), threads=2)
    assert [next(results).config.seed for _ in range(5)] == [0, 1, 2, 3, 4]
    results.close()
    assert len(taken) <= 5 + 4


def test_an_empty_ensemble_is_empty() -> None:
    assert list(mfn.simulate_ensemble([])) == []


def test_an_ensemble_raises_what_a_member_raises() -> None:
    bad = quiet(grid_size=8, steps=50, kinetics=probe().name, kinetics_parameters={"square": 0.5})
    results = mfn.simulate_ensemble([SMALL, bad, SMALL])
    assert next(results).config == SMALL
    with pytest.raises(DivergedError, match="kinetics 'probe'"):
        next(results)


@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_a_run_needs_fewer_than_eight_fields_beyond_its_result(dtype: Any) -> None:
    config = quiet(grid_size=512, steps=1, dtype=dtype)
    mfn.simulate(quiet(grid_size=8, steps=1, dtype=dtype))
    field = 512 * 512 * np.dtype(dtype).itemsize
    tracemalloc.start()
    result = mfn.simulate(config)
    kept, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert result.field_mv.nbytes == field
    assert peak - 3 * field <= 8 * field
    assert kept <= 3.5 * field


def test_no_history_is_kept_unless_it_is_asked_for() -> None:
    mfn.simulate(quiet(grid_size=96, steps=1))
    peaks = []
    for steps in (4, 64):
        tracemalloc.start()
        mfn.simulate(quiet(grid_size=96, steps=steps))
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert peaks[1] - peaks[0] < 60 * 5 * 8 * 3 + 20_000


def test_an_ensemble_stops_within_a_field_and_leaves_the_event_alone() -> None:
    configs = [mfn.SimulationConfig(grid_size=16, steps=5000, seed=seed) for seed in range(3)]
    with pytest.raises(CancelledError, match="cancelled at step"):
        list(mfn.simulate_ensemble(configs, 1, CancelAtLook(3)))
    cancel = threading.Event()
    assert next(mfn.simulate_ensemble([SMALL] * 2, 1, cancel)).step == 20
    assert not cancel.is_set()


class _Lender(threading.Event):
    """Notes in which threads it is asked."""

    def __init__(self) -> None:
        super().__init__()
        self.asked: set[int] = set()

    def is_set(self) -> bool:
        self.asked.add(threading.get_ident())
        return False


def test_an_ensemble_of_one_thread_runs_in_the_callers() -> None:
    cancel = _Lender()
    assert len(list(mfn.simulate_ensemble(configurations(3), 1, cancel))) == 3
    assert cancel.asked == {threading.get_ident()}
