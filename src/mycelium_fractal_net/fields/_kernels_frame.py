"""Compiled ways into the bordered fields and out of them: one call each, for all three fields at once.

Each compiled call gives Python's interpreter away and has to wait for it afterwards; threads that simulate side by
side spend that time on nothing.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

__all__ = ["lay_start", "take_fields"]

Field = NDArray[np.floating[Any]]


@njit(cache=True, nogil=True, error_model="numpy")
def lay_start(
    noise: NDArray[np.float64],
    pair: tuple[float, float, float],
    potential: tuple[float, float, float, float],
    pad: int,
    a: Field,
    h: Field,
    v: Field,
) -> None:
    """Turn two fields of standard normal numbers into activator and potential, and fill the inhibitor.

    Parameters
    ----------
    noise : ndarray, shape (2, N, N)
        For the activator and for the potential.
    pair : tuple of float
        Mean and standard deviation of the activator, the inhibitor.
    potential : tuple of float
        Mean, standard deviation, lowest and highest potential in mV.
    pad : int
        Ghost columns on each side of the fields.
    a, h, v : ndarray, shape (N + 2, N + 2 pad)
        Written inside their borders.
    """
    mean_a, std_a, mean_h = pair
    mean_v, std_v, low, high = potential
    for i in range(noise.shape[1]):
        for j in range(noise.shape[2]):
            a[i + 1, j + pad] = noise[0, i, j] * std_a + mean_a
            h[i + 1, j + pad] = mean_h
            v[i + 1, j + pad] = min(max(noise[1, i, j] * std_v + mean_v, low), high)


@njit(cache=True, nogil=True, error_model="numpy")
def take_fields(a: Field, h: Field, v: Field, pad: int, a_out: Field, h_out: Field, v_out: Field) -> None:
    """Copy what lies inside the borders."""
    rows, columns = v_out.shape
    for i in range(rows):
        a_out[i] = a[i + 1, pad : pad + columns]
        h_out[i] = h[i + 1, pad : pad + columns]
        v_out[i] = v[i + 1, pad : pad + columns]
