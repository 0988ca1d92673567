"""Count boxes at the best offsets: in one compiled call, or in several with a look at an event between them."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mycelium_fractal_net.errors import CancelledError

__all__ = ["LONG", "cover_counts"]

LONG = 1 << 18
"""Cells from which on a count takes too long to be waited for."""

Mask = NDArray[np.uint8]


def cover_counts(
    mask: Mask, scales: NDArray[np.int64], periodic: bool, cancel: threading.Event | None = None
) -> NDArray[np.int64]:
    """Count as :func:`mycelium_fractal_net.fractals._kernels_boxes.cover_counts` does.

    Raises
    ------
    CancelledError
        When ``cancel`` was set.
    """
    from mycelium_fractal_net.fractals import _kernels_boxes

    if cancel is None or mask.size < LONG:
        counted: NDArray[np.int64] = _kernels_boxes.cover_counts(mask, scales, periodic)
        return counted

    def go_on() -> None:
        if cancel.is_set():
            raise CancelledError("cancelled while boxes were counted")

    return _counted_in_steps(mask, scales, periodic, go_on)


def _counted_in_steps(
    mask: Mask, scales: NDArray[np.int64], periodic: bool, go_on: Callable[[], None]
) -> NDArray[np.int64]:
    from mycelium_fractal_net.fractals._kernels_boxes import fewest_over_phases

    rows, columns = mask.shape
    window, size = np.ascontiguousarray(mask), (1, 1)
    counts = np.empty(scales.size, np.int64)
    for index, scale in enumerate(scales.tolist()):
        wanted = min(scale, rows), min(scale, columns)
        window = _grown(window, size, wanted, periodic, go_on)
        size = wanted
        if periodic and (rows % size[0] or columns % size[1]):
            counts[index] = _fewest_on_torus(mask, window, size, go_on)
        else:
            go_on()
            counts[index] = fewest_over_phases(window, *size)
    return counts


def _grown(
    window: Mask, size: tuple[int, int], wanted: tuple[int, int], periodic: bool, go_on: Callable[[], None]
) -> Mask:
    from mycelium_fractal_net.fractals._kernels_boxes import grow

    height, width = size
    while height < wanted[0] or width < wanted[1]:
        go_on()
        taller, wider = min(2 * height, wanted[0]), min(2 * width, wanted[1])
        window = grow(window, taller - height, wider - width, periodic)
        height, width = taller, wider
    return window


def _fewest_on_torus(mask: Mask, window: Mask, size: tuple[int, int], go_on: Callable[[], None]) -> int:
    from mycelium_fractal_net.fractals._kernels_boxes import sum_round

    (rows, columns), (height, width) = mask.shape, size

    def rest(wanted_height: int, wanted_width: int) -> Mask:
        if wanted_height == 0:
            return mask[:0]
        return _grown(mask, (1, 1), (wanted_height, wanted_width), True, go_on)

    def summed(values: NDArray[np.integer[Any]], left: NDArray[np.integer[Any]], stride: int) -> NDArray[np.int32]:
        go_on()
        sums: NDArray[np.int32] = sum_round(values, left, stride)
        return sums

    sums = summed(window, rest(rows % height, width), height)
    beside = sums[:0]
    if columns % width > 0:
        beside = summed(rest(height, columns % width), rest(rows % height, columns % width), height)
    return int(summed(sums.T.copy(), beside.T.copy(), width).min())
