from __future__ import annotations

import asyncio
import os
import sys
from pathlib import Path

import pytest

from mycelium_fractal_net.fields import SimulationConfig
from mycelium_fractal_net.service.core import compilation as module
from mycelium_fractal_net.service.core.compilation import SELF_CHECK, Kernels, compile_family, family_of
from mycelium_fractal_net.service.core.errors import ServiceError
from tests.service.helpers import AUTH, client_of, make_app

RARE = SimulationConfig(kinetics="gray-scott", dtype="float32")


@pytest.fixture
def children(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Have the process that compiles write its number down and go on for a minute, in place of compiling."""
    monkeypatch.setenv("MFN_CACHE_DIR", str(tmp_path / "cache"))
    path = tmp_path / "children"
    code = f"import os, time; open({str(path)!r}, 'a').write(f'{{os.getpid()}}\\n'); time.sleep(60)"
    monkeypatch.setattr(module, "_CODE", code)
    return path


async def _begun(path: Path) -> list[int]:
    for _ in range(12_000):
        if path.exists() and path.read_text().endswith("\n"):
            return [int(line) for line in path.read_text().split()]
        await asyncio.sleep(0.01)
    raise AssertionError("no process was started")


def _compiles() -> bool:
    return any("Kernels._compile" in repr(task.get_coro()) for task in asyncio.all_tasks())


async def _gone(pid: int) -> bool:
    """Tell whether the process ends, and the task that waits for it."""
    for _ in range(12_000):
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            if not _compiles():
                return True
        await asyncio.sleep(0.01)
    return False


@pytest.mark.anyio
async def test_one_process_compiles_for_all_who_wait_and_ends_with_the_last_who_leaves(children: Path) -> None:
    begun: list[int] = []
    kernels = Kernels(lambda: begun.append(1))
    callers = [asyncio.create_task(kernels.ready(RARE)) for _ in range(3)]
    [pid] = await _begun(children)
    callers[0].cancel()
    await asyncio.sleep(0.05)
    os.kill(pid, 0)  # two go on waiting
    for caller in callers:
        caller.cancel()
    await asyncio.gather(*callers, return_exceptions=True)
    assert await _gone(pid)
    assert begun == [1]
    assert kernels.missing(RARE)


@pytest.mark.anyio
async def test_what_is_compiled_is_not_waited_for_again(children: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_CODE", "pass")
    kernels = Kernels()
    await kernels.ready(RARE)
    monkeypatch.setattr(module, "_CODE", f"open({str(children)!r}, 'w')")
    await kernels.ready(RARE)
    await Kernels().ready(RARE)  # in another process after a restart: the cache on disk has them
    assert not kernels.missing(RARE)
    assert not children.exists()


@pytest.mark.anyio
async def test_what_was_simulated_here_needs_no_process(children: Path) -> None:
    kernels = Kernels()
    kernels.know(RARE)
    await kernels.ready(RARE)
    assert not children.exists()


@pytest.mark.anyio
async def test_where_nothing_can_be_kept_no_process_is_started(children: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "places_of", lambda _: iter(()))
    await Kernels().ready(RARE)
    assert not children.exists()


def test_sizes_share_kernels_and_arithmetic_does_not() -> None:
    assert family_of(RARE) == family_of(SimulationConfig(kinetics="gray-scott", dtype="float32", grid_size=32, steps=9))
    assert family_of(RARE) != family_of(SimulationConfig(kinetics="gray-scott"))
    assert family_of(RARE) != family_of(SimulationConfig(dtype="float32"))


def test_the_process_does_what_the_service_will_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "nice", lambda _: 0)
    compile_family(SimulationConfig(grid_size=16, steps=2).model_dump_json())


@pytest.mark.anyio
async def test_a_client_that_leaves_ends_the_compilation_that_it_paid_for(children: Path) -> None:
    app = make_app()
    async with client_of(app, headers=AUTH) as client:
        body = {"grid_size": 16, "steps": 2, "kinetics": "gray-scott", "dtype": "float32"}
        request = asyncio.create_task(client.post("/simulate", json=body))
        [pid] = await _begun(children)
        assert (await client.post("/simulate", json={"grid_size": 16, "steps": 2})).status_code == 200
        assert (await client.get("/health")).status_code == 200
        assert app.state.services.compute.idle
        request.cancel()
        await asyncio.gather(request, return_exceptions=True)
    assert await _gone(pid)


def test_the_kernels_of_the_self_check_are_compiled_by_doing_it(monkeypatch: pytest.MonkeyPatch) -> None:
    done: list[dict[str, int]] = []
    monkeypatch.setattr(os, "nice", lambda _: 0)
    monkeypatch.setattr("mycelium_fractal_net.validation.validate", lambda **sizes: done.append(sizes))
    compile_family("")
    assert done == [{"grid_size": 16, "steps": 2, "threads": 1}]
    assert family_of(None) == SELF_CHECK


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/validate", {"grid_size": 16, "steps": 2}),
        ("/stream/simulate", {"config": {"grid_size": 16, "steps": 2, "kinetics": "gray-scott", "dtype": "float32"}}),
    ],
)
async def test_no_thread_waits_while_kernels_are_compiled(children: Path, path: str, body: object) -> None:
    app = make_app(compute_threads=1)
    async with client_of(app, headers=AUTH) as client:
        request = asyncio.create_task(client.post(path, json=body))
        [pid] = await _begun(children)
        assert app.state.services.compute.idle
        assert (await client.post("/simulate", json={"grid_size": 16, "steps": 2})).status_code == 200
        request.cancel()
        await asyncio.gather(request, return_exceptions=True)
    assert await _gone(pid)


@pytest.mark.anyio
async def test_where_no_process_can_be_started_the_answer_is_503(
    children: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    kernels = Kernels()
    with monkeypatch.context() as missing:
        missing.setattr(sys, "executable", str(children / "no-such-program"))
        with pytest.raises(ServiceError, match="cannot start the process that compiles") as caught:
            await kernels.ready(None)
    assert caught.value.refusal == "SERVICE_UNAVAILABLE"
    assert kernels.missing(None)
