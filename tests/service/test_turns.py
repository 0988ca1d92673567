"""Places that are few go round."""

from __future__ import annotations

import asyncio

import pytest

from mycelium_fractal_net.service.core.turns import Turns

pytestmark = pytest.mark.anyio


async def _hold(turns: Turns, who: str, order: list[str], leave: asyncio.Event) -> None:
    async with turns.taken(who):
        order.append(who)
        await leave.wait()


async def _settle() -> None:
    for _ in range(10):
        await asyncio.sleep(0)


async def test_one_caller_has_half_and_a_newcomer_does_not_wait_behind_it() -> None:
    turns, order, leave = Turns(4), list[str](), asyncio.Event()
    tasks = [asyncio.create_task(_hold(turns, "greedy", order, leave)) for _ in range(20)]
    await _settle()
    assert order == ["greedy"] * 2
    tasks.append(asyncio.create_task(_hold(turns, "modest", order, leave)))
    await _settle()
    assert order == ["greedy", "greedy", "modest"]
    leave.set()
    await asyncio.gather(*tasks)
    assert (order.count("greedy"), turns.free, turns._lines) == (20, 4, {})


async def test_those_who_wait_take_turns() -> None:
    turns, order = Turns(2), list[str]()
    leaves = [asyncio.Event() for _ in range(8)]
    names = ["a", "b", "a", "a", "a", "b", "c", "c"]
    tasks = [asyncio.create_task(_hold(turns, who, order, leave)) for who, leave in zip(names, leaves, strict=True)]
    await _settle()
    assert order == ["a", "b"]
    for leave in leaves:
        leave.set()
    await asyncio.gather(*tasks)
    assert order[2:5] in (["a", "b", "c"], ["b", "a", "c"], ["a", "c", "b"])


async def test_who_gives_up_waiting_keeps_no_place() -> None:
    turns, leave = Turns(2), asyncio.Event()
    holding = asyncio.create_task(_hold(turns, "a", [], leave))
    await _settle()
    waiting = [asyncio.create_task(_hold(turns, "a", [], asyncio.Event())) for _ in range(2)]
    await _settle()
    waiting[0].cancel()
    await _settle()
    leave.set()
    await holding  # the other one's turn has come, and it gives up before it runs
    waiting[1].cancel()
    await asyncio.gather(*waiting, return_exceptions=True)
    assert (turns.free, turns._lines) == (2, {})
