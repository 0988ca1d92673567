import json
from pathlib import Path
from typing import Any

import pytest

import mycelium_fractal_net as mfn
from tests.fields.golden import CONFIGURATIONS, GOLDEN, digests_of

FAST = mfn.SimulationConfig(grid_size=40, steps=24, quantum_jitter=True)


@pytest.mark.parametrize("name", sorted(CONFIGURATIONS))
def test_results_have_the_digests_of_the_golden_file(name: str) -> None:
    assert digests_of(name) == json.loads(GOLDEN.read_text("utf-8"))[name]


def test_the_golden_file_holds_nothing_else() -> None:
    assert set(json.loads(GOLDEN.read_text("utf-8"))) == set(CONFIGURATIONS)


@pytest.mark.parametrize("boundary", ["periodic", "neumann", "dirichlet"])
@pytest.mark.parametrize("threads", [2, 3])
def test_threads_do_not_change_the_result(boundary: Any, threads: int) -> None:
    config = mfn.SimulationConfig(grid_size=300, steps=3, boundary=boundary, quantum_jitter=True)
    one, more = mfn.simulate(config, threads=1), mfn.simulate(config, threads=threads)
    assert more.digest == one.digest
    assert more.step_statistics.tobytes() == one.step_statistics.tobytes()


@pytest.mark.parametrize("every", [1, 7, 24, 100])
def test_strides_do_not_change_the_result(every: int) -> None:
    frames = list(mfn.Simulation(FAST).frames(every))
    assert [frame.step for frame in frames] == sorted({*range(every, 24, every), 24})
    assert frames[-1].digest == mfn.simulate(FAST).digest


@pytest.mark.parametrize("tile", [None, (32, 13)], ids=["whole", "tiles"])
@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("boundary", ["periodic", "neumann", "dirichlet"])
def test_a_resumed_run_ends_like_one_that_was_never_interrupted(
    tmp_path: Path, boundary: Any, dtype: Any, tile: Any
) -> None:
    config = mfn.SimulationConfig(**{**FAST.model_dump(), "boundary": boundary, "dtype": dtype})
    simulation = mfn.Simulation(config)
    if tile is not None:
        simulation._engine.use_tiles(tile)
    simulation.advance(11)
    simulation.save(tmp_path / "checkpoint.npz")
    resumed = mfn.Simulation.load(tmp_path / "checkpoint.npz")
    assert (resumed.step, resumed.config) == (11, config)
    resumed.advance(13)
    expected = mfn.simulate(config)
    assert resumed.result.digest == expected.digest
    assert resumed.result.step_statistics.tobytes() == expected.step_statistics.tobytes()


def test_a_simulation_may_go_beyond_its_steps() -> None:
    simulation = mfn.Simulation(mfn.SimulationConfig(grid_size=16, steps=5))
    simulation.advance(12)
    longer = mfn.simulate(mfn.SimulationConfig(grid_size=16, steps=12))
    assert simulation.step == 12
    assert simulation.field_mv.tobytes() == longer.field_mv.tobytes()


def test_seeds_make_different_fields() -> None:
    fields = {mfn.simulate(mfn.SimulationConfig(grid_size=8, steps=2, seed=seed)).digest for seed in range(20)}
    assert len(fields) == 20


def test_jitter_leaves_events_and_start_as_they_are() -> None:
    calm = mfn.SimulationConfig(grid_size=16, steps=40)
    rough = mfn.SimulationConfig(grid_size=16, steps=40, quantum_jitter=True)
    assert mfn.Simulation(calm).frame.digest == mfn.Simulation(rough).frame.digest
    one, other = mfn.simulate(calm), mfn.simulate(rough)
    assert one.growth_events == other.growth_events
    assert one.activator.tobytes() == other.activator.tobytes()
    assert one.field_mv.tobytes() != other.field_mv.tobytes()


def test_the_digest_covers_fields_and_counters() -> None:
    result = mfn.simulate(mfn.SimulationConfig(grid_size=8, steps=3))
    assert len(result.digest) == 64
    assert result.digest == mfn.simulate(result.config).digest
