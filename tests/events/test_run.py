"""A run as events: whole, resumed, in pieces, steered."""

from __future__ import annotations

import numpy as np
import pytest

import mycelium_fractal_net as mfn
from mycelium_fractal_net.errors import InvalidInputError
from mycelium_fractal_net.events import Completed, Event, Framed, Run

CONFIG = mfn.SimulationConfig(grid_size=24, steps=30, spike_probability=0.5)


def _frames(events: list[Event]) -> list[Framed]:
    return [event for event in events if isinstance(event, Framed)]


@pytest.mark.parametrize("every", [1, 7, 8, 30, 100])
def test_frames_stand_at_the_stride_and_at_the_end(every: int) -> None:
    events = list(Run(CONFIG, every))
    steps = [event.frame.step for event in _frames(events)]
    assert steps == sorted({*range(every, 31, every), 30})
    assert [event.sequence for event in events] == list(range(len(steps) + 2))
    assert isinstance(events[-1], Completed)
    assert events[-1].result.digest == mfn.simulate(CONFIG).digest


@pytest.mark.parametrize("known", range(5))
def test_a_resumed_run_goes_on_with_the_same_bits(known: int) -> None:
    whole, resumed = list(Run(CONFIG, 8)), list(Run(CONFIG, 8, resume_after=known))
    assert [event.sequence for event in resumed] == [event.sequence for event in whole[known + 1 :]]
    for one, other in zip(_frames(whole)[known:], _frames(resumed), strict=True):
        assert (one.frame.digest, one.growth_events) == (other.frame.digest, other.growth_events)


@pytest.mark.parametrize("known", [-1, 5, 6])
def test_only_an_event_of_the_run_can_be_resumed_after(known: int) -> None:
    with pytest.raises(InvalidInputError, match=r"resume_after must be .* 0 to 4; got"):
        Run(CONFIG, 8, resume_after=known)


def test_a_growth_event_is_the_cell_whose_potential_jumps() -> None:
    still = {"turing_enabled": False, "alpha": 0.0, "leak": 0.0, "quantum_jitter": False}
    config = mfn.SimulationConfig(**{**CONFIG.model_dump(), **still})
    before = mfn.Simulation(config).field_mv
    seen = 0
    for framed in _frames(list(Run(config, 1))):
        moved = framed.frame.field_mv - before
        assert {tuple(cell) for cell in np.argwhere(moved)} == {(one.row, one.column) for one in framed.growth_events}
        for one in framed.growth_events:
            assert moved[one.row, one.column] == pytest.approx(one.jump_mv)
            assert one.step == framed.frame.step
        before, seen = framed.frame.field_mv, seen + len(framed.growth_events)
    assert seen == mfn.simulate(config).growth_events > 0


def test_a_long_frame_is_computed_in_pieces() -> None:
    run = Run(CONFIG, every=30)
    assert run.next_piece() is not None
    pieces = [run.next_piece(longest_s=1e-9) for _ in range(3)]
    assert pieces == [None] * 3
    assert list(run)[-1].result.digest == mfn.simulate(CONFIG).digest  # type: ignore[union-attr] # the last is Completed


def test_the_configuration_of_a_steered_run_gives_its_bits() -> None:
    run = Run(CONFIG, every=10)
    for event in run:
        if event.sequence == 1:
            run.steer([mfn.Change(step=12, parameter="alpha", value=0.1)], [])
    assert isinstance(event, Completed)
    assert event.result.config.schedule
    assert mfn.simulate(event.result.config).digest == event.result.digest


def test_events_are_found_while_the_chance_changes() -> None:
    config = CONFIG.steered(0, [mfn.Change(step=10, parameter="spike_probability", value=0.0)], [])
    steps = [one.step for framed in _frames(list(Run(config, 30))) for one in framed.growth_events]
    assert steps
    assert max(steps) <= 10
    assert len(steps) == mfn.simulate(config).growth_events
