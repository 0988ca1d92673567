"""The compiled statistics of a step against the same additions in NumPy."""

from typing import Any

import numpy as np
import pytest

from mycelium_fractal_net.features._kernels_temporal import energy_of, step_statistics_of
from tests.features import reference


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("shape", [(1, 1), (3, 5), (32, 64), (33, 31), (70, 7), (65, 130)])
def test_compiled_statistics_equal_the_reference_to_the_bit(shape: tuple[int, int], dtype: Any) -> None:
    frames = reference.history(4, *shape).astype(dtype)
    assert np.array_equal(step_statistics_of(frames), reference.step_statistics(frames))


def test_statistics_are_the_sums_they_are_named_after() -> None:
    frames = reference.history()
    changes = np.diff(frames, axis=0)
    sums = [abs(changes).sum((1, 2)), abs(changes).max((1, 2)), changes.sum((1, 2)), (changes**2).sum((1, 2))]
    sums.append((frames[:-1] ** 2).sum((1, 2)))
    np.testing.assert_allclose(step_statistics_of(frames), np.transpose(sums), rtol=1e-12, atol=1e-9)


def test_the_energy_of_a_frame_is_the_one_that_the_next_step_would_add() -> None:
    frames = reference.history()
    energies = step_statistics_of(frames)[:, 4]
    assert [energy_of(frame) for frame in frames[:-1]] == energies.tolist()


def test_one_frame_has_no_step() -> None:
    assert step_statistics_of(np.zeros((1, 4, 4))).shape == (0, 5)
