"""Kernels with every kind of argument and result, to be built ahead and compiled."""

from typing import Any

import numpy as np

from mycelium_fractal_net._compiled import njit

__all__ = ["borrow", "divide", "draw", "mirror", "stack", "weigh"]


@njit(nogil=True)
def weigh(x: Any, share: Any, flags: Any, least: Any) -> Any:
    """Return every kind of result, from arrays of any strides, nested tuples, flags and short integers."""
    total = 0.0
    for value in x:
        total += value * share
    found = np.empty((2, x.size), np.float32)
    found[0] = x
    found[1] = least
    return found, (flags[0] and not flags[1][0], x.size + flags[1][1]), total, np.zeros(0, np.uint8)


@njit()
def mirror(x: Any) -> None:
    """Write into an array, with the GIL kept."""
    for i in range(x.shape[0]):
        for j in range(i):
            x[i, j] = x[j, i]


@njit(nogil=True)
def draw(first: Any, second: Any) -> Any:
    """Draw from two generators."""
    return first.random() + second.standard_normal(), first.integers(0, 1 << 40)


@njit(nogil=True)
def stack(n: Any) -> Any:
    """Fill a list, which grows, and empty it."""
    held = [(0, 0.5)]
    for k in range(n):
        held.append((k, k * 0.25))  # noqa: PERF401 # what is tested
    total = 0.0
    while len(held) > 0:
        k, value = held.pop()
        total = 0.5 * total + k * value
    return total


@njit(nogil=True)
def divide(a: Any, b: Any) -> Any:
    """Raise what Python raises."""
    return a // b


@njit(nogil=True)
def borrow(bytes_wanted: Any) -> Any:
    """Ask for more memory than there is."""
    return np.empty(bytes_wanted, np.uint8).size
