"""Every kernel that `make kernels` has built ahead gives the bits of the compiler, call by call."""

import copy
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mycelium_fractal_net._compiled.kernel import Kernel
from mycelium_fractal_net._compiled.native import DIRECTORY, Library, library_names
from native.calls import groups
from tests.compiled.test_native import same

pytestmark = pytest.mark.long


BUILT: list[Path | None] = [path for name in library_names() if (path := DIRECTORY / name).is_file()]


@pytest.fixture(scope="module", params=BUILT or [None])
def library(request: pytest.FixtureRequest) -> Library:
    if request.param is None:
        pytest.skip("make kernels builds what is compared")
    return Library(request.param)


@pytest.fixture
def both(library: Library, monkeypatch: pytest.MonkeyPatch) -> Iterator[set[str]]:
    """Compare both on every call of a kernel; yield the names of those that were called."""
    seen: set[str] = set()

    def call(self: Kernel, *arguments: Any) -> Any:
        for_native = copy.deepcopy(arguments)
        found = library.prepare(self.name, for_native)
        assert found is not None, f"{self.name} is not there for these types"
        result = self.dispatcher(*arguments)
        assert same(found(), result), self.name
        assert same(_written(for_native), _written(arguments)), self.name
        seen.add(self.name)
        return result

    monkeypatch.setattr(Kernel, "__call__", call)
    yield seen
    assert seen


def _written(arguments: tuple[Any, ...]) -> tuple[Any, ...]:
    return tuple(
        value.bit_generator.state["state"]["state"] if isinstance(value, np.random.Generator) else value
        for value in arguments
    )


@pytest.mark.parametrize("number", range(len(groups())))
def test_each_call_has_the_bits_of_the_compiled_kernel(both: set[str], number: int) -> None:
    calls: list[Callable[[], object]] = groups()[number]
    for call in calls:
        call()
