"""Compiled draws into the bordered fields, and the way out of them: one call each, for all three fields at once.

A call that releases the GIL has to wait for it afterwards (see ``_gil``). The draws are part of the kernel of the
steps where they can be; the way out keeps the GIL.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from mycelium_fractal_net._compiled import njit

__all__ = ["clear_border", "draw_events", "lay_start", "take_fields"]

Field = NDArray[np.floating[Any]]


@njit(nogil=True, error_model="numpy")
def clear_border(field: Field, pad: int) -> None:
    """Write zeros into the row and the ``pad`` columns on each side."""
    field[0] = 0.0
    field[-1] = 0.0
    field[:, :pad] = 0.0
    field[:, -pad:] = 0.0


@njit(nogil=True, error_model="numpy")
def lay_start(
    generator: np.random.Generator,
    pair: tuple[float, float, float],
    potential: tuple[float, float, float, float],
    columns: int,
    a: Field,
    h: Field,
    v: Field,
    spare: tuple[Field, Field, Field],
) -> None:
    """Draw activator and potential, one after the other, fill the inhibitor, and clear all borders.

    Numba draws from NumPy's generators what NumPy does, to the bit.

    Parameters
    ----------
    generator : numpy.random.Generator
        Of the start.
    pair : tuple of float
        Mean and standard deviation of the activator, the inhibitor.
    potential : tuple of float
        Mean, standard deviation, lowest and highest potential in mV.
    columns : int
        Of the fields, without as many ghost columns on each side.
    a, h, v : ndarray, shape (N + 2, N + 2 pad)
        Written as a whole.
    spare : tuple of ndarray
        Three like them, of which the borders are written.
    """
    mean_a, std_a, mean_h = pair
    mean_v, std_v, low, high = potential
    rows, pad = v.shape[0] - 2, (v.shape[1] - columns) // 2
    for field in (a, h, v, *spare):
        clear_border(field, pad)
    for i in range(1, rows + 1):
        for j in range(pad, pad + columns):
            a[i, j] = generator.standard_normal() * std_a + mean_a
            h[i, j] = mean_h
    for i in range(1, rows + 1):
        for j in range(pad, pad + columns):
            v[i, j] = min(max(generator.standard_normal() * std_v + mean_v, low), high)


@njit(nogil=True, error_model="numpy")
def draw_events(
    sites: np.random.Generator,
    amplitudes: np.random.Generator,
    size: tuple[float, float],
    draws: NDArray[np.float64],
    jumps: Field,
) -> None:
    """Draw for each step whether a growth event happens and where, and how large it is.

    Parameters
    ----------
    sites, amplitudes : numpy.random.Generator
        Of the events.
    size : tuple of float
        Mean and standard deviation of the jump in mV.
    draws : ndarray, shape (steps, 2)
        Written: uniform numbers for the chance of an event, and for its cell.
    jumps : ndarray, shape (steps,)
        Written: jumps in mV.
    """
    for t in range(jumps.shape[0]):
        draws[t, 0] = sites.random()
        draws[t, 1] = sites.random()
        jumps[t] = size[0] + size[1] * amplitudes.standard_normal()


@njit(error_model="numpy")
def take_fields(a: Field, h: Field, v: Field, pad: int, a_out: Field, h_out: Field, v_out: Field) -> None:
    """Copy what lies inside the borders, with the GIL kept: for small fields."""
    rows, columns = v_out.shape
    for i in range(rows):
        for field, out in ((a, a_out), (h, h_out), (v, v_out)):
            source, target = field[i + 1, pad:], out[i]
            for j in range(0, columns):  # noqa: PIE808 - the literal start proves that no index is negative
                target[j] = source[j]
