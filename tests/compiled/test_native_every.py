"""Every kernel that `make kernels` has built ahead gives the bits of the compiler, call by call."""

import copy
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mycelium_fractal_net._compiled.kernel import Kernel
from mycelium_fractal_net._compiled.native import DIRECTORY, Library, library_names
from mycelium_fractal_net.federated import _distances, _threads
from native.calls import Group, groups
from tests.compiled.test_native import same

pytestmark = pytest.mark.long


REORDERED = ("add_centred_gram", "add_clipped_rows", "distances_between", "pull_towards_rows")
BUILT: list[Path | None] = [path for name in library_names() if (path := DIRECTORY / name).is_file()]


@pytest.fixture(scope="module", params=BUILT or [None])
def library(request: pytest.FixtureRequest) -> Library:
    if request.param is None:
        pytest.skip("make kernels builds what is compared")
    built = Library(request.param)
    if not built.runs_here:
        pytest.skip("this processor has not the instructions")
    return built


@pytest.fixture
def group(request: pytest.FixtureRequest, library: Library, monkeypatch: pytest.MonkeyPatch) -> Iterator[Group]:
    """Compare both on every call of a kernel that a group of calls is made for."""
    seen: set[str] = set()
    group: Group = request.param

    def call(self: Kernel, *arguments: Any) -> Any:
        if not self.name.startswith(group.prefix):
            return self.dispatcher(*arguments)
        for_native = copy.deepcopy(arguments)
        found = library.prepare(self.name, for_native)
        assert found is not None, f"{self.name} is not there for these types"
        result = self.dispatcher(*arguments)
        alike = same(found(), result) and same(_written(for_native), _written(arguments))
        reordered = self.py_func.__name__ in REORDERED
        assert alike or (reordered and _near(_written(for_native), _written(arguments))), self.name
        seen.add(self.name)
        return result

    monkeypatch.setattr(Kernel, "__call__", call)
    for module in (_threads, _distances):  # threads that write to one array would be compared half-way
        monkeypatch.setattr(module, "available_cores", lambda: 1)
    yield group
    assert seen


def _near(one: Any, other: Any) -> bool:
    """Tell whether what kernels have written differs by rounding alone: those that may fuse and reorder their sums."""
    if isinstance(one, tuple):
        return all(map(_near, one, other))
    if not isinstance(one, np.ndarray) or one.dtype.kind != "f":
        return same(one, other)
    return bool(np.allclose(one, other, rtol=1e-5, atol=1e-6 * np.abs(other).max(initial=0.0), equal_nan=True))


def _written(value: Any) -> Any:
    if isinstance(value, tuple):
        return tuple(map(_written, value))
    return repr(value.bit_generator.state) if isinstance(value, np.random.Generator) else value


@pytest.mark.parametrize("group", groups(), ids=str, indirect=True)
def test_each_call_has_the_bits_of_the_compiled_kernel(group: Group) -> None:
    group.call()
